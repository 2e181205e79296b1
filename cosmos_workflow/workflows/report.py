"""What became of the runs of some time, what their GPUs did, and what it cost: pure arithmetic.

A slot (a target, or some GPUs of it) is busy while a run accounts for its time.  It is idle between
the first and the last moment that it was used in that time; before and after, nobody knows what it
was paid for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row


@dataclass(frozen=True)
class Slot:
    """One slot: seconds busy and idle, on the clock; GPUs; runs; cost with and of the idle time."""

    name: str
    runs: int
    gpus: int
    first: float
    last: float
    busy: float
    idle: float
    cost: float
    idle_cost: float

    @property
    def busy_share(self) -> float:
        """Of the time between its first and last use."""
        return self.busy / (self.busy + self.idle) if self.busy + self.idle else 0.0


@dataclass(frozen=True)
class Cause:
    """A reason why runs did not succeed: how many, and one of them."""

    cause: str
    count: int
    run: str
    message: str


@dataclass(frozen=True)
class Pace:
    """GPU seconds of the successful runs of an engine."""

    engine: str
    runs: int
    fastest: float
    middle: float
    slowest: float


@dataclass(frozen=True)
class Report:
    """The whole of it.  ``cost`` is None where no price was known; ``unpriced``: runs without one.

    ``plays``: seconds of video made.
    """

    since: float | None
    counts: dict[str, int]
    retried: int
    causes: tuple[Cause, ...]
    slots: tuple[Slot, ...]
    paces: tuple[Pace, ...]
    videos: int
    plays: float
    gpu_seconds: float
    idle_gpu_seconds: float
    cost: float | None
    idle_cost: float
    unpriced: int
    rows: tuple[Row, ...]

    @property
    def busy_share(self) -> float:
        """Of the GPU time between first and last use of each slot."""
        whole = self.gpu_seconds + self.idle_gpu_seconds
        return self.gpu_seconds / whole if whole else 0.0

    @property
    def cost_per_video(self) -> float | None:
        """All that was spent, by the videos that came of it."""
        return self.cost / self.videos if self.cost is not None and self.videos else None

    @property
    def cost_per_minute(self) -> float | None:
        """The same by finished minute of video."""
        return self.cost / (self.plays / 60) if self.cost is not None and self.plays else None

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without the single runs."""
        found = {key: value for key, value in asdict(self).items() if key != "rows"}
        for name in ("busy_share", "cost_per_video", "cost_per_minute"):
            found[name] = getattr(self, name)
        return found


def report(rows: Iterable[Row], since: float | None = None) -> Report:
    """The report of the runs that ended, or began, at ``since`` or later."""
    chosen = [row for row in rows if since is None or (row.ended or row.created) >= since]
    used = [row for row in chosen if row.until]
    slots = tuple(_slots(used))
    good = [row for row in chosen if row.status is ExecutionStatus.SUCCESS]
    priced = [row for row in used if row.price]
    attempts = Counter(row.id.partition(".")[0] for row in chosen)
    return Report(
        since=since,
        counts={str(one).lower(): sum(r.status is one for r in chosen) for one in ExecutionStatus},
        retried=sum(count > 1 for count in attempts.values()),
        causes=tuple(_causes(chosen)),
        slots=slots,
        paces=tuple(_paces(good)),
        videos=sum(row.plays > 0 for row in good),
        plays=sum(row.plays for row in good),
        gpu_seconds=sum(row.gpu_seconds for row in used),
        idle_gpu_seconds=sum(slot.idle * max(1, slot.gpus) for slot in slots),
        cost=sum(cost_of(row) for row in priced) if priced else None,
        idle_cost=sum(slot.idle_cost for slot in slots),
        unpriced=len(used) - len(priced),
        rows=tuple(sorted(chosen, key=lambda row: row.ended or row.created)),
    )  # fmt: skip


def cost_of(row: Row) -> float:
    """What a run cost, in the currency of its price."""
    return row.gpu_seconds / 3600 * row.price


def _slots(used: Sequence[Row]) -> Iterable[Slot]:
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in used:
        by_name[row.slot].append(row)
    for name, rows in sorted(by_name.items()):
        rows.sort(key=lambda row: row.since)
        first, last = rows[0].since, max(row.until for row in rows)
        busy = _covered([(row.since, row.until) for row in rows])
        gpus, price = max(row.gpus for row in rows), rows[-1].price
        idle = last - first - busy
        yield Slot(
            name=name, runs=len(rows), gpus=gpus, first=first, last=last, busy=busy, idle=idle,
            cost=sum(map(cost_of, rows)), idle_cost=idle * max(1, gpus) / 3600 * price,
        )  # fmt: skip


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that at least one of the spans, sorted by their start, covers."""
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _causes(rows: Sequence[Row]) -> Iterable[Cause]:
    bad = (ExecutionStatus.FAILED, ExecutionStatus.BLOCKED, ExecutionStatus.CANCELLED)
    by_cause: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.status in bad:
            by_cause[row.cause or str(row.status).lower()].append(row)
    for cause, found in sorted(by_cause.items(), key=lambda pair: -len(pair[1])):
        lines = found[-1].message.splitlines()
        yield Cause(cause, len(found), found[-1].id, lines[0] if lines else "")


def _paces(good: Sequence[Row]) -> Iterable[Pace]:
    by_engine: dict[str, list[float]] = defaultdict(list)
    for row in good:
        if row.until:
            by_engine[row.engine].append(row.gpu_seconds)
    for engine, took in sorted(by_engine.items()):
        yield Pace(engine, len(took), min(took), median(took), max(took))


def moment(text: str, now: datetime | None = None) -> float | None:
    """``24h``, ``7d``, ``2026-11-20`` or ``all`` as seconds since the epoch; None: all.

    Raises SpecError.
    """
    now = now or datetime.now()
    if text == "all":
        return None
    match = re.fullmatch(r"(\d+)\s*([mhdw])", text.strip())
    if match:
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
        try:
            return (now - timedelta(**{unit: int(match[1])})).timestamp()
        except OverflowError:
            return None
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError as error:
        raise SpecError(
            f"--since {text!r} is no time", hint="like 24h, 7d, 2026-11-20 or all"
        ) from error
