"""Transfer1's own words, line by line, and how far they say it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cosmos_workflow.engines import shared_log
from cosmos_workflow.events import Progress

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LOG = re.compile(
    r"^\[\d\d-\d\d \d\d:\d\d:\d\d\|(?:job=[^|]*\|)?(?P<level>[A-Z]+)\|[^|\]]*:\d+:[^\]]*\] "
    r"(?P<message>.*)$"
)
"""One line of the model's logger: level, place in its code, message."""

_BAR = re.compile(r"^\s*\d+%\|[^|]*\|\s*(\d+)/(\d+)\s*\[")
_NAMED_BAR = re.compile(
    r"^(?P<what>(?:Loading|Fetching|Downloading) [^|%]{1,60}|[\w.-]{1,60}\.(?:safetensors|bin)):"
    r"\s+(?P<percent>\d+)%\|"
)

BEFORE_CHUNKS, AFTER_CHUNKS = 0.15, 0.90

MILESTONES: tuple[tuple[str, str, float | None], ...] = (
    ("control_inputs: ", "starting", 0.0),
    ("Loading ctrl model", "loading models", None),
    ("Loading distilled", "loading models", None),
    ("running preprocessor", "preparing controls", 0.05),
    ("Upsampling prompt ", "expanding the prompt", 0.07),
    ("Running guardrail checks on all prompts", "checking the prompt", 0.09),
    ("Running text embedding", "reading the prompt", 0.11),
    ("Starting data augmentation", "reading the videos", 0.13),
    ("Completed data augmentation", "reading the videos", BEFORE_CHUNKS),
    ("Starting latent encoding", "encoding", None),
    ("Starting diffusion sampling", "sampling", None),
    ("Completed diffusion sampling", "sampling", None),
    ("Starting VAE decode", "decoding", None),
    ("Completed VAE decode", "decoding", None),
    ("Finish generation", "decoding", AFTER_CHUNKS),
    ("Run guardrail on generated videos", "checking the video", 0.92),
    ("Saved video to ", "saving", 0.98),
    ("Saved prompt to ", "saving", 1.0),
)
"""How a message begins, its stage, and what is done by then; None where it comes every chunk."""


def progress(line: str) -> Progress | None:
    """What one line says, of the whole job where several runs share it.  The stages inside a chunk
    have no fraction: the bar over chunks has."""
    found = None
    for piece in pieces(line):
        number, of, text = shared_log.split(piece)
        found = shared_log.of_job(_progress_of(text), number, of) or found
    return found


def _progress_of(text: str) -> Progress | None:
    logged = LOG.match(text)
    if logged:
        message = logged["message"]
        for start, stage, fraction in MILESTONES:
            if message.startswith(start):
                return Progress(stage, fraction)
        return None
    bar = _BAR.match(text)
    if bar:
        done, total = int(bar[1][:9]), int(bar[2][:9])
        if not 0 <= done <= total or total == 0:
            return None
        fraction = BEFORE_CHUNKS + (AFTER_CHUNKS - BEFORE_CHUNKS) * done / total
        return Progress("sampling", round(fraction, 4), f"{done} of {total} chunks done")
    named = _NAMED_BAR.match(text)
    if named and int(named["percent"][:4]) <= 100:
        return Progress("loading models", None, f"{named['what'].strip()} {named['percent']}%")
    return None


def pieces(line: str) -> Iterator[str]:
    """The texts a bar wrote over each other on one line, without colours."""
    for piece in re.split(r"[\r\n]", _ANSI.sub("", line)):
        if piece.strip():
            yield piece
