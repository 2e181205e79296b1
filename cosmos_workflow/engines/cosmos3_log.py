"""The Cosmos 3 framework's own words, line by line: how far it is, and how its sample ended."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cosmos_workflow.engines import transfer25_log
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.events import Progress

OUTPUTS = "cosmos3.sh: sample_outputs: "
"""What the script puts before the framework's own account of the sample."""

RUNS = "cosmos3.sh: runs "
"""And before the runs of a batch, in their order."""

_DONE = re.compile(
    r"^Saved (?:sample|transfer) outputs to '[^']*?(?P<name>[^/']+)/sample_outputs\.json'"
)

MILESTONES: tuple[tuple[str, str, float | None], ...] = (
    ("Console log saved to ", "starting", 0.0),
    ("Loaded 1 samples", "loading models", 0.02),
    ("Saved sample args to ", "reading the videos", 0.08),
    ("Loaded pre-computed ", "reading the videos", None),
    ("Computing ", "preparing controls", None),
    ("[transfer] final user prompt", "sampling", None),
    ("Saved control video to ", "saving", None),
    ("Saved sample outputs to ", "saving", 1.0),
    ("Saved transfer outputs to ", "saving", 1.0),
)
"""How a message begins, its stage, and what is done by then; None where it may come again."""


def progress(line: str) -> Progress | None:
    """What one line says."""
    found = None
    for piece in pieces(line):
        logged = LOG.match(piece)
        if not logged:
            found = transfer25_log.progress(piece) or found
            continue
        for start, stage, fraction in MILESTONES:
            if logged["message"].startswith(start):
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
        logged = LOG.match(piece)
        found = _DONE.match(logged["message"]) if logged else None
        if found:
            return found["name"]
    return ""


def begun(lines: Sequence[str]) -> Sequence[str]:
    """Of runs that share a job, those that the framework has turned to; empty for a run alone.

    It takes them in their order: after those that are done, one more.
    """
    runs = next((line.removeprefix(RUNS).split() for line in lines if line.startswith(RUNS)), [])
    finished = {name for line in lines if (name := done(line))}
    count = 0
    while count < len(runs) and runs[count] in finished:
        count += 1
    return runs[: count + 1]
