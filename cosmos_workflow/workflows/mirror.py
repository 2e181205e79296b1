"""Watching a run that another process of this machine follows: its records, as they grow."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cosmos_workflow.events import Event, Log
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.run import carry_on

GLANCE = 0.3
"""Seconds between two looks at the records."""


def follow(bench: Bench, folder: RunFolder) -> Iterator[Event]:
    """What happens to the run: by our own hand, or as another process records it.

    When that process goes away before the end, we take over.
    """
    seen, log, over = len(list(folder.events())), folder.log_size(), False
    while not over:
        over = folder.run().status.final  # asked before the last look, so that the end is seen
        try:
            last = None
            for last in carry_on(bench, folder):
                yield last
            if last is not None:
                yield from _ended_by_another(folder, last)
                return
        except RunInUse:
            if not over:
                time.sleep(GLANCE)
        events = [event for event, _ in folder.events()]
        yield from events[seen:]
        seen = len(events)
        text = _log_from(folder, log)
        if text:
            log += len(text)
            yield Log(text.decode("utf-8", "surrogateescape"), log)


def _ended_by_another(folder: RunFolder, last: Event) -> Iterator[Event]:
    """The end of a run that was cancelled from elsewhere while we were at work on it."""
    ends = [event for event, _ in folder.events() if event.status and event.status.final]
    if ends and ends[0] != last:
        yield ends[0]


def _log_from(folder: RunFolder, offset: int) -> bytes:
    """Whole lines of the log from a byte offset."""
    if not folder.log_file.exists():
        return b""
    with folder.log_file.open("rb") as file:
        file.seek(offset)
        whole, newline, _ = file.read().rpartition(b"\n")
    return whole + newline
