"""Who works on which items of the queue: every step is one transaction, so that two workers never
take the same item, and what a worker held when it died is found by the next one.

An item is claimed, then its runs' ids are written down before they are made (``begin``), then it is
settled.  A claim has a slot of a target from its beginning until its job is over; while one works,
the same worker may hold the next one in readiness.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from cosmos_workflow.runs.queue import (
    COLUMNS,
    Item,
    Queue,
    State,
    is_paused,
    item_of,
)

ALONE_AFTER = 2
"""Tries after which an item is run by itself: what it may do to others is then only its own."""


@dataclass(frozen=True)
class Lane:
    """A slot of a target, and who works there.  ``gpus``: how many it has, 0: as many as asked."""

    worker: str
    target: str
    slot: int
    gpus: int = 0


@dataclass(frozen=True)
class Group:
    """Waiting items that may share a job, of the highest priority; ``count`` of them in sight.

    ``outlook``: how many there will be, if all that waits is like what is in sight.
    """

    batch_key: str
    gpus: int
    alone: int
    count: int
    max_batch: int
    outlook: int


@dataclass(frozen=True)
class Claim:
    """Items that a worker has taken for one job."""

    id: int
    lane: Lane
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Busy:
    """A claim that is being worked on: where, by whom, and when it is thought to be over.

    ``count``: how many of its items, with this ``batch_key``, are not settled.
    """

    id: int
    worker: str
    target: str
    slot: int
    phase: str
    at: float
    ends: float
    batch_key: str
    count: int


Choose = Callable[[Sequence[Group], Sequence[Busy]], tuple[int, int] | None]
"""From what waits and what runs: which group to take from, and how many; None: nothing now."""


def first_group(groups: Sequence[Group], busy: Sequence[Busy]) -> tuple[int, int] | None:
    """As many as fit of the first group."""
    return 0, groups[0].max_batch


def claim(
    queue: Queue, lane: Lane, choose: Choose = first_group, *, label: str = ""
) -> Claim | None:
    """The next items for a lane, or None: nothing waits for it, or its slot is taken."""
    with queue.writing() as base:
        busy = busy_of(base)
        here = [one for one in busy if (one.target, one.slot) == (lane.target, lane.slot)]
        if is_paused(base) or not _has_room(lane, here):
            return None
        groups = _groups(base, lane, label, queue.now())
        chosen = choose(groups, busy) if groups else None
        if chosen is None:
            return None
        group = groups[chosen[0]]
        made = base.execute(
            "insert into claims (worker, target, slot, phase, at) values (?, ?, ?, 'claimed', ?)",
            [lane.worker, lane.target, lane.slot, queue.now()],
        ).lastrowid
        assert made is not None
        eligible, values = _eligible(lane, label, queue.now())
        rows = base.execute(
            f"update items set state = 'claimed', claim = ? where id in (select id from items"
            f" where {eligible} and batch_key = ? and gpus = ? and {_ALONE} = ?"
            f" order by priority desc, place limit ?) returning {COLUMNS}",
            [made, *values, group.batch_key, group.gpus, group.alone,
             max(1, min(chosen[1], group.max_batch, group.count))],
        )  # fmt: skip
        items = sorted((item_of(row) for row in rows), key=lambda one: (-one.priority, one.place))
        return Claim(made, lane, tuple(items))


def claim_all(
    queue: Queue, lane: Lane, most: int, share: Callable[[Group], int], *, label: str = ""
) -> list[Claim]:
    """Of all that waits for a place that queues by itself, up to ``most`` claims, each with
    ``share`` of its group.  Their slots are numbers that nobody has there."""
    with queue.writing() as base:
        taken = {one.slot for one in busy_of(base) if one.target == lane.target}
        slots = (number for number in count() if number not in taken)
        made: list[Claim] = []
        eligible, values = _eligible(lane, label, queue.now())
        while len(made) < most and not is_paused(base):
            groups = _groups(base, lane, label, queue.now())
            if not groups:
                break
            group = groups[0]
            size = share(group)
            rows = base.execute(
                f"select {COLUMNS} from items where {eligible} and batch_key = ? and gpus = ?"
                f" and {_ALONE} = ? order by priority desc, place limit ?",
                [*values, group.batch_key, group.gpus, group.alone,
                 min(group.count, size * (most - len(made)))],
            )  # fmt: skip
            items = [item_of(row) for row in rows]
            for start in range(0, len(items), size):
                some = items[start : start + size]
                made.append(_claimed(base, replace(lane, slot=next(slots)), some, queue.now()))
        return made


def _claimed(base: sqlite3.Connection, lane: Lane, items: Sequence[Item], now: float) -> Claim:
    made = base.execute(
        "insert into claims (worker, target, slot, phase, at) values (?, ?, ?, 'claimed', ?)",
        [lane.worker, lane.target, lane.slot, now],
    ).lastrowid
    assert made is not None
    base.executemany(
        "update items set state = 'claimed', claim = ? where id = ?",
        [(made, item.id) for item in items],
    )
    return Claim(made, lane, tuple(items))


Begin = tuple[Claim, Mapping[int, str], float]
"""A claim, the run that will be made for each of its items, and when it is thought to be over."""


def begin(queue: Queue, claim: Claim, runs: Mapping[int, str], ends: float) -> Claim | None:
    """Write down which runs will be made for the items.  None, and the claim is given back, when
    one of them was taken back meanwhile, all are held, or something more urgent came."""
    with queue.writing() as base:
        eligible, values = _eligible(claim.lane, "", queue.now())
        urgent = base.execute(
            f"select 1 from items where {eligible} and priority > ? limit 1",
            [*values, max(item.priority for item in claim.items)],
        ).fetchone()
        if urgent:
            _release(base, claim.id)
            return None
        return _begun(base, (claim, runs, ends), queue.now())


def begin_all(queue: Queue, begins: Sequence[Begin]) -> list[Claim | None]:
    """The same for many; what is more urgent comes to a place that queues by itself as well."""
    with queue.writing() as base:
        return [_begun(base, one, queue.now()) for one in begins]


def _begun(base: sqlite3.Connection, begin: Begin, now: float) -> Claim | None:
    claim, runs, ends = begin
    held = base.execute(
        "select count(*) from items where claim = ? and state = 'claimed' and not paused",
        [claim.id],
    ).fetchone()[0]
    if held != len(runs) or is_paused(base):
        _release(base, claim.id)
        return None
    base.executemany(
        "update items set state = 'running', run = ?, tries = tries + 1 where id = ?",
        [(run, item) for item, run in runs.items()],
    )
    base.execute(
        "update claims set phase = 'running', at = ?, ends = ? where id = ?", [now, ends, claim.id]
    )
    return replace(claim, items=_items(base, claim.id))


def adopt(queue: Queue, lane: Lane, item: Item, run: str) -> Claim:
    """A run of a claimed item that lives already becomes the item's, and takes no slot."""
    with queue.writing() as base:
        made = base.execute(
            "insert into claims (worker, target, slot, phase, at) values (?, ?, ?, 'landing', ?)",
            [lane.worker, lane.target, lane.slot, queue.now()],
        ).lastrowid
        assert made is not None
        base.execute(
            "update items set state = 'running', claim = ?, run = ?, tries = tries + 1"
            " where id = ?",
            [made, run, item.id],
        )
        _tidy(base)
        return Claim(made, lane, _items(base, made))


