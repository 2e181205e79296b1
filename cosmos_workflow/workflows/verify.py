"""Whether a result is what its engine says it is: one check for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video.probe import check_readable

LONGEST_TEXT = 2**20
"""Bytes of a text; a prompt has a few thousand."""


def video(path: Path) -> float:
    """All of it decodes; the seconds that it plays.  Raises MediaError."""
    return check_readable(path).seconds


def text(path: Path) -> float:
    """It is UTF-8, has words in it, and an end.  Raises MediaError."""
    size = path.stat().st_size
    if size > LONGEST_TEXT:
        raise MediaError(f"{path.name} has {size} bytes: too many for a prompt")
    try:
        words = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MediaError(f"{path.name} is no UTF-8 text: {error.reason}") from error
    if not words.strip():
        raise MediaError(f"{path.name} has no words in it")
    return 0.0


CHECKS: Mapping[str, Callable[[Path], float]] = {"video": video, "text": text}
"""By ``Output.media``."""
