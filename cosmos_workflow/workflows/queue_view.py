"""The queue at one moment: what each slot does, what waits, what it has cost, what ended last.

It only reads, from the queue and the run folders, so that any number may watch any worker.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.runs import claims, index, workers
from cosmos_workflow.runs.index import Row
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.queue_glance import Glance, glance
from cosmos_workflow.runs.tail import Tail
from cosmos_workflow.workflows import assemble, report_slots
from cosmos_workflow.workflows.queue_ends import queue_ends
from cosmos_workflow.workflows.queue_lanes import Around, Lane, lanes, running_rows
from cosmos_workflow.workflows.worker import is_alive

DAY_S = 86400.0
FRESH_S, STALE_S = 4.0, 15.0
"""Seconds until what runs have used is read again: once items have ended, and in any case, since
runs outside the queue end as well."""
LAST = 5
"""Items that ended, shown at the end."""


@dataclass(frozen=True)
class View:
    """All of it, at ``at``.  ``workers``: how many live; ``ends``: when all is thought to be over.

    ``queued``: of the running ones, how many only wait in the queue of a cluster, and what for.
    ``busy_share``: of the last 24 hours, from the first use of each slot until now, or until its
    last one; None where none was used.  ``cost``: of the runs that ended in these 24 hours, None
    without any price; ``an_hour``: of what runs now.
    """

    at: float
    lanes: tuple[Lane, ...]
    counts: dict[State, int]
    paused: bool
    held: int
    later: int
    next_try: float | None
    ends: float | None
    workers: int
    busy_share: float | None
    cost: float | None
    an_hour: float
    last: tuple[Item, ...]
    queued: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Lookout:
    """Looks again and again; what cannot have changed since the last look is not read again."""

    def __init__(self, settings: Settings, queue: Queue, targets: Sequence[str] = ()) -> None:
        self._settings, self._queue, self._targets = settings, queue, targets
        self._store = assemble.store(settings)
        self._tail = Tail(self._store)
        self._day: list[Row] = []
        self._seen: tuple[object, float] | None = None

    def look(self) -> View:
        """The queue now."""
        now, found = time.time(), glance(self._queue, LAST)
        paces = claims.paces(self._queue)
        around = Around(now, found, self._tail, paces, is_alive(self._settings))
        names = self._targets or self._names(found)
        here, queued = lanes(self._settings, around, names)
        self._tail.forget_all_but({item.run for item in found.at_work})
        return replace(self._view(now, found, around, here), queued=queued)

    def _view(self, now: float, found: Glance, around: Around, here: tuple[Lane, ...]) -> View:
        rows, at_work = self._settings.all_targets(), [lane for lane in here if lane.run]
        running = list(running_rows(self._settings, here, now))
        used = [row for row in self._used(found, now) if self._wanted(row.target)]
        slots = report_slots.slots([*used, *running], now - DAY_S)
        priced = [row for row in used if row.price]
        living = workers.living(self._settings.outputs_dir / ".queue")
        places = {name: row.slots for name, row in rows.items() if self._wanted(name)}
        ends = queue_ends(now, [one.ends for one in at_work], found.stocks, around.paces, places)
        return View(
            at=now, lanes=here, counts=found.counts, paused=found.paused, held=found.held,
            later=found.later, next_try=found.next_try, workers=len(living),
            ends=ends if living and not found.paused else None,
            busy_share=report_slots.busy_share(slots) if slots else None,
            cost=sum(map(report_slots.cost_of, priced)) if priced else None,
            an_hour=sum(row.price * max(1, row.gpus) for row in running), last=found.last,
        )  # fmt: skip

    def _used(self, found: Glance, now: float) -> list[Row]:
        """Runs of the last day that used a slot: read again once an item has ended."""
        newest = found.last[0] if found.last else None
        over = sum(n for state, n in found.counts.items() if state.over)
        mark = (over, newest and (newest.id, newest.ended))
        age = now - self._seen[1] if self._seen else STALE_S
        if self._seen is None or age >= (STALE_S if self._seen[0] == mark else FRESH_S):
            rows = index.ended_since(self._store, now - DAY_S)
            self._day, self._seen = [row for row in rows if row.until], (mark, now)
        return self._day

    def _wanted(self, target: str) -> bool:
        return not self._targets or target in self._targets

    def _names(self, found: Glance) -> list[str]:
        """Targets that items may run on, and those that something runs on, known or not."""
        known = self._settings.all_targets()
        named = [name for name in found.targets if name in known]
        return list(dict.fromkeys([*named, *(one.target for one in found.claims)]))