def over(queue: Queue, claim_id: int) -> None:
    """The job of a claim is over: its slot is free, its results are still on their way."""
    with queue.writing() as base:
        base.execute("update claims set phase = 'landing' where id = ?", [claim_id])


def release(queue: Queue, claim_id: int) -> None:
    """Let go of a claim of which nothing was sent."""
    with queue.writing() as base:
        _release(base, claim_id)


def settle(
    queue: Queue, item: int, state: State, run: str = "", cause: str = "", message: str = ""
) -> None:
    """What became of an item."""
    with queue.writing() as base:
        base.execute(
            "update items set state = ?, run = iif(? = '', run, ?), cause = ?, message = ?,"
            " ended = ?, claim = null where id = ?",
            [state, run, run, cause, message, queue.now(), item],
        )
        _tidy(base)


def wait_again(
    queue: Queue,
    item: int,
    *,
    pause: float,
    counts: bool,
    cause: str = "",
    message: str = "",
    shunned: str = "",
) -> None:
    """Let an item wait once more, at least ``pause`` seconds; a try that was not its own does not
    count.  ``shunned``: where it is not tried again, if it may run elsewhere."""
    with queue.writing() as base:
        base.execute(
            "update items set state = 'waiting', claim = null, not_before = ?, cause = ?,"
            " message = ?, tries = tries - ?,"
            " shunned = iif(targets = ',' || ? || ',', '', ?) where id = ?",
            [
                queue.now() + pause if pause else 0,
                cause,
                message,
                0 if counts else 1,
                shunned,
                shunned,
                item,
            ],
        )
        _tidy(base)


