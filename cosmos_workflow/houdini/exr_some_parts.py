"""Some parts of an EXR file as a file of their own, without unpacking a pixel."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from cosmos_workflow.houdini.exr_chunks import offset_tables
from cosmos_workflow.houdini.exr_header import Header
from cosmos_workflow.houdini.picture import Growing


def some_parts(path: Path, header: Header, kept: Sequence[int]) -> bytes:
    """The bytes of an EXR with only these parts of a file that has several, in this order.

    Blocks are copied as they are, but for the number of their part.  Raises BrokenPicture,
    OSError.
    """
    with path.open("rb") as file:
        tables = offset_tables(file, header)
        file.seek(0)
        data = memoryview(file.read())
    heads = b"".join(data[slice(*header.parts[number].span)] for number in kept)
    head = bytes(data[:8]) + heads + b"\0"
    at = len(head) + 8 * sum(len(tables[number]) for number in kept)
    offsets: list[int] = []
    blocks: list[bytes | memoryview] = []
    for place, number in enumerate(kept):
        own = struct.pack("<i", place)
        before = 20 if header.parts[number].tiles else 8
        for offset in tables[number]:
            end = offset + before + 4
            if offset and end <= len(data):
                end += int(struct.unpack_from("<I", data, end - 4)[0])
            if not offset or end > len(data):
                raise Growing("is cut short")
            blocks += own, data[offset + 4 : end]
            offsets.append(at)
            at += end - offset
    return b"".join([head, struct.pack(f"<{len(offsets)}Q", *offsets), *blocks])
