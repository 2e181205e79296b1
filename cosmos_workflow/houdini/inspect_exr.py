"""What the head of an EXR file tells a person: windows, layers, colour space, camera, mattes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.houdini.exr_frame import Frame, open_frame
from cosmos_workflow.houdini.exr_header import Header, Part, Window
from cosmos_workflow.houdini.exr_layers import layers_of
from cosmos_workflow.houdini.exr_space import space_of

_COMPRESSIONS = (
    "none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB",
)  # fmt: skip

_NUMBERS = {"int": "<i", "float": "<f", "double": "<d"}
_STRUCTURE = (
    "channels", "compression", "dataWindow", "displayWindow", "lineOrder", "name", "type",
    "chunkCount", "version", "tiles", "chromaticities", "pixelAspectRatio", "screenWindowWidth",
    "screenWindowCenter", "maxSamplesPerPixel",
)  # fmt: skip
"""Attributes that say how the file is built; what they mean to people is told otherwise."""

_LONGEST = 200


@dataclass(frozen=True)
class LayerFacts:
    """One layer: its components ("rgba"), how they are coded, and its cryptomatte's size.

    ``ranks``: layers of a cryptomatte, which are told as one; 0 for any other.  ``named``: how many
    objects the manifest names.
    """

    name: str
    components: str
    kind: str
    ranks: int = 0
    named: int = 0


@dataclass(frozen=True)
class ExrFacts:
    """``data``: left, top, width, height of the pixels that are there, where that is not all.

    ``space``: what the file says it is in, or empty.  ``about``: its other attributes, as far as
    they are short: frames a second, camera, renderer.
    """

    storage: str
    data: tuple[int, int, int, int] | None
    space: str
    layers: tuple[LayerFacts, ...]
    about: Mapping[str, Any]


def exr_facts(path: Path) -> ExrFacts:
    """Read the file's head.  Raises BrokenPicture, OSError."""
    frame = open_frame(path)
    header = frame.header
    return ExrFacts(
        _storage(header),
        _data(header),
        space_of(header),
        tuple(_layers(frame)),
        {key: value for part in reversed(header.parts) for key, value in _about(part).items()},
    )


def _storage(header: Header) -> str:
    """``EXR ZIP, 3 parts, tiled``."""
    packed = sorted({_compression(part.compression) for part in header.parts})
    said = [f"EXR {'/'.join(packed)}"]
    if len(header.parts) > 1:
        said.append(f"{len(header.parts)} parts")
    if any(part.tiles for part in header.parts):
        said.append("tiled")
    if any(part.deep for part in header.parts):
        said.append("deep")
    return ", ".join(said)


def _compression(number: int) -> str:
    return _COMPRESSIONS[number] if number < len(_COMPRESSIONS) else f"compression {number}"


def _data(header: Header) -> tuple[int, int, int, int] | None:
    """The smallest window around all parts' pixels; None when it is the display window."""
    windows = [part.data for part in header.parts]
    around = Window(
        min(one.left for one in windows),
        min(one.top for one in windows),
        max(one.right for one in windows),
        max(one.bottom for one in windows),
    )
    if around == header.display:
        return None
    shown = header.display
    return around.left - shown.left, around.top - shown.top, around.width, around.height


def _layers(frame: Frame) -> list[LayerFacts]:
    ranks = {rank.name: name for name, some in frame.mattes.items() for rank in some}
    found: dict[str, LayerFacts] = {}
    for layer in layers_of(frame.header):
        name = ranks.get(layer.name, layer.name)
        if name in found:
            continue
        kinds = "/".join(sorted({channel.kind for channel in layer.channels.values()}))
        count = len(frame.mattes.get(name, ())) if layer.name in ranks else 0
        named = len(frame.names(name)) if count else 0
        found[name] = LayerFacts(name, _components(layer.channels), kinds, count, named)
    return list(found.values())


def _components(channels: Mapping[str, Any]) -> str:
    order = "rgbaxyzwuv"
    return "".join(sorted(channels, key=lambda one: order.find(one[:1])))


def _about(part: Part) -> dict[str, Any]:
    found = {}
    for name, (kind, value) in part.attributes.items():
        if name in _STRUCTURE or name.startswith("cryptomatte/"):
            continue
        told = _value(kind, value)
        if told not in (None, ""):
            found[name] = told
    return found


def _value(kind: str, value: bytes) -> Any:
    """A short text or a number; None for anything else."""
    try:
        if kind == "string":
            text = value.decode("utf-8", "replace").strip("\0 \n")
            return text if len(text) <= _LONGEST else None
        if kind == "rational":
            above, below = struct.unpack("<iI", value)
            return round(above / below, 6) if below else None
        if kind in _NUMBERS:
            (number,) = struct.unpack(_NUMBERS[kind], value)
            return number if kind == "int" else round(number, 6)
    except struct.error:
        return None
    return None
