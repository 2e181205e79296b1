"""The queue: which RunSpecs are to be run, in which order, and who is at work on which.

It lies in one SQLite file beside the runs.  What became of a run is in the run's own folder; here
is only what somebody wants done, and that it was.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError

_VERSION = 2
_SCHEMA = """
create table items (
  id integer primary key autoincrement,
  spec text not null, path text not null, name text not null, engine text not null,
  batch_key text not null, max_batch integer not null,
  targets text not null, gpus integer not null, time_limit integer not null,
  again integer not null, label text not null, after text not null default '',
  priority integer not null, place real not null,
  state text not null, paused integer not null default 0,
  tries integer not null default 0, not_before real not null default 0,
  shunned text not null default '',
  claim integer, run text not null default '',
  cause text not null default '', message text not null default '',
  added real not null, ended real
);
create index ready on items (state, priority desc, place);
create index by_claim on items (claim) where claim is not null;
create index by_spec on items (spec);
create table claims (
  id integer primary key autoincrement,
  worker text not null, target text not null, slot integer not null,
  phase text not null, at real not null, ends real not null default 0
);
create table paces (
  batch_key text not null, target text not null, load real not null, sample real not null,
  primary key (batch_key, target)
) without rowid;
create table facts (key text primary key, value text not null) without rowid;
"""


class State(StrEnum):
    """Where an item of the queue stands.

    CLAIMED: a worker is preparing it, nothing was sent.  SET_ASIDE: it failed for passing reasons
    so often that it is not tried again by itself.
    """

    WAITING = "waiting"
    CLAIMED = "claimed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    SET_ASIDE = "set_aside"

    @property
    def over(self) -> bool:
        """True when nothing more will happen to it by itself."""
        return self not in (State.WAITING, State.CLAIMED, State.RUNNING)


OVER = tuple(state for state in State if state.over)


@dataclass(frozen=True)
class Wish:
    """A RunSpec to be run: which, how, and where it may.

    ``after``: the run that has to succeed before, or the RunSpec whose next one has to; empty:
    none.
    ``path``: its file, as specs store paths.  ``batch_key`` and ``max_batch``: which others may
    share a loaded model with it, and how many.  ``label``: what it came with: a batch, a sweep.
    """

    spec: str
    path: str
    name: str
    engine: str
    batch_key: str
    max_batch: int
    targets: tuple[str, ...]
    gpus: int = 1
    time_limit: int = 0
    again: bool = False
    label: str = ""
    priority: int = 0
    after: str = ""


@dataclass(frozen=True)
class Item:
    """A row of the queue.  Times are seconds since the epoch; ``run``: its last attempt.

    ``shunned``: a target that it does not try again while there are others: it failed there.
    """

    id: int
    spec: str
    path: str
    name: str
    engine: str
    batch_key: str
    max_batch: int
    targets: tuple[str, ...]
    gpus: int
    time_limit: int
    again: bool
    label: str
    after: str
    priority: int
    place: float
    state: State
    paused: bool
    tries: int
    not_before: float
    shunned: str
    claim: int | None
    run: str
    cause: str
    message: str
    added: float
    ended: float | None


_NAMES = tuple(field.name for field in fields(Item))
COLUMNS = ", ".join(_NAMES)


def item_of(row: Sequence[object]) -> Item:
    """An Item from the columns of COLUMNS."""
    values = dict(zip(_NAMES, row, strict=True))
    values["targets"] = tuple(filter(None, str(values["targets"]).split(",")))
    values["state"] = State(str(values["state"]))
    values["again"], values["paused"] = bool(values["again"]), bool(values["paused"])
    return Item(**values)  # type: ignore[arg-type]


def queue_of(settings: Settings) -> Queue:
    """The project's queue."""
    return Queue(settings.outputs_dir / ".queue" / "queue.sqlite")


