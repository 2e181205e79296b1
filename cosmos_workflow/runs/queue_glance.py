"""A glance at the queue, as of one moment and cheap with any number of items."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from cosmos_workflow.runs.claims import Busy, busy_of
from cosmos_workflow.runs.queue import AMONG, COLUMNS, OVER, Item, Queue, State, is_paused, item_of
from cosmos_workflow.runs.queue import listed as in_list


@dataclass(frozen=True)
class Stock:
    """Waiting items that share a batch key and may run on the same targets."""

    batch_key: str
    targets: tuple[str, ...]
    count: int
    max_batch: int


@dataclass(frozen=True)
class Glance:
    """What is in the queue.  ``held``: waiting items that are held back one by one; ``next_try``:
    seconds until the first waiting item may be taken, None when none may ever; ``later``: waiting
    items that wait for another try.  ``at_work``: items that are claimed or run."""

    counts: dict[State, int]
    paused: bool
    held: int
    later: int
    next_try: float | None
    stocks: tuple[Stock, ...]
    targets: tuple[str, ...]
    claims: tuple[Busy, ...]
    at_work: tuple[Item, ...]
    last: tuple[Item, ...]


def glance(queue: Queue, last: int = 5) -> Glance:
    """What is in the queue now, with the ``last`` items that ended."""
    now = time.time()
    with queue.reading() as base:
        counts = dict(base.execute("select state, count(*) from items group by state"))
        held, later, first = base.execute(
            "select count(*) filter (where paused), count(*) filter (where not_before > ?),"
            " min(not_before) filter (where not paused) from items where state = 'waiting'",
            [now],
        ).fetchone()
        paused = is_paused(base)
        return Glance(
            counts={state: counts.get(state, 0) for state in State},
            paused=paused, held=held, later=later,
            next_try=None if paused or first is None else max(0.0, first - now),
            stocks=_stocks(base), targets=_targets(base), claims=tuple(busy_of(base)),
            at_work=_items(base, "state in ('claimed', 'running')", "priority desc, place"),
            last=_items(base, f"state {AMONG}", "ended desc limit ?", in_list(OVER), last),
        )  # fmt: skip


def added(queue: Queue, label: str = "") -> list[tuple[str, float]]:
    """Which RunSpecs were added, and when: all that the queue still knows, or those of a label."""
    if not queue.file.exists():
        return []
    with queue.reading() as base:
        rows = base.execute(
            "select spec, added from items where ? in ('', label) order by added", [label]
        )
        return [(spec, at) for spec, at in rows]


def labels(queue: Queue) -> list[str]:
    """Every label that an item has."""
    if not queue.file.exists():
        return []
    with queue.reading() as base:
        rows = base.execute("select distinct label from items where label != '' order by label")
        return [row[0] for row in rows]


def _stocks(base: sqlite3.Connection) -> tuple[Stock, ...]:
    rows = base.execute(
        "select batch_key, targets, count(*), min(max_batch) from items"
        " where state = 'waiting' and not paused group by batch_key, targets"
    )
    return tuple(Stock(key, _split(targets), count, most) for key, targets, count, most in rows)


def _targets(base: sqlite3.Connection) -> tuple[str, ...]:
    """Every target that an item may run on, in the order that they came."""
    rows = base.execute("select targets from items group by targets order by min(id)")
    return tuple(dict.fromkeys(name for row in rows for name in _split(row[0])))


def _items(base: sqlite3.Connection, where: str, order: str, *values: object) -> tuple[Item, ...]:
    rows = base.execute(f"select {COLUMNS} from items where {where} order by {order}", values)
    return tuple(item_of(row) for row in rows)


def _split(targets: str) -> tuple[str, ...]:
    return tuple(filter(None, targets.split(",")))
