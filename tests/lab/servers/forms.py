"""Forms as a strict server reads them: every byte must be where RFC 7578 has it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Upload:
    """A file part."""

    name: str
    media_type: str
    data: bytes


Form = dict[str, "str | Upload"]

_DISPOSITION = re.compile(
    r'form-data; name="(?P<name>[^"\r\n]+)"(?:; filename="(?P<file>[^"\r\n]*)")?'
)


def parse(content_type: str, body: bytes) -> Form:
    """The parts of a multipart body.  Raises ValueError for anything out of place."""
    found = re.fullmatch(r"multipart/form-data; boundary=([A-Za-z0-9'()+_,./:=?-]{1,70})",
                         content_type)  # fmt: skip
    if not found:
        raise ValueError(f"not a form: {content_type!r}")
    mark = b"--" + found[1].encode()
    first, *parts = body.split(mark)
    if first or not parts or parts[-1] not in (b"--", b"--\r\n"):
        raise ValueError("the form does not begin or end with its boundary")
    form: Form = {}
    for part in parts[:-1]:
        name, value = _part(part)
        if name in form:
            raise ValueError(f"the field {name} is there twice")
        form[name] = value
    return form


def _part(part: bytes) -> tuple[str, str | Upload]:
    head, gap, data = part.partition(b"\r\n\r\n")
    if not head.startswith(b"\r\n") or not gap or not data.endswith(b"\r\n"):
        raise ValueError("a part has no head or no end")
    headers: dict[str, str] = {}
    for line in head[2:].decode().split("\r\n"):
        key, _, value = line.partition(": ")
        headers[key.lower()] = value
    match = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if not match:
        raise ValueError(f"a part without a name: {headers}")
    if match["file"] is None:
        return match["name"], data[:-2].decode()
    return match["name"], Upload(match["file"], headers.get("content-type", ""), data[:-2])
