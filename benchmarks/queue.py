"""What it costs to keep order among ten thousand queued runs: adding, claiming, listing."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from project import Project

from benchmarks.lab import compile_all
from benchmarks.table import Row, in_turn, timed
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Lane
from cosmos_workflow.runs.queue import Queue, Wish, short_key
from cosmos_workflow.workflows.worker_share import chooser

RUNS, KEYS, CLAIMS, ROUNDS = 10_000, 40, 60, 5
GOAL_ADDS, GOAL_CLAIM_MS, GOAL_LIST_S = 5_000, 5.0, 0.3
TARGETS = ("box-1", "box-2", "box-3", "box-4")
SLOTS = 8


def measure() -> Iterator[Row]:
    """Rows for adds, claims, and the two ways to list."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        folder = Path(name)
        yield _adds(folder)
        project = Project(folder / "project")
        (project.root / "outputs").mkdir(parents=True)
        project.configure("")
        queue = Queue(project.root / "outputs" / ".queue" / "queue.sqlite")
        queue.add(_wishes())
        with queue.in_use():  # as a worker has it
            yield from _claims(queue, folder)
        yield from _lists(queue, project)


def _wishes() -> list[Wish]:
    """A sweep: long specs of ids, a few batch keys in turn."""
    return [
        Wish(
            f"rs_{number:08x}", f"prompts/runs/2026-11-27/street_rs_{number:08x}.json",
            f"a wet street at night {number}", "transfer25", _key(number), 32,
            TARGETS, label="batch_20261127_220000",
        )
        for number in range(RUNS)
    ]  # fmt: skip


def _key(number: int) -> str:
    return f"[transfer25, {number % KEYS}]"


def _adds(folder: Path) -> Row:
    """Each round into a queue of its own; the bound is sqlite alone with rows as long."""
    wishes, numbers = _wishes(), iter(range(100))

    def ours() -> None:
        Queue(folder / f"adds{next(numbers)}" / "queue.sqlite").add(wishes)

    def bare() -> None:
        rows = [(n, w.spec, w.path, w.name, *("x" * 16,) * 3, *(0,) * 12) for n, w in
                enumerate(wishes)]  # fmt: skip
        with sqlite3.connect(folder / f"bare{next(numbers)}.sqlite") as base:
            base.execute("pragma journal_mode = wal")
            names = ", ".join(f"c{number}" for number in range(len(rows[0]) - 1))
            base.execute(f"create table t (id integer primary key, {names})")
            base.executemany(f"insert into t values ({','.join('?' * len(rows[0]))})", rows)

    took, least = in_turn([ours, bare], ROUNDS)
    return Row(
        f"queue: adds a second, {RUNS:,} at once", f"{RUNS / took:,.0f}",
        f"{GOAL_ADDS:,} or more", RUNS / took >= GOAL_ADDS,
        f"{took / least:.1f} times as long as sqlite alone, without an index",
    )  # fmt: skip


def _claims(queue: Queue, folder: Path) -> Iterator[Row]:
    """Claims by the lanes of one worker in turn, as it makes them: the share is computed."""
    lanes = [(target, slot) for target in TARGETS for slot in range(SLOTS)]
    paces = {(short_key(_key(n)), target): (60.0, 40.0) for n in range(KEYS) for target in TARGETS}

    def one(number: int) -> Callable[[], object]:
        target, slot = lanes[number % len(lanes)]
        lane = Lane("me", target, slot)
        return lambda: claims.claim(queue, lane, chooser(lane, lanes, paces))

    def plain(number: int) -> Callable[[], object]:
        target, slot = lanes[number % len(lanes)]
        return lambda: claims.claim(queue, Lane("me", target, slot))

    least = median(_transactions(folder)) * 1000
    took = median(_each(queue, plain)) * 1000
    yield Row(
        f"queue: a claim among {RUNS:,}, median", f"{took:.2f} ms",
        f"{GOAL_CLAIM_MS:.0f} ms or less", took <= GOAL_CLAIM_MS,
        f"{took / least:.1f} times a transaction of one row",
    )  # fmt: skip
    took = median(_each(queue, one)) * 1000
    yield Row(
        f"  with the share among {len(lanes)} slots that a worker computes", f"{took:.2f} ms",
        compared=f"{took / least:.1f} times a transaction of one row",
    )  # fmt: skip


def _each(queue: Queue, way: Callable[[int], Callable[[], object]]) -> list[float]:
    """Seconds of each claim; afterwards all is given back, so that as many wait as before."""
    spent = []
    for number in range(CLAIMS):
        spent.append(timed(way(number)))
        for one in claims.busy(queue):
            claims.release(queue, one.id)
    return spent


def _transactions(folder: Path) -> Sequence[float]:
    """Opening the file and one row changed: nothing that keeps order on a disk is below it."""
    file = folder / "transaction.sqlite"
    with sqlite3.connect(file) as base:
        base.execute("pragma journal_mode = wal")
        base.execute("create table t (id integer primary key, n integer)")
        base.execute("insert into t values (1, 0)")

    def change() -> None:
        base = sqlite3.connect(file, isolation_level=None)
        base.execute("pragma synchronous = normal")
        base.execute("begin immediate")
        base.execute("update t set n = n + 1")
        base.execute("commit")
        base.close()

    return [timed(change) for _ in range(CLAIMS)]


def _lists(queue: Queue, project: Project) -> Iterator[Row]:
    ours, command, nothing = in_turn(
        [
            queue.items,
            lambda: project.cosmos("queue", "list"),
            lambda: project.cosmos("--version"),
        ],
        ROUNDS,
    )
    yield Row(
        f"queue: items(), {RUNS:,} of them", f"{ours:.3f} s", f"{GOAL_LIST_S} s or less",
        ours <= GOAL_LIST_S,
    )  # fmt: skip
    yield Row(
        f"cosmos queue list, {RUNS:,} items", f"{command:.2f} s", f"{GOAL_LIST_S} s or less",
        command <= GOAL_LIST_S, f"cosmos --version takes {nothing:.2f} s",
    )  # fmt: skip
