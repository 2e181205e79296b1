"""Whether a PNG file is whole: every chunk and every checksum, to its end."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from cosmos_workflow.houdini.picture import BrokenPicture, Growing, Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}
_BLOCK = 1 << 18


def check(path: Path) -> Picture:
    """Read the whole file, a block at a time.  Raises BrokenPicture, Growing, OSError.

    The checksums cover every byte.  The pixels are not unpacked, which would cost as much as the
    encoding that does it anyway.  Other threads run meanwhile: frames can be checked side by side.
    """
    with path.open("rb", buffering=_BLOCK) as file:
        signature = file.read(len(_SIGNATURE))
        if signature != _SIGNATURE:
            if signature and not _SIGNATURE.startswith(signature):
                raise BrokenPicture("is not a PNG")
            raise Growing("is cut short" if signature else "is empty")
        kind, header = _chunk(file)
        if kind != b"IHDR" or len(header) != 13:
            raise BrokenPicture("has no header")
        picture = _picture(header)
        pixels = False
        while kind != b"IEND":
            kind, _ = _chunk(file)
            pixels = pixels or kind == b"IDAT"
    if not pixels:
        raise BrokenPicture("has no pixels")
    return picture


def _picture(header: bytes) -> Picture:
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, colour = header[8], header[9]
    if not width or not height or colour not in _KINDS or bits not in (1, 2, 4, 8, 16):
        raise BrokenPicture("has a header that makes no sense")
    return Picture(width, height, bits, _KINDS[colour])


def _chunk(file: BinaryIO) -> tuple[bytes, bytes]:
    """The next chunk's name and the last block of what is in it."""
    head = file.read(8)
    left, kind = int.from_bytes(head[:4]), head[4:]
    checksum = zlib.crc32(kind)
    block = b""
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise Growing("is cut short")
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    stored = file.read(4)
    if len(stored) < 4:
        raise Growing("is cut short")
    if checksum != int.from_bytes(stored):
        raise BrokenPicture("is damaged (a checksum is wrong)")
    return kind, block
