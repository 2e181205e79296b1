"""Bodies of requests, written while they are sent: a video of any size is never in memory."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.connection.host import Report
from cosmos_workflow.execution.job import Attached

_PIECE = 3 * 256 * 1024
"""Bytes read at once; a multiple of three, so that base64 of the pieces is base64 of the whole."""

Source = Callable[[str], Path]
"""From an input's key to its file on this machine."""

Part = bytes | Path | tuple[str, Path]
"""Bytes as they are, a file as it is, or ("base64", file)."""


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
        """The bytes, a piece at a time."""
        done, total, began = 0, self.size, time.monotonic()
        for part in self.parts:
            for piece in _read(part):
                done += len(piece)
                yield piece
                if self.report:
                    self.report(done, total, done / max(time.monotonic() - began, 1e-3))


def json_body(fields: Any, source: Source) -> Body:
    """JSON in which each ``Attached`` is the base64 of its file."""
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
        parts += [(before + lead).encode(), ("base64", source(attached.key))]
    return Body((*parts, text.encode()), "application/json")


def form_body(fields: Mapping[str, Any], source: Source) -> Body:
    """A form: text parts, JSON text for what is no scalar, and files as they are."""
    boundary = f"cosmos{secrets.token_hex(16)}"
    parts: list[Part] = []
    for key, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"'
        if isinstance(value, Attached):
            path = source(value.key)
            head += f'; filename="{value.key}{path.suffix}"\r\nContent-Type: {value.media_type}'
            parts += [f"{head}\r\n\r\n".encode(), path, b"\r\n"]
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
    if isinstance(part, Path):
        return part.stat().st_size
    return -(-part[1].stat().st_size // 3) * 4


def _read(part: Part) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        return
    path = part if isinstance(part, Path) else part[1]
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            yield data if isinstance(part, Path) else base64.b64encode(data)
