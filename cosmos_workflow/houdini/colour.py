"""From scene-linear pixels to what a display shows: through OCIO, or by the plain sRGB curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cosmos_workflow.config.settings import Colour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Shows = Callable[[NDArray[np.float16]], NDArray[np.uint8]]
    """(H, W, 3) half, in memory as it is written here, to (H, W, 3) uint8."""

PLAIN = "srgb"
"""The config that is none: the curve of sRGB, without OCIO."""


@dataclass(frozen=True)
class Display:
    """What turns a frame's scene-linear pixels into a picture.

    ``settings``: config, space, display, view, exposure as they were used, for ``metadata.json``.
    May be called from several threads at once.
    """

    settings: Mapping[str, Any]
    shows: Shows = field(repr=False, compare=False)

    def __call__(self, pixels: NDArray[np.floating]) -> NDArray[np.uint8]:
        """(H, W, 3) half or float -> (H, W, 3) uint8.

        Half is faster.  Float is rounded to half, a twentieth of what 8 bits tell apart.  What is
        not a number is black; infinities are the brightest and the darkest there are.
        """
        import numpy as np

        with np.errstate(over="ignore"):
            half = np.ascontiguousarray(pixels, dtype=np.float16)
        return self.shows(half)


def display(colour: Colour, found_space: str = "") -> Display:
    """The way to the display that the settings ask for.

    ``found_space``: the colour space that the files say they are in; the settings' own wins.
    Raises ConfigError (no such config, space, display or view), MissingExtra.
    """
    if colour.config.strip().lower() == PLAIN:
        from cosmos_workflow.houdini.colour_plain import plain

        return Display(*plain(colour, found_space))
    from cosmos_workflow.houdini.colour_ocio import through_ocio

    return Display(*through_ocio(colour, found_space))


def settled(colour: Colour, found_space: str = "") -> Mapping[str, Any]:
    """The names that ``display`` would use, without making it ready.  Raises the same."""
    if colour.config.strip().lower() == PLAIN:
        from cosmos_workflow.houdini.colour_plain import plain

        return plain(colour, found_space)[0]
    from cosmos_workflow.houdini.colour_ocio import chosen

    return chosen(colour, found_space)[1]
