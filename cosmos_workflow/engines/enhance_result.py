"""What the engines that enhance a prompt share: a text as result, and small pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.events import JobEnded, Output, Succeeded
from cosmos_workflow.execution.dialects.chat import TEXT
from cosmos_workflow.video.media import Media

RESULT = TEXT

_ENDS = re.compile(r"""[.!?\u2026\u3002\uff01\uff1f]["'\u201d\u2019)\]]*(?=\s|$)""")


def succeeded(ended: JobEnded) -> Succeeded | None:
    """The text first, then what else there is; None where there is no text."""
    texts = [file for file in ended.files if file.path == RESULT and file.size > 0]
    if ended.exit_code != 0 or not texts:
        return None
    rest = [file for file in ended.files if file.path != RESULT]
    (text,) = texts
    first = Output(text.path, text.size, text.sha256, "text")
    return Succeeded((first, *(Output(f.path, f.size, f.sha256) for f in rest)))


def scaled(media: Media, factor: float) -> tuple[int, int]:
    """Width and height of a smaller copy, both even."""
    width, height = (max(16, int(side * factor) // 2 * 2) for side in (media.width, media.height))
    return width, height


def whole_sentences(text: str) -> str:
    """Without a last sentence that has no end; empty where none of them has one."""
    ends: Sequence[re.Match[str]] = list(_ENDS.finditer(text))
    return text[: ends[-1].end()] if ends else ""
