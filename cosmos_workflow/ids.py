"""Content ids, slugs and time stamps: the few rules by which things are named."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

RUN_ID = re.compile(r"rs_[0-9a-f]{8}\.[1-9][0-9]*")
"""A run: the id of its RunSpec and the number of the attempt, ``rs_1f2e3d4c.2``."""


def content_id(prefix: str, content: Any) -> str:
    """``prefix_`` and 8 hex digits of the sha256 of ``content`` as canonical JSON.

    The same content has the same id on every machine: keys are sorted, and the caller has
    already turned paths into project-relative POSIX ones.
    """
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{prefix}_{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"


def slug(text: str, *, limit: int = 48) -> str:
    """``text`` as a file name: letters and digits of any script, joined by ``_``.

    Never empty (``"untitled"``), never with a dot, slash, quote, space or control character.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    words = re.findall(r"[^\W_]+", plain)
    joined = "_".join(words)
    if len(joined) > limit:
        joined = joined[:limit].rsplit("_", 1)[0]
    return joined or "untitled"


def timestamp(now: datetime | None = None) -> str:
    """Local time as ``YYYYMMDD_HHMMSS``, as file and folder names carry it."""
    return (now or datetime.now()).strftime("%Y%m%d_%H%M%S")


def date_folder(now: datetime | None = None) -> str:
    """Local date as ``YYYY-MM-DD``, the folder that specs of one day share."""
    return (now or datetime.now()).strftime("%Y-%m-%d")


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes as 64 hex digits, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
