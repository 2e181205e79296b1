"""A long answer in JSON, read a piece at a time: files in base64 are taken out of it on the way."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cosmos_workflow.errors import TransferError

PIECE = 1 << 18
SMALL = 8 * 2**20
"""Bytes of an answer without its files."""

_MARK = re.compile(rb'["{}\[\],:]')
_END = re.compile(rb'["\\]')
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/]")


class Base64File:
    """Writes what the base64 that it is given stands for; ``close`` says whether it was whole."""

    def __init__(self, dest: Path, field: str) -> None:
        self._file = dest.open("wb")
        self._field, self._rest, self._read, self._over = field, b"", 0, False

    def write(self, text: bytes) -> None:
        """The next piece of it.  Raises TransferError for what is no base64."""
        text = self._rest + text
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if not whole:
            return
        if self._over:
            raise self._wrong("it goes on after its end")
        try:
            self._file.write(binascii.a2b_base64(text[:whole], strict_mode=True))
        except binascii.Error as error:
            found = _FOREIGN.search(text)
            self._read += found.start() if found else 0
            raise self._wrong(str(error)) from error
        self._read += whole
        self._over = text[whole - 1 : whole] == b"="

    def close(self) -> None:
        """The end.  Raises TransferError when it is empty, or was cut off."""
        self._file.close()
        if self._rest:
            raise self._wrong("it is cut off")
        if not self._read:
            raise TransferError(f"{self._field} in the answer is empty")

    def abandon(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _wrong(self, why: str) -> TransferError:
        return TransferError(
            f"{self._field} in the answer is not valid base64, at character {self._read}: {why}"
        )


def split(answer: Path, files: Mapping[str, Path], piece: int = PIECE) -> dict[str, Any]:
    """The fields of a JSON object, those in ``files`` written to their path and left as "".

    ``piece``: bytes read at once.

    Memory is flat in the answer's length.  Raises TransferError: no JSON object, ended in the
    middle, a file that is no base64 text, more than 8 MiB without the files.
    """
    with answer.open("rb") as source:
        reader = _Reader(source, files, piece)
        try:
            text = reader.read()
        finally:
            reader.abandon()
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise TransferError(f"the answer is not JSON, or ended in the middle: {error}") from error
    if not isinstance(fields, dict):
        raise TransferError("the answer is JSON, but no object")
    for field in files:
        if field in fields and fields[field] != "":
            raise TransferError(f"{field} in the answer is not text")
    return fields


class _Reader:
    """Walks through JSON; ``kept`` is all but the files."""

    def __init__(self, source: BinaryIO, files: Mapping[str, Path], piece: int) -> None:
        self._source, self._files, self._piece = source, files, piece
        self._data, self._at = b"", 0
        self._kept = bytearray()
        self._open: Base64File | None = None

    def read(self) -> bytes:
        """All but the files, as JSON.  What is wrong with it is for a JSON parser to say."""
        depth, key, value = 0, "", False
        for mark in self._marks():
            if mark in b"{[":
                depth, value = depth + 1, False
            elif mark in b"}]":
                depth -= 1
            elif mark == b":":
                value = True
            elif mark == b",":
                value = False
            elif depth == 1 and value and key in self._files:
                self._take(key)
            else:
                before = len(self._kept)
                for piece in self._string():
                    self._keep(piece)
                if depth == 1 and not value:
                    key = bytes(self._kept[before:-1]).decode("utf-8", "replace")
        return bytes(self._kept)

    def abandon(self) -> None:
        """Let go of a file that did not come to its end."""
        if self._open is not None:
            self._open.abandon()

    def _take(self, field: str) -> None:
        self._open = Base64File(self._files[field], field)
        piece = b""
        for piece in self._string():
            if not piece.endswith(b'"'):
                self._open.write(piece.replace(b"\\/", b"/"))
            elif piece[:-1]:
                self._open.write(piece[:-1])
        if not piece.endswith(b'"'):
            raise TransferError("the answer ended in the middle of the video")
        self._keep(b'"')
        self._open.close()
        self._open = None

    def _marks(self) -> Iterator[bytes]:
        """Each sign outside of strings, all that passes by being kept."""
        while self._more():
            found = _MARK.search(self._data, self._at)
            end = found.end() if found else len(self._data)
            self._keep(self._data[self._at : end])
            self._at = end
            if found:
                yield found[0]

    def _string(self) -> Iterator[bytes]:
        """The rest of a string in pieces; an escape is a piece; the last one ends with a quote."""
        while self._more():
            found = _END.search(self._data, self._at)
            if found is None:
                yield self._skip(len(self._data))
            elif found[0] == b'"':
                yield self._skip(found.end())
                return
            elif found.start() > self._at:
                yield self._skip(found.start())
            elif found.end() < len(self._data):
                yield self._skip(found.end() + 1)
            else:  # the escape goes on in the next piece
                following = self._source.read(self._piece)
                if not following:
                    yield self._skip(len(self._data))
                self._data = self._data[self._at :] + following
                self._at = 0

    def _skip(self, end: int) -> bytes:
        piece, self._at = self._data[self._at : end], end
        return piece

    def _more(self) -> bool:
        if self._at >= len(self._data):
            self._data, self._at = self._source.read(self._piece), 0
        return bool(self._data)

    def _keep(self, piece: bytes) -> None:
        self._kept += piece
        if len(self._kept) > SMALL:
            raise TransferError(
                f"the answer has more than {SMALL >> 20} MiB besides the video: it is no answer "
                "of such a service"
            )
