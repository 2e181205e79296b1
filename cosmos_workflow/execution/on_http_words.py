"""What is said of a service and by it, without what must not be said, and without traps."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from cosmos_workflow.execution.dialect import Answer

LONGEST_WAIT = 120.0
"""Seconds that we wait at most because a service asks us to."""

_TEXT = 4000
_LEAST_SECRET = 4
"""Characters: something shorter is no secret, and would mask half of every text."""

_ERRNO = re.compile(r"\[Errno -?\d+\] ")
_LONE = re.compile("[\ud800-\udfff]")
_RESETS = re.compile(r"(?:resets? in|retry (?:after|in)) ~?(\d{1,6}(?:\.\d+)?)\s*s", re.IGNORECASE)


def plain(url: str) -> str:
    """An address without user, query and fragment: they may hold a token."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def masked(text: str, secrets: Iterable[str]) -> str:
    """``text`` with each secret, also as a URL or JSON writes it, as three asterisks."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) >= _LEAST_SECRET:
            for form in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}:
                text = text.replace(form, "***")
    return text


def read_answer(
    status: int, headers: Mapping[str, str], data: bytes, secrets: Iterable[str] = ()
) -> Answer:
    """An answer of any bytes: JSON where it is JSON, else its text; no secret of ours is in it."""
    text = masked(data.decode("utf-8-sig", "replace"), secrets)
    try:
        body = json.loads(text, parse_constant=_no_number) if text.strip() else None
        body = _sound(body) if "\\ud" in text or "\\uD" in text else body
    except (ValueError, RecursionError):
        # Not JSON, or JSON that is nested so deep that it is none that we were promised.
        return Answer(status, headers, None, text[:_TEXT])
    return Answer(status, headers, body, text[:_TEXT])


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _sound(value: Any) -> Any:
    """The same without halves of characters, which could be written to no file."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_sound(item) for item in value]
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    return value


def asked_to_wait(headers: Mapping[str, str], text: str = "") -> float:
    """Seconds the service asks us to wait: ``Retry-After``, or "resets in ~30s" in its words."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", said):
        return min(float(said), LONGEST_WAIT)
    if said:
        try:
            left = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            left = 0.0
        return min(max(left, 0.0), LONGEST_WAIT)
    found = _RESETS.search(text)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def one_line(error: Exception) -> str:
    """The first line of what a library says, without the number of a system's error."""
    return _ERRNO.sub("", (str(error) or type(error).__name__).splitlines()[0])[:200]
