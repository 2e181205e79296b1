"""What the slots of a report did: busy, idle between, and what that cost.

A slot (a target, or some GPUs of it) is busy while at least one run accounts for its time.  It is
idle between the first and the last moment that it was used in the time of the report; before and
after, nobody knows what it was paid for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cosmos_workflow.runs.index import Row

Span = tuple[float, float]


@dataclass(frozen=True)
class Slot:
    """One slot: seconds busy and idle, on the clock; GPUs; runs; cost of the runs and of the idle
    time between them."""

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


def slots(used: Iterable[Row], since: float | None = None) -> list[Slot]:
    """Every slot that these runs had, by name; its time is counted from ``since`` on."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in used:
        by_name[row.slot].append(row)
    return [_slot(name, rows, since) for name, rows in sorted(by_name.items())]


def busy_share(found: Sequence[Slot]) -> float:
    """Of all GPUs together, between the first and last use of each slot."""
    busy = sum(slot.busy * max(1, slot.gpus) for slot in found)
    idle = sum(slot.idle * max(1, slot.gpus) for slot in found)
    return busy / (busy + idle) if busy + idle else 0.0


def covered(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def cost_of(row: Row) -> float:
    """What a run cost, in the currency of its price."""
    return row.gpu_seconds / 3600 * row.price


def _slot(name: str, rows: Sequence[Row], since: float | None) -> Slot:
    spans = [_clipped(row, since) for row in rows]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    busy = covered(spans)
    idle = max(0.0, last - first - busy)
    latest = max(rows, key=lambda row: row.until)
    gpus = max(row.gpus for row in rows)
    return Slot(
        name=name, runs=len(rows), gpus=gpus, first=first, last=last, busy=busy, idle=idle,
        cost=sum(map(cost_of, rows)), idle_cost=idle * max(1, gpus) / 3600 * latest.price,
    )  # fmt: skip


def _clipped(row: Row, since: float | None) -> Span:
    """When it had its slot.  A run that is all before ``since`` ended after it by our own clock:
    its host's clock is behind, and there is nothing to clip."""
    start, end = row.since, max(row.since, row.until)
    return (since, end) if since is not None and start < since < end else (start, end)