@dataclass(frozen=True)
class Queue:
    """The queue of a project.  Any number of processes may use it at once.

    ``now``: seconds since the epoch.
    """

    file: Path
    now: Callable[[], float] = time.time

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes in; all of it counts, or none.

        ``durable``: it is on the disk when it is done.  Without, a crash of the whole machine may
        take the last ones back: what a worker then does not know is found in the runs' folders.
        """
        with self._connected() as base:
            if durable:
                base.execute("pragma synchronous = full")
            base.execute("begin immediate")
            try:
                yield base
            except BaseException:
                base.rollback()
                raise
            base.commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A look at it, as of one moment."""
        with self._connected() as base:
            base.execute("begin")
            yield base

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Many short looks and changes will follow: who closes the file last, between two of them,
        would each time move all that is new to its place and wait for the disk."""
        with self._connected() as base:
            base.execute("select 1 from facts").fetchone()
            yield

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=30, isolation_level=None)) as base:
                if base.execute("pragma user_version").fetchone()[0] != _VERSION:
                    self._prepare(base)
                base.execute("pragma synchronous = normal")
                yield base
        except (OSError, sqlite3.Error) as error:
            raise CosmosError(
                f"the queue {self.file} cannot be used: {error}",
                hint="is there room, and permission, on a local disk? A queue of a newer version, "
                "or a damaged one, can be moved away: runs and RunSpecs are not in it",
            ) from error

    def _prepare(self, base: sqlite3.Connection) -> None:
        base.execute("pragma journal_mode = wal")
        base.execute("begin immediate")
        found = base.execute("pragma user_version").fetchone()[0]
        if found == 0:
            for statement in _SCHEMA.split(";\n"):
                base.execute(statement)
        elif found == 1:
            base.execute("alter table items add column after text not null default ''")
        if found in (0, 1):
            base.execute(f"pragma user_version = {_VERSION}")
        base.commit()
        if found not in (0, 1, _VERSION):
            raise sqlite3.DatabaseError(f"it is of version {found}, not {_VERSION}")

    # -- what a person does -------------------------------------------------------------------

    def add(self, wishes: Sequence[Wish], *, first: bool = False) -> tuple[list[int], list[str]]:
        """New items, in order, at the end of their priority or in front of it.

        Returns their ids, and the RunSpecs that were waiting or running already: those are not
        queued twice.
        """
        with self.writing(durable=True) as base:
            lively = f"select spec from items where state not {AMONG}"
            known = {row[0] for row in base.execute(lively, [listed(OVER)])}
            new = []
            for wish in wishes:
                if wish.spec not in known:
                    new.append(wish)
                    known.add(wish.spec)
            low, high = base.execute("select min(place), max(place) from items").fetchone()
            start = (low or 0) - len(new) if first else (high or 0) + 1
            now = self.now()
            last = base.execute("select max(id) from items").fetchone()[0] or 0
            sequence = base.execute("select seq from sqlite_sequence where name = 'items'")
            last = max([last, *(row[0] for row in sequence)])
            base.executemany(
                "insert into items (id, spec, path, name, engine, batch_key, max_batch, targets,"
                " gpus, time_limit, again, label, after, priority, place, state, added)"
                " values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [
                    (
                        last + 1 + number, wish.spec, wish.path, wish.name, wish.engine,
                        short_key(wish.batch_key), wish.max_batch, f",{','.join(wish.targets)},",
                        wish.gpus, wish.time_limit, wish.again, wish.label, wish.after,
                        wish.priority,
                        start + number, State.WAITING, now,
                    )
                    for number, wish in enumerate(new)
                ],
            )  # fmt: skip
        fresh = {wish.spec for wish in new}
        already = [wish.spec for wish in wishes if wish.spec not in fresh]
        return [last + 1 + number for number in range(len(new))], already

    def items(
        self,
        *,
        states: Sequence[State] = (),
        label: str = "",
        ids: Sequence[int] = (),
        specs: Sequence[str] = (),
        limit: int = -1,
    ) -> list[Item]:
        """Items as they will be taken, those that are over at the end, latest first.

        ``limit``: the first so many; below 0: all.
        """
        where, values = ["1"], list[object]()
        for column, wanted in (("state", states), ("id", ids), ("spec", specs)):
            if wanted:
                where.append(f"{column} {AMONG}")
                values.append(listed(wanted))
        if label:
            where.append("label = ?")
            values.append(label)
        order = "ended is not null, priority desc, ended desc, place"
        with self.reading() as base:
            found = base.execute(
                f"select {COLUMNS} from items where {' and '.join(where)} order by {order} limit ?",
                [*values, limit],
            )
            return [item_of(row) for row in found]

    def counts(self, label: str = "") -> dict[State, int]:
        """How many items there are of each state."""
        where, values = ("where label = ?", [label]) if label else ("", [])
        with self.reading() as base:
            found = dict(
                base.execute(f"select state, count(*) from items {where} group by state", values)
            )
        return {state: found.get(state, 0) for state in State}

    def pause(self, ids: Sequence[int] = (), *, paused: bool = True) -> int:
        """Hold items back, or let them go; none: the whole queue.  How many it changed."""
        with self.writing() as base:
            if not ids:
                _put(base, "paused", "1" if paused else "")
                return 1
            changed = base.execute(
                f"update items set paused = ? where id {AMONG} and state not {AMONG}",
                [paused, listed(ids), listed(OVER)],
            )
            return changed.rowcount

    @property
    def paused(self) -> bool:
        """Whether the whole queue is held back."""
        with self.reading() as base:
            return is_paused(base)

    def move(self, ids: Sequence[int], *, before: int | None = None, last: bool = False) -> int:
        """Put waiting items, in this order, in front of all, at the end, or before another one."""
        with self.writing() as base:
            priority, low, high = _gap(base, ids, before, last)
            step = (high - low) / (len(ids) + 1)
            changed = 0
            for number, item in enumerate(ids, 1):
                done = base.execute(
                    "update items set priority = ?, place = ? where id = ? and state = ?",
                    [priority, low + step * number, item, State.WAITING],
                )
                changed += done.rowcount
            return changed

    def retry(self, ids: Sequence[int] = (), *, states: Sequence[State] = ()) -> list[int]:
        """Let items that are over wait once more: these, or all of some states.

        One that is done is left alone.
        """
        which = "id" if ids else "state"
        over = [state for state in OVER if state is not State.DONE]
        with self.writing() as base:
            changed = base.execute(
                "update items set state = ?, tries = 0, not_before = 0, shunned = '', cause = '',"
                f" message = '', ended = null, paused = 0 where {which} {AMONG}"
                f" and state {AMONG} returning id",
                [State.WAITING, listed(ids or states), listed(over)],
            )
            return sorted(row[0] for row in changed)

    def cancel(self, ids: Sequence[int]) -> list[Item]:
        """Take back items that were not sent yet.  Returns those that run: their runs are ended
        elsewhere."""
        with self.writing() as base:
            base.execute(
                f"update items set state = ?, ended = ?, claim = null, cause = 'cancelled'"
                f" where id {AMONG} and state in (?, ?)",
                [State.CANCELLED, self.now(), listed(ids), State.WAITING, State.CLAIMED],
            )
            running = base.execute(
                f"select {COLUMNS} from items where id {AMONG} and state = ?",
                [listed(ids), State.RUNNING],
            )
            return [item_of(row) for row in running]

    def clear(self, states: Sequence[State]) -> int:
        """Forget items that are over; their runs stay."""
        wanted = [state for state in states if state.over]
        with self.writing() as base:
            gone = base.execute(f"delete from items where state {AMONG}", [listed(wanted)])
            return gone.rowcount


def is_paused(base: sqlite3.Connection) -> bool:
    """Whether the whole queue is held back."""
    return bool(base.execute("select 1 from facts where key = 'paused' and value").fetchone())


def _put(base: sqlite3.Connection, key: str, value: str) -> None:
    base.execute("insert or replace into facts values (?, ?)", [key, value])


def short_key(batch_key: str) -> str:
    """A batch key of any length as 16 hex digits."""
    return hashlib.sha256(batch_key.encode()).hexdigest()[:16]


AMONG = "in (select value from json_each(?))"
"""A column is one of a list, which goes in as one value: of any length."""


def listed(values: Sequence[object]) -> str:
    """A list for AMONG."""
    return json.dumps(list(values))


def _gap(
    base: sqlite3.Connection, ids: Sequence[int], before: int | None, last: bool
) -> tuple[int, float, float]:
    """A priority, and the places between which items are to go."""
    apart = f"state = 'waiting' and id not {AMONG}"
    low, high, least, most = base.execute(
        f"select min(place), max(place), min(priority), max(priority) from items where {apart}",
        [listed(ids)],
    ).fetchone()
    if low is None:
        return 0, 0.0, 1.0
    if last:
        return least, high, high + len(ids) + 1
    if before is None:
        return most, low - len(ids) - 1, low
    anchor = base.execute(
        "select priority, place from items where id = ? and state = 'waiting'", [before]
    ).fetchone()
    if anchor is None:
        raise CosmosError(f"item {before} does not wait", hint="cosmos queue list shows which do")
    previous = base.execute(
        f"select max(place) from items where {apart} and priority = ? and place < ?",
        [listed(ids), *anchor],
    ).fetchone()[0]
    return anchor[0], previous if previous is not None else anchor[1] - len(ids) - 1, anchor[1]
