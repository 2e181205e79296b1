"""What the head of an EXR file says: its parts, channels, windows and attributes; plain Python."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cosmos_workflow.houdini.picture import BrokenPicture, Growing

Kind = str
"""How a channel's values are coded: ``half``, ``float`` or ``uint``."""

_MAGIC = b"\x76\x2f\x31\x01"
_TILED, _DEEP, _MULTIPART = 0x200, 0x800, 0x1000
_KINDS = {0: "uint", 1: "half", 2: "float"}
_AT_ONCE, _MOST = 1 << 16, 1 << 28
_WIDEST = 1 << 17
_SENSELESS = "has a header that makes no sense"


@dataclass(frozen=True)
class Channel:
    """One channel by its full name; ``kind`` is half, float or uint."""

    name: str
    kind: Kind
    subsampled: bool = False


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels; ``right`` and ``bottom`` are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Tiles:
    """Pixels of a tile, and how the file keeps smaller copies: one, mipmap or ripmap levels."""

    width: int
    height: int
    levels: int
    round_up: bool


@dataclass(frozen=True)
class Part:
    """One picture of the file.

    ``attributes``: name -> (type, bytes as in the file).  ``span``: its head is from the first to
    the second byte of the file.
    """

    name: str
    channels: tuple[Channel, ...]
    data: Window
    display: Window
    compression: int
    tiles: Tiles | None
    deep: bool
    attributes: Mapping[str, tuple[str, bytes]]
    span: tuple[int, int]

    def text(self, name: str) -> str:
        """The value of a string attribute; empty when there is none."""
        kind, value = self.attributes.get(name, ("", b""))
        return value.decode("utf-8", "replace") if kind == "string" else ""


@dataclass(frozen=True)
class Header:
    """All parts; the offset tables begin at byte ``end``."""

    parts: tuple[Part, ...]
    multipart: bool
    end: int

    @property
    def display(self) -> Window:
        """The window that is delivered; the same in all parts."""
        return self.parts[0].display


class _More(Exception):
    """The bytes read so far end before the header does."""


def read_header(path: Path) -> Header:
    """Parse the file's head.  Raises BrokenPicture, Growing, OSError."""
    with path.open("rb") as file:
        return header_of(file)


def header_of(file: BinaryIO) -> Header:
    """The same of an open file, read from its beginning."""
    data = file.read(_AT_ONCE)
    if not data:
        raise Growing("is empty")
    if not _MAGIC.startswith(data[:4]):
        raise BrokenPicture("is not an EXR")
    while True:
        try:
            return _parse(data)
        except _More:
            more = file.read(len(data))
            if not more:
                raise Growing("is cut short in its header") from None
            if len(data) > _MOST:
                raise BrokenPicture(_SENSELESS) from None
            data += more
        except (struct.error, ValueError, KeyError, IndexError) as error:
            raise BrokenPicture(_SENSELESS) from error


def _parse(data: bytes) -> Header:
    if len(data) < 8:
        raise _More
    (version,) = struct.unpack_from("<I", data, 4)
    if version & 0xFF != 2:
        raise BrokenPicture(f"is an EXR of version {version & 0xFF}, which is not known")
    multipart, at = bool(version & _MULTIPART), 8
    parts: list[Part] = []
    while True:
        start = at
        attributes, at = _attributes(data, at)
        if not attributes:
            break
        parts.append(_part(attributes, version, (start, at)))
        if not multipart:
            break
    if not parts:
        raise ValueError("no parts")
    return Header(tuple(parts), multipart, at)


def _attributes(data: bytes, at: int) -> tuple[dict[str, tuple[str, bytes]], int]:
    """The attributes from byte ``at`` to the empty name that ends them."""
    found: dict[str, tuple[str, bytes]] = {}
    while True:
        name, at = _word(data, at)
        if not name:
            return found, at
        kind, at = _word(data, at)
        if at + 4 > len(data):
            raise _More
        (size,) = struct.unpack_from("<i", data, at)
        if not 0 <= size <= _MOST:
            raise ValueError("size of an attribute")
        at += 4
        if at + size > len(data):
            raise _More
        found[name] = kind, data[at : at + size]
        at += size


def _word(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at, at + 256)
    if end < 0:
        if at + 256 <= len(data):
            raise ValueError("a name without end")
        raise _More
    return data[at:end].decode("utf-8", "replace"), end + 1


def _part(attributes: dict[str, tuple[str, bytes]], version: int, span: tuple[int, int]) -> Part:
    kind = attributes.get("type", ("", b""))[1].decode("ascii", "replace")
    tiled = kind in ("tiledimage", "deeptile") or (not kind and bool(version & _TILED))
    return Part(
        name=attributes.get("name", ("", b""))[1].decode("utf-8", "replace"),
        channels=_channels(attributes["channels"][1]),
        data=_window(attributes["dataWindow"][1]),
        display=_window(attributes["displayWindow"][1]),
        compression=attributes["compression"][1][0],
        tiles=_tiles(attributes["tiles"][1]) if tiled else None,
        deep=kind.startswith("deep") or (not kind and bool(version & _DEEP)),
        attributes=attributes,
        span=span,
    )


def _channels(data: bytes) -> tuple[Channel, ...]:
    found, at = [], 0
    while data[at]:
        end = data.index(b"\0", at)
        name = data[at:end].decode("utf-8", "replace")
        kind, _, across, down = struct.unpack_from("<iIii", data, end + 1)
        found.append(Channel(name, _KINDS[kind], (across, down) != (1, 1)))
        at = end + 17
    return tuple(found)


def _window(data: bytes) -> Window:
    left, top, right, bottom = struct.unpack("<4i", data)
    window = Window(left, top, right + 1, bottom + 1)
    if not (0 < window.width <= _WIDEST and 0 < window.height <= _WIDEST):
        raise ValueError("window")
    return window


def _tiles(data: bytes) -> Tiles:
    width, height, mode = struct.unpack("<IIB", data)
    if not (width and height and mode & 15 <= 2):
        raise ValueError("tiles")
    return Tiles(width, height, mode & 15, bool(mode >> 4))
