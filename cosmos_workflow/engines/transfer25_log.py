"""Transfer2.5's own words, line by line: how far it is, and which lines are about which sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cosmos_workflow.engines.shared_log import Said
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.events import Progress

_STEP = re.compile(
    r"^steps\.py: sample (\d{1,6})/(\d{1,6}) chunk (\d{1,6})/(\d{1,6}) step (\d{1,6})/(\d{1,6})$"
)
"""What ``scripts/steps.py`` makes of the model's bars, which do not say their chunk."""

_SAMPLE = re.compile(r"^\[\d+/\d+\] Processing sample (?P<name>\S+)$")
_LOADING = re.compile(r"^(?:Loading|Downloading|Fetching) [^|%]{1,60}:\s+(?P<percent>\d{1,3})%\|")

BEFORE, AFTER = 0.10, 0.95
"""What of the whole is done before the first step, and after the last one."""

MILESTONES: tuple[tuple[str, str, float | None], ...] = (
    ("Log saved to ", "starting", 0.0),
    ("Downloading checkpoint", "downloading models", None),
    ("Loading the multicontrol model", "loading models", None),
    ("Loading checkpoint", "loading models", None),
    ("Saved config to ", "loading models", None),
    ("Generating 1 samples", "preparing", 0.08),
    ("Running guardrail check on prompt", "checking the prompt", None),
    ("Loading input video", "reading the videos", None),
    ("Computing prompt text embeddings", "reading the prompt", None),
    ("Loading control inputs", "preparing controls", None),
    ("No depth control input file found", "making depth", None),
    ("No segmentation control input file found", "making segmentation", None),
    ("Running guardrail check on video", "checking the video", None),
)
"""How a message begins, its stage, and what is done by then; None where it may come again."""


def progress(line: str) -> Progress | None:
    """What one line says."""
    found = None
    for piece in pieces(line):
        found = _progress_of(piece) or found
    return found


def _progress_of(text: str) -> Progress | None:
    step = _STEP.match(text)
    if step:
        return _step(*(int(number) for number in step.groups()))
    logged = LOG.match(text)
    if logged:
        for start, stage, fraction in MILESTONES:
            if logged["message"].startswith(start):
                return Progress(stage, fraction)
        return None
    loading = _LOADING.match(text)
    if loading and int(loading["percent"]) <= 100:
        return Progress("loading models", None, text.partition("|")[0].strip())
    return None


def _step(
    sample: int, samples: int, chunk: int, chunks: int, step: int, steps: int
) -> Progress | None:
    if not (1 <= sample <= samples and 1 <= chunk <= chunks and 0 <= step <= steps and steps):
        return None
    done = (sample - 1 + (chunk - 1 + step / steps) / chunks) / samples
    detail = f"step {step} of {steps}"
    if chunks > 1:
        detail += f", chunk {chunk} of {chunks}"
    if samples > 1:
        detail += f", run {sample} of {samples}"
    return Progress("sampling", round(BEFORE + (AFTER - BEFORE) * done, 4), detail)


_SAVED = re.compile(r"^Generated video saved to (?:.*/)?(?P<path>outputs/[^/]+\.(?:mp4|jpg))$")


def saved(line: str) -> str | None:
    """The path of the result that this line tells of, in the workspace."""
    for piece in pieces(line):
        logged = LOG.match(piece)
        found = _SAVED.match(logged["message"]) if logged else None
        if found:
            return found["path"]
    return None


def lines_of(log: Sequence[str]) -> list[str]:
    """The log as single texts, without bars that were written over."""
    return [piece for line in log for piece in pieces(line)]


def turns(lines: Sequence[str]) -> Iterator[Said]:
    """The lines, with the sample that each begins."""
    for line in lines:
        logged = LOG.match(line)
        sample = _SAMPLE.match(logged["message"]) if logged else None
        yield (sample["name"] if sample else None), line
