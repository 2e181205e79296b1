"""The Cosmos 3 framework's own words, line by line: how far it is, and how its sample ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cosmos_workflow.engines import transfer25_log
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.events import Progress

OUTPUTS = "cosmos3.sh: sample_outputs: "
"""What the script puts before the framework's own account of the sample."""

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


def account(lines: Sequence[str]) -> Mapping[str, Any]:
    """The framework's own account of the sample; empty when it left none."""
    for line in reversed(lines):
        if line.startswith(OUTPUTS):
            try:
                told = json.loads(line.removeprefix(OUTPUTS))
            except ValueError:
                return {}
            return told if isinstance(told, dict) else {}
    return {}
