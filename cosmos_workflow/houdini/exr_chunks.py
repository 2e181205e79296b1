"""Whether an EXR file is whole: every block of pixels is listed, and lies inside the file."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from cosmos_workflow.houdini.exr_header import Header, Part, Tiles, header_of
from cosmos_workflow.houdini.picture import BrokenPicture, Growing

_ROWS = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32, 256, 1)
"""Rows in a block of scanlines, by the number of the compression."""


def whole_header(path: Path) -> Header:
    """The header of a file that is all there; pixels are not unpacked, so it costs next to nothing.

    A renderer fills in the list of blocks last.  Raises BrokenPicture, Growing, OSError.
    """
    with path.open("rb", buffering=0) as file:
        header = header_of(file)
        _refuse(header)
        tables = offset_tables(file, header)
        size = os.fstat(file.fileno()).st_size
        needed = [offset for table in tables for offset in table]
        missing = needed.count(0)
        if missing:
            done = len(needed) - missing
            raise Growing(f"is not finished: {done} of its {len(needed)} blocks are written")
        if min(needed) < header.end + 8 * len(needed):
            raise BrokenPicture("is damaged (its list of blocks makes no sense)")
        if max(needed) >= size or _end(file, header, max(needed)) > size:
            raise Growing("is cut short")
    return header


def _refuse(header: Header) -> None:
    for part in header.parts:
        if part.deep:
            raise BrokenPicture("is a deep picture; render flat ones")
        odd = [channel.name for channel in part.channels if channel.subsampled]
        if odd:
            raise BrokenPicture(f"has subsampled channels ({', '.join(odd)}); render full ones")
        if not part.channels:
            raise BrokenPicture("has no channels")


def offset_tables(file: BinaryIO, header: Header) -> list[tuple[int, ...]]:
    """Where each block of each part begins; 0 for one that is not written.  Raises Growing."""
    counts = [chunk_count(part) for part in header.parts]
    if header.end + 8 * sum(counts) > os.fstat(file.fileno()).st_size:
        raise Growing("is cut short")
    file.seek(header.end)
    return [struct.unpack(f"<{count}Q", _exactly(file, 8 * count)) for count in counts]


def _end(file: BinaryIO, header: Header, offset: int) -> int:
    """Where the block at ``offset`` ends."""
    file.seek(offset)
    head = file.read(24)
    at = 4 if header.multipart else 0
    number = struct.unpack_from("<i", head)[0] if at and len(head) >= 4 else 0
    if not 0 <= number < len(header.parts):
        raise BrokenPicture("is damaged (a block belongs to no part)")
    at += 16 if header.parts[number].tiles else 4
    if len(head) < at + 4:
        raise Growing("is cut short")
    return offset + at + 4 + int(struct.unpack_from("<I", head, at)[0])


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            raise Growing("is cut short")
        data += more
    return data


def chunk_count(part: Part) -> int:
    """Blocks of pixels in a part.  Raises BrokenPicture when that cannot be told."""
    kind, value = part.attributes.get("chunkCount", ("", b""))
    if kind == "int" and len(value) == 4:
        return max(1, int(struct.unpack("<i", value)[0]))
    if part.tiles:
        return _tile_count(part, part.tiles)
    if part.compression >= len(_ROWS):
        raise BrokenPicture(f"is compressed in an unknown way ({part.compression})")
    return -(-part.data.height // _ROWS[part.compression])


def _tile_count(part: Part, tiles: Tiles) -> int:
    across = _levels(part.data.width, tiles.width, tiles.round_up)
    down = _levels(part.data.height, tiles.height, tiles.round_up)
    if tiles.levels == 0:
        return across[0] * down[0]
    if tiles.levels == 2:
        return sum(across) * sum(down)
    most = max(len(across), len(down))
    across += [1] * (most - len(across))
    down += [1] * (most - len(down))
    return sum(a * d for a, d in zip(across, down, strict=True))


def _levels(size: int, tile: int, round_up: bool) -> list[int]:
    """Tiles along one side, in the picture and in each smaller copy down to one pixel."""
    found = [-(-size // tile)]
    while size > 1:
        size = (size + 1) // 2 if round_up else size // 2
        found.append(-(-size // tile))
    return found
