"""A cache of what runs are, so that ten thousand of them list at once; the folders are the truth.

A final run never changes, so its row stands.  Every other run is folded anew from its events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from cosmos_workflow.errors import CosmosError, SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.store import RunFolder, Store

_TABLE = """
create table if not exists runs (
  id text primary key, name text, engine text, target text, status text,
  created real, ended real, seconds real, message text,
  cause text, slot text, since real, until real, gpus integer, price real, plays real
) without rowid;
create index if not exists newest on runs (created desc);
"""
_VERSION = 2


@dataclass(frozen=True)
class Row:
    """One line of ``cosmos list runs``, and what ``cosmos report`` adds up.

    Times are seconds since the epoch.  From ``slot`` on as in the event Used; ``plays``: seconds of
    video that it made.
    """

    id: str
    name: str
    engine: str
    target: str
    status: ExecutionStatus
    created: float
    ended: float | None
    seconds: float | None
    message: str
    cause: str = ""
    slot: str = ""
    since: float = 0.0
    until: float = 0.0
    gpus: int = 0
    price: float = 0.0
    plays: float = 0.0

    @property
    def gpu_seconds(self) -> float:
        """Of all its GPUs together; 0 where it is not known."""
        return max(0.0, self.until - self.since) * max(1, self.gpus)


_MARKS = ",".join("?" * len(fields(Row)))


@dataclass(frozen=True)
class Page:
    """Some runs, newest first; how many there are in all; and every RunSpec that was ever run."""

    rows: list[Row]
    total: int
    specs: frozenset[str]


def page(store: Store, *, status: ExecutionStatus | None = None, limit: int | None = None) -> Page:
    """Runs, newest first, of one status if given, at most ``limit``.

    Where the index cannot be kept (no room, no permission), it is made anew in memory.
    """
    file = store.root / ".index.sqlite"
    if store.root.is_dir():
        with suppress(OSError, sqlite3.Error):
            return _page(store, str(file), status, limit)
    try:
        return _page(store, ":memory:", status, limit)
    except OSError as error:
        raise CosmosError(
            f"cannot read the runs in {store.root}: {error.strerror}",
            hint="check the permissions there",
        ) from error


def ended_since(store: Store, moment: float | None) -> list[Row]:
    """Runs that ended, or began and go on, at ``moment`` or later; None: all.  As ``page``."""
    if moment is None:
        return page(store).rows
    file = store.root / ".index.sqlite"
    if store.root.is_dir():
        with suppress(OSError, sqlite3.Error):
            return _ended_since(store, str(file), moment)
    return [row for row in page(store).rows if (row.ended or row.created) >= moment]


def _ended_since(store: Store, file: str, moment: float) -> list[Row]:
    with closing(_connected(file)) as base:
        _refresh(store, base)
        where = "coalesce(nullif(ended, 0), created) >= ? order by created desc, id desc"
        return [
            _row(values) for values in base.execute(f"select * from runs where {where}", [moment])
        ]


def _page(store: Store, file: str, status: ExecutionStatus | None, limit: int | None) -> Page:
    where, values = ("where status = ?", [str(status)]) if status else ("", [])
    with closing(_connected(file)) as base:
        _refresh(store, base)
        found = base.execute(
            f"select * from runs {where} order by created desc, id desc limit ?",
            [*values, -1 if limit is None else limit],
        )
        rows = [_row(values) for values in found]
        total = base.execute(f"select count(*) from runs {where}", values).fetchone()[0]
        specs = base.execute("select distinct substr(id, 1, instr(id, '.') - 1) from runs")
        return Page(rows, total, frozenset(row[0] for row in specs))


def _connected(file: str) -> sqlite3.Connection:
    """The index; one that is damaged or of another version is made anew, for it is only a cache."""
    base = sqlite3.connect(file, timeout=10)
    try:
        if base.execute("pragma user_version").fetchone()[0] != _VERSION:
            base.executescript(f"drop table if exists runs; pragma user_version = {_VERSION};")
        base.execute("pragma journal_mode = wal")
        base.executescript(_TABLE)
    except sqlite3.OperationalError:
        base.close()
        raise
    except sqlite3.DatabaseError:
        base.close()
        Path(file).unlink()
        return _connected(file)
    return base


def _refresh(store: Store, base: sqlite3.Connection) -> None:
    folders = {folder.id: folder for folder in store.folders()}
    final = tuple(str(status) for status in ExecutionStatus if status.final)
    marks = ",".join("?" * len(final))
    known = {row[0] for row in base.execute("select id from runs")}
    settled = {
        row[0] for row in base.execute(f"select id from runs where status in ({marks})", final)
    }
    with base:
        gone = [(run_id,) for run_id in known - folders.keys()]
        base.executemany("delete from runs where id = ?", gone)
        fresh = [_folded(folders[run_id]) for run_id in folders.keys() - settled]
        base.executemany(f"insert or replace into runs values ({_MARKS})", fresh)


def _folded(folder: RunFolder) -> Sequence[object]:
    run = folder.run()
    used = run.used
    created = run.created if run.created is not None else folder.path.stat().st_mtime
    return (
        run.id, _name(folder), run.engine, run.target, str(run.status),
        created, run.ended, run.seconds, run.message, run.cause,
        *((used.slot, used.since, used.until, used.gpus, used.price_per_hour) if used
          else ("", 0.0, 0.0, 0, 0.0)),
        run.outputs[0].seconds if run.outputs else 0.0,
    )  # fmt: skip


def _name(folder: RunFolder) -> str:
    """One folder that somebody has spoiled does not hide ten thousand others."""
    try:
        return folder.spec().name
    except SpecError:
        return "(its run.json cannot be read)"


def _row(values: Sequence[object]) -> Row:
    fields = list(values)
    fields[4] = ExecutionStatus(str(fields[4]))
    return Row(*fields)  # type: ignore[arg-type]
