"""The parts of a report that are lists: why runs failed, what engines take, what targets cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows.report_slots import cost_of

BAD = (ExecutionStatus.FAILED, ExecutionStatus.BLOCKED, ExecutionStatus.CANCELLED)


@dataclass(frozen=True)
class Cause:
    """A reason why runs did not succeed: how many, how they ended, and the latest of them."""

    cause: str
    status: ExecutionStatus
    count: int
    run: str
    message: str


@dataclass(frozen=True)
class Pace:
    """GPU seconds of an engine: of a successful run, of all, and of those that came to nothing.
    ``runs``: its successes; without any, the first three are None.  ``plays``: seconds of video
    made."""

    engine: str
    runs: int
    fastest: float | None
    middle: float | None
    slowest: float | None
    fastest_run: str
    slowest_run: str
    gpu_seconds: float
    lost: float
    plays: float

    @property
    def a_second(self) -> float | None:
        """GPU seconds for a finished second of video, lost ones too."""
        return self.gpu_seconds / self.plays if self.plays else None


@dataclass(frozen=True)
class Place:
    """What a target did; ``cost`` is None where no run had a price, ``unpriced``: runs without."""

    target: str
    runs: int
    videos: int
    gpu_seconds: float
    cost: float | None
    cost_per_video: float | None
    unpriced: int


@dataclass(frozen=True)
class Waits:
    """Seconds from the queue to the submission of the first run."""

    items: int
    shortest: float
    middle: float
    longest: float


def causes(rows: Iterable[Row]) -> list[Cause]:
    """Why runs did not succeed, the most frequent first."""
    by_cause: dict[tuple[ExecutionStatus, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.status in BAD:
            by_cause[row.status, row.cause or str(row.status).lower()].append(row)
    found = [_cause(status, cause, rows) for (status, cause), rows in by_cause.items()]
    return sorted(found, key=lambda one: (-one.count, one.cause))


def paces(rows: Iterable[Row]) -> list[Pace]:
    """What each engine takes, by name."""
    by_engine: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.until:
            by_engine[row.engine].append(row)
    return [_pace(name, rows) for name, rows in sorted(by_engine.items())]


def places(rows: Iterable[Row]) -> list[Place]:
    """What each target did and cost, by name."""
    by_target: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_target[row.target].append(row)
    return [_place(name, rows) for name, rows in sorted(by_target.items())]


def waits(rows: Iterable[Row], added: Iterable[tuple[str, float]]) -> Waits | None:
    """How long items of the queue, by their RunSpec and when they were added, waited; None where
    no run of these came from it."""
    submitted: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.ended is not None and row.seconds is not None:
            submitted[row.id.partition(".")[0]].append(row.ended - row.seconds)
    found = list(_waited(submitted, added))
    return Waits(len(found), min(found), median(found), max(found)) if found else None


def _waited(
    submitted: Mapping[str, Sequence[float]], added: Iterable[tuple[str, float]]
) -> Iterable[float]:
    for spec, at in added:
        later = [when - at for when in submitted.get(spec, ()) if when >= at]
        if later:
            yield min(later)


def _cause(status: ExecutionStatus, cause: str, rows: Sequence[Row]) -> Cause:
    latest = max(rows, key=lambda row: row.ended or row.created)
    lines = latest.message.splitlines()
    return Cause(cause, status, len(rows), latest.id, lines[0] if lines else "")


def _pace(engine: str, rows: Sequence[Row]) -> Pace:
    good = [row for row in rows if row.status is ExecutionStatus.SUCCESS]
    took = sorted(good, key=lambda row: row.gpu_seconds)
    everything = sum(row.gpu_seconds for row in rows)
    return Pace(
        engine=engine, runs=len(good), fastest=took[0].gpu_seconds if took else None,
        middle=median(row.gpu_seconds for row in took) if took else None,
        slowest=took[-1].gpu_seconds if took else None,
        fastest_run=took[0].id if took else "", slowest_run=took[-1].id if took else "",
        gpu_seconds=everything,
        lost=max(0.0, everything - sum(row.gpu_seconds for row in good)),
        plays=sum(row.plays for row in good),
    )  # fmt: skip


def _place(target: str, rows: Sequence[Row]) -> Place:
    used = [row for row in rows if row.until]
    priced = [row for row in used if row.price]
    good = [row for row in rows if row.status is ExecutionStatus.SUCCESS and row.plays > 0]
    cost = sum(map(cost_of, priced)) if priced else None
    paid = sum(1 for row in good if row.until and row.price)
    return Place(
        target=target, runs=len(rows), videos=len(good),
        gpu_seconds=sum(row.gpu_seconds for row in used),
        cost=cost, cost_per_video=cost / paid if cost is not None and paid else None,
        unpriced=len(used) - len(priced),
    )  # fmt: skip
