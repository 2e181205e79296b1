"""Which colour space an EXR file says it is in."""

from __future__ import annotations

import struct

from cosmos_workflow.houdini.exr_header import Header

_SAID = ("colorSpace", "oiio:ColorSpace", "colorInteropID", "interopID")
_PRIMARIES = {
    "ACEScg": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044),
    "ACES2065-1": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077),
    "Linear Rec.709 (sRGB)": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    "Linear Rec.2020": (0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    "Linear P3-D65": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    "Linear AdobeRGB": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
}
_VAGUE = ("", "linear", "scenelinear", "raw", "data", "unknown", "none")


def space_of(header: Header) -> str:
    """The space's name, or "" when the file does not say.

    What a renderer wrote in words wins over the primaries, which also stand for it.
    """
    for part in header.parts:
        for name in _SAID:
            said = part.text(name).strip()
            if said.casefold().replace("_", "").replace(" ", "") not in _VAGUE:
                return said
    for part in header.parts:
        kind, value = part.attributes.get("chromaticities", ("", b""))
        if kind == "chromaticities" and len(value) == 32:
            return _nearest(struct.unpack("<6f", value[:24]))
    return ""


def _nearest(primaries: tuple[float, ...]) -> str:
    for name, known in _PRIMARIES.items():
        if all(abs(a - b) < 0.003 for a, b in zip(primaries, known, strict=True)):
            return name
    return ""
