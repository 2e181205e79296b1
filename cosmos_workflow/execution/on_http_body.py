"""Bodies of requests, written while they are sent: a video of any size is never in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import TransferError
from cosmos_workflow.execution.job import Attached

_PIECE = 3 * 128 * 1024
"""Bytes read at once; a multiple of three, so that base64 of the pieces is base64 of the whole."""

_ANY: Mapping[str, str] = {}
_AGAIN = "cosmos run the RunSpec with --again to plan with the file as it is now"

Source = Callable[[str], Path]
"""From an input's key to its file on this machine."""


@dataclass(frozen=True)
class FilePart:
    """A file as it is, or in base64.  ``sha256``: what its bytes must be; empty: whatever.

    The last piece of a file that is another one by now is not given: a request that ends before
    its length is one that no service takes.
    """

    path: Path
    base64: bool = False
    sha256: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file.  Raises TransferError when it is not there."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise _gone(self.path, error) from error

    def read(self) -> Iterator[bytes]:
        """The file, a piece at a time.  Raises TransferError when it is not what it was."""
        size, read, sum_ = self.size, 0, hashlib.sha256()
        try:
            with self.path.open("rb") as file, ThreadPoolExecutor(1) as beside:
                while data := file.read(_PIECE):
                    read += len(data)
                    summed = beside.submit(sum_.update, data)  # while the piece is sent
                    if read >= size:
                        summed.result()
                        if read > size or self.sha256 not in ("", sum_.hexdigest()):
                            raise _changed(self.path)
                    yield base64.b64encode(data) if self.base64 else data
                    summed.result()
        except OSError as error:
            raise _gone(self.path, error) from error
        if read < size:
            raise _changed(self.path)


Part = bytes | FilePart


@dataclass(frozen=True)
class Body:
    """A body as parts in order, and its content type.  It can be sent any number of times."""

    parts: tuple[Part, ...]
    content_type: str
    report: Report | None = None

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(_size(part) for part in self.parts)

    def headers(self) -> dict[str, str]:
        """Type and length."""
        return {"Content-Type": self.content_type, "Content-Length": str(self.size)}

    def pieces(self) -> Iterator[bytes]:
        """The bytes, a piece at a time.  Raises TransferError for a file that changed."""
        done, total, began = 0, self.size, time.monotonic()
        for part in self.parts:
            for piece in _read(part):
                done += len(piece)
                if self.report:  # before it goes: who is stopped by it has not sent all
                    self.report(done, total, done / max(time.monotonic() - began, 1e-3))
                yield piece


def json_body(fields: Any, source: Source, sums: Mapping[str, str] = _ANY) -> Body:
    """JSON in which each ``Attached`` is the base64 of its file.  ``sums``: sha256 by key."""
    marks: dict[str, Attached] = {}

    def marked(value: Any) -> Any:
        if isinstance(value, Attached):
            mark = f"attached-{secrets.token_hex(16)}"
            marks[mark] = value
            return mark
        if isinstance(value, Mapping):
            return {key: marked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [marked(item) for item in value]
        return value

    text = json.dumps(marked(fields), ensure_ascii=False)
    parts: list[Part] = []
    for mark, attached in marks.items():  # dict order is the order in the text
        before, _, text = text.partition(mark)
        lead = f"data:{attached.media_type};base64," if attached.form == "data_uri" else ""
        part = FilePart(source(attached.key), True, sums.get(attached.key, ""))
        parts += [(before + lead).encode(), part]
    return Body((*parts, text.encode()), "application/json")


def form_body(fields: Mapping[str, Any], source: Source, sums: Mapping[str, str] = _ANY) -> Body:
    """A form: text parts, JSON text for what is no scalar, and files as they are."""
    boundary = f"cosmos{secrets.token_hex(16)}"
    parts: list[Part] = []
    for key, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"'
        if isinstance(value, Attached):
            path = source(value.key)
            name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{value.key}{path.suffix}")
            head += f'; filename="{name}"\r\nContent-Type: {value.media_type}'
            file = FilePart(path, sha256=sums.get(value.key, ""))
            parts += [f"{head}\r\n\r\n".encode(), file, b"\r\n"]
        elif value is not None:
            parts.append(f"{head}\r\n\r\n{_scalar(value)}\r\n".encode())
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(tuple(parts), f"multipart/form-data; boundary={boundary}")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _size(part: Part) -> int:
    if isinstance(part, bytes):
        return len(part)
    return -(-part.size // 3) * 4 if part.base64 else part.size


def _read(part: Part) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
    else:
        yield from part.read()


def _gone(path: Path, error: OSError) -> TransferError:
    return TransferError(f"cannot read {path}: {error.strerror}", hint=_AGAIN)


def _changed(path: Path) -> TransferError:
    return TransferError(f"{path} changed since the run was planned", hint=_AGAIN)
