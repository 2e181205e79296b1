"""What happens to runs is written into their folders before anyone sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from cosmos_workflow.events import Alive, Event, Log, Progress, Transferring
from cosmos_workflow.runs.store import RunFolder

Told = tuple[RunFolder | None, Event]
"""An event and the run it is of; None: of all the runs that share the job."""


def recorded(folders: Sequence[RunFolder], told: Iterator[Told]) -> Iterator[Told]:
    """Each event written to the folders of its runs before it is yielded.

    Of transfers, and of progress within one stage, one a second is kept: a night is not a flood.
    """
    kept, stage = 0.0, ""
    for folder, event in told:
        if isinstance(event, Alive):
            yield folder, event
            continue
        now = time.monotonic()
        passing = isinstance(event, Transferring) or (
            isinstance(event, Progress) and event.stage == stage
        )
        if not passing or now - kept >= 1:
            for one in [folder] if folder else folders:
                one.record(_missing(one, event) if isinstance(event, Log) else event)
            if isinstance(event, Progress | Transferring):
                kept, stage = now, getattr(event, "stage", "")
        yield folder, event


def _missing(folder: RunFolder, piece: Log) -> Log:
    """What of a piece of the log is not in the folder: of runs that share a job, a process that
    died may have told some more than others."""
    data = piece.text.encode("utf-8", "surrogateescape")
    known = max(0, folder.log_size() - (piece.offset - len(data)))
    return Log(data[known:].decode("utf-8", "surrogateescape"), piece.offset) if known else piece