def take_over(
    queue: Queue, worker: str, targets: Iterable[str], alive: Callable[[str], bool]
) -> list[Claim]:
    """What workers that died have left on these targets: nothing that was not begun, and all that
    was, now ours."""
    with queue.writing() as base:
        left = [one for one in busy_of(base) if one.worker != worker and not alive(one.worker)]
        for one in left:
            if one.phase == "claimed":
                _release(base, one.id)
        begun = [one for one in left if one.phase != "claimed" and one.target in set(targets)]
        base.executemany(
            "update claims set worker = ? where id = ?", [(worker, one.id) for one in begun]
        )
        return [
            Claim(one.id, Lane(worker, one.target, one.slot), _items(base, one.id)) for one in begun
        ]


def busy(queue: Queue) -> list[Busy]:
    """All claims there are."""
    with queue.reading() as base:
        return busy_of(base)


def next_try(queue: Queue, label: str = "") -> float | None:
    """Seconds until a waiting item may be tried again; 0: one may now; None: none waits, or all
    are held back."""
    with queue.reading() as base:
        if is_paused(base):
            return None
        found = base.execute(
            "select min(not_before) from items where state = 'waiting' and not paused"
            " and (? = '' or label = ?)",
            [label, label],
        ).fetchone()[0]
    return None if found is None else max(0.0, found - queue.now())


# -- what a batch takes ----------------------------------------------------------------------------


def learn(queue: Queue, batch_key: str, target: str, load: float, sample: float) -> None:
    """What a batch took: seconds to load the model, seconds a sample."""
    with queue.writing() as base:
        base.execute(
            "insert or replace into paces values (?, ?, ?, ?)", [batch_key, target, load, sample]
        )


def paces(queue: Queue) -> dict[tuple[str, str], tuple[float, float]]:
    """Seconds to load and seconds a sample, by batch key and target, as last seen."""
    with queue.reading() as base:
        rows = base.execute("select batch_key, target, load, sample from paces")
        return {(key, target): (load, sample) for key, target, load, sample in rows}


# -- inside ----------------------------------------------------------------------------------------

_IN_SIGHT = 500
"""Waiting items that are looked at to choose among: a claim costs the same with any number."""

_ALONE = f"iif(tries >= {ALONE_AFTER}, id, 0)"


def _has_room(lane: Lane, here: Sequence[Busy]) -> bool:
    """A slot has one worker, which may hold one claim in readiness for the one that runs."""
    at_work = [one for one in here if one.phase in ("claimed", "running")]
    mine = all(one.worker == lane.worker for one in at_work)
    return mine and sum(one.phase == "claimed" for one in at_work) == 0


def _eligible(lane: Lane, label: str, now: float) -> tuple[str, list[object]]:
    where = (
        "state = 'waiting' and not paused and not_before <= ? and instr(targets, ?)"
        " and shunned != ? and (? = 0 or gpus <= ?) and (? = '' or label = ?)"
    )
    name = lane.target
    return where, [now, f",{name},", name, lane.gpus, lane.gpus, label, label]


def _groups(base: sqlite3.Connection, lane: Lane, label: str, now: float) -> list[Group]:
    eligible, values = _eligible(lane, label, now)
    rows = base.execute(
        f"with free as (select batch_key, gpus, {_ALONE} as alone, max_batch, place, priority"
        f" from items where {eligible} order by priority desc, place limit {_IN_SIGHT})"
        " select batch_key, gpus, alone, count(*), min(max_batch), count(*) from free"
        " where priority = (select priority from free limit 1)"
        " group by batch_key, gpus, alone order by min(place)",
        values,
    )
    groups = [Group(*row) for row in rows]
    seen = sum(one.count for one in groups)
    if seen < _IN_SIGHT:
        return groups
    waiting = base.execute("select count(*) from items where state = 'waiting'").fetchone()[0]
    return [replace(one, outlook=one.count * waiting // seen) for one in groups]


def busy_of(base: sqlite3.Connection) -> list[Busy]:
    """All claims there are, in a transaction of the caller's."""
    rows = base.execute(
        "select claims.id, worker, target, slot, phase, at, ends, min(batch_key), count(items.id)"
        " from claims join items on items.claim = claims.id group by claims.id"
    )
    return [Busy(*row) for row in rows]


def _items(base: sqlite3.Connection, claim_id: int) -> tuple[Item, ...]:
    rows = base.execute(
        f"select {COLUMNS} from items where claim = ? order by priority desc, place", [claim_id]
    )
    return tuple(item_of(row) for row in rows)


def _release(base: sqlite3.Connection, claim_id: int) -> None:
    base.execute(
        "update items set state = 'waiting', claim = null where claim = ? and state = 'claimed'",
        [claim_id],
    )
    _tidy(base)


def _tidy(base: sqlite3.Connection) -> None:
    """Claims whose items are all settled are gone."""
    base.execute(
        "delete from claims where not exists (select 1 from items where claim = claims.id)"
    )
