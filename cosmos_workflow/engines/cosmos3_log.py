"""The Cosmos 3 framework's own words, line by line: how far it is, and how its sample ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosmos_workflow.engines import crashes, transfer25_log
from cosmos_workflow.engines.shared_log import Said, SharedLog
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.events import Progress

OUTPUTS = "cosmos3.sh: sample_outputs: "
"""What the script puts before the framework's own account of the sample."""

RUNS = "cosmos3.sh: runs "
"""And before the runs of a batch, in the order in which the framework takes them."""

_RANK = re.compile(r"^(?:\[RANK \d+\] )+")
"""What the framework puts before a message that any process may write."""

_BEGUN = re.compile(r"^Saved sample args to '(?:.*/)?(?P<name>[^/]+)/sample_args\.json'$")
_DONE = re.compile(
    r"^Saved (?:sample|transfer) outputs to '(?:.*/)?(?P<name>[^/]+)/sample_outputs\.json'$"
)
_ERROR = re.compile(
    r"^(?:[\w.]+(?:Error|Exception): )?Error generating sample '(?P<name>[^']+)': (?P<said>.*)$"
)
_LOADED = re.compile(r"^Loaded \d+ samples$")
_PREPARING = re.compile(r"^\s*File \".*\", line \d+, in create_batches$")
"""In a traceback: it was reading the files of the next sample."""

MILESTONES: tuple[tuple[str, str, float | None], ...] = (
    ("Console log saved to ", "starting", 0.0),
    ("Saved sample args to ", "reading the videos", None),
    ("Loaded pre-computed ", "reading the videos", None),
    ("Computing ", "preparing controls", None),
    ("[transfer] final user prompt", "sampling", None),
    ("Saved control video to ", "saving", None),
    ("Saved sample outputs to ", "saving", None),
    ("Saved transfer outputs to ", "saving", None),
)
"""How a message begins, its stage, and what is done by then; None where it may come again."""


def _message(text: str) -> str | None:
    """What the framework's logger was given to say; None where it is not the logger's."""
    logged = LOG.match(text)
    return _RANK.sub("", logged["message"]) if logged else None


def progress(line: str) -> Progress | None:
    """What one line says."""
    found = None
    for piece in pieces(line):
        message = _message(piece)
        if message is None:
            found = transfer25_log.progress(piece) or found
            continue
        if _LOADED.match(message):
            found = Progress("loading models", 0.02)
        for start, stage, fraction in MILESTONES:
            if message.startswith(start):
                found = Progress(stage, fraction)
    return found


def account(lines: Sequence[str], run_id: str) -> Mapping[str, Any]:
    """The framework's own account of the run's sample; empty when it left none."""
    for line in reversed(lines):
        if line.startswith(OUTPUTS):
            try:
                told = json.loads(line.removeprefix(OUTPUTS))
            except ValueError:
                continue
            if isinstance(told, dict) and _name(told) in (run_id, ""):
                return told
    return {}


def _name(told: Mapping[str, Any]) -> str:
    args = told.get("args")
    return str(args.get("name", "")) if isinstance(args, dict) else ""


def done(line: str) -> str:
    """The sample whose results are all written with this line; empty: it does not say so."""
    for piece in pieces(line):
        found = _DONE.match(_message(piece) or "")
        if found:
            return found["name"]
    return ""


def error(lines: Sequence[str], run_id: str) -> str:
    """What the framework says went wrong with the run; empty: nothing."""
    found = (match for line in lines if (match := _error(line)))
    return next((match["said"] for match in found if match["name"] == run_id), "")


def _error(line: str) -> re.Match[str] | None:
    return _ERROR.match(_message(line) or crashes.without_rank(line))


def turns(lines: Sequence[str]) -> Iterator[Said]:
    """The lines, with the sample that each begins or ends.  What the script adds is left out."""
    for line in lines:
        if line.startswith(OUTPUTS):
            continue
        begun = _BEGUN.match(_message(line) or "")
        ended = done(line) or _error(line)
        yield (begun["name"] if begun else "" if ended else None), line


def culprit(lines: Sequence[str], shared: SharedLog) -> str:
    """The run at which a job of several died: that it was at, whose sample is at fault, or whose
    files it was reading; empty: it had not come to any."""
    preparing = any(_PREPARING.match(crashes.without_rank(line)) for line in lines)
    if shared.inside or not preparing:
        return shared.inside or crashes.invalid_run(lines)
    runs = next((line.removeprefix(RUNS).split() for line in lines if line.startswith(RUNS)), [])
    return next((run for run in runs if run not in shared.about and not account(lines, run)), "")
