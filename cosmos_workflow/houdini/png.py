"""Whether a PNG file is whole: every chunk, every checksum, every row; in plain zlib."""

from __future__ import annotations

import zlib
from pathlib import Path

from cosmos_workflow.houdini.picture import BrokenPicture, Growing, Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}


def check(path: Path) -> Picture:
    """Read and decompress the whole file.  Raises BrokenPicture, OSError.

    zlib lets other threads run meanwhile, so frames can be checked side by side.
    """
    data = path.read_bytes()
    if not data:
        raise Growing("is empty")
    if not data.startswith(_SIGNATURE):
        raise BrokenPicture("is not a PNG")
    chunks = _chunks(data)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise BrokenPicture("has no header")
    header = bytes(chunks[0][1])
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, colour, interlaced = header[8], header[9], header[12]
    if not width or not height or colour not in _CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise BrokenPicture("has a header that makes no sense")
    rows = _rows(chunks)
    stride = 1 + (width * _CHANNELS[colour] * bits + 7) // 8
    if not interlaced and (len(rows) != stride * height or max(rows[::stride]) > 4):
        raise BrokenPicture("has rows missing or damaged")
    return Picture(width, height, bits, _KINDS[colour])


def _chunks(data: bytes) -> list[tuple[bytes, memoryview]]:
    view = memoryview(data)
    chunks, at = [], len(_SIGNATURE)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        kind, body = data[at + 4 : at + 8], view[at + 8 : at + 8 + size]
        end = at + 12 + size
        if end > len(data):
            break
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise BrokenPicture("is damaged (a checksum is wrong)")
        chunks.append((kind, body))
        if kind == b"IEND":
            return chunks
        at = end
    raise Growing("is cut short")


def _rows(chunks: list[tuple[bytes, memoryview]]) -> bytes:
    try:
        return zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    except zlib.error as error:
        raise BrokenPicture("is damaged (its pixels cannot be unpacked)") from error
