"""The way to the display without OCIO: primaries by a matrix, the curve of sRGB by a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cosmos_workflow.config.settings import Colour
from cosmos_workflow.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cosmos_workflow.houdini.colour import Shows

_Matrix = tuple[tuple[float, float, float], ...]

_REC709 = "lin_rec709"
_TO_REC709: dict[str, _Matrix] = {
    "ACEScg": (
        (1.70505099, -0.62179212, -0.08325887),
        (-0.13025642, 1.14080474, -0.01054832),
        (-0.02400336, -0.12896898, 1.15297233),
    ),
    "ACES2065-1": (
        (2.52168619, -1.13413099, -0.3875552),
        (-0.27647991, 1.37271909, -0.09623917),
        (-0.01537806, -0.15297534, 1.1683534),
    ),
    "lin_p3d65": (
        (1.22494018, -0.22494018, 0.0),
        (-0.04205695, 1.04205695, 0.0),
        (-0.01963755, -0.07863605, 1.0982736),
    ),
    "lin_rec2020": (
        (1.660491, -0.58764114, -0.07284986),
        (-0.12455047, 1.1328999, -0.00834942),
        (-0.01815076, -0.1005789, 1.11872966),
    ),
}
"""Linear RGB to linear Rec.709, adapted to its white (Bradford)."""

_ALIASES = {
    _REC709: "linear scenelinear unknown linrec709 linrec709srgb linrec709scene linsrgb"
    " linearrec709 linearrec709srgb linearsrgb utilitylinearrec709 utilitylinearsrgb",
    "ACEScg": "acescg acesacescg linap1 linap1scene",
    "ACES2065-1": "aces20651 aces acesaces20651 linap0 linap0scene",
    "lin_p3d65": "linp3d65 linp3d65scene lindisplayp3 linearp3d65 utilitylinearp3d65",
    "lin_rec2020": "linrec2020 linrec2020scene linearrec2020 utilitylinearrec2020",
}
"""What files and OCIO configs call these spaces: letters and digits, in lower case."""


def plain(colour: Colour, found_space: str) -> tuple[dict[str, Any], Shows]:
    """What was chosen, and what does it.  Raises ConfigError for a space that is not known."""
    import numpy as np

    for key in ("display", "view"):
        if getattr(colour, key):
            raise ConfigError(
                f"[colour] {key} needs an OCIO config; {colour.config} has the sRGB curve alone",
                hint=f"take {key} away, or set [colour] config to an OCIO config",
            )
    space = _space(colour.space, found_space)
    table = curve(colour.exposure)
    settings = {"config": "srgb", "space": space, "exposure": colour.exposure}
    if space == _REC709:
        return settings, lambda half: np.take(table, half.view(np.uint16))
    matrix = np.array(_TO_REC709[space], np.float32).T.copy()

    def converted(half: NDArray[np.float16]) -> NDArray[np.uint8]:
        with np.errstate(over="ignore", invalid="ignore"):
            linear = (half.reshape(-1, 3).astype(np.float32) @ matrix).astype(np.float16)
        return np.take(table, linear.view(np.uint16)).reshape(half.shape)

    return settings, converted


def curve(exposure: float) -> NDArray[np.uint8]:
    """The display's code for each of the 65,536 half floats, by its bits."""
    import numpy as np

    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    linear = np.nan_to_num(halves, nan=0.0, posinf=1e9, neginf=0.0) * 2.0**exposure
    linear = linear.clip(0.0, 1.0)
    shown = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(shown * 255), np.uint8)


def _space(wanted: str, found: str) -> str:
    """The name of the space in the tables; what no file says is linear Rec.709."""
    word = re.sub(r"[^a-z0-9]", "", (wanted or found or _REC709).lower())
    for name, aliases in _ALIASES.items():
        if word in aliases.split():
            return name
    who = "[colour] space:" if wanted else "the files say that they are in"
    raise ConfigError(
        f"{who} {wanted or found!r}, which the plain sRGB curve does not know",
        hint=f"set [colour] space to one of {', '.join(_ALIASES)}, "
        "or [colour] config to an OCIO config",
    )
