"""What became of the runs of some time, what their GPUs did, and what it cost: pure arithmetic.

A run counts where it ended, whole: its GPU seconds and its cost are not cut.  Only the busy and
idle time of a slot is (``report_slots``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows import report_parts, report_slots
from cosmos_workflow.workflows.report_parts import Cause, Pace, Place, Waits
from cosmos_workflow.workflows.report_slots import Slot, cost_of

DERIVED = ("busy_share", "cost_per_video", "cost_per_minute", "gpu_seconds_per_second")


@dataclass(frozen=True)
class Report:
    """The whole of it.  ``cost`` is None where no price was known; ``unpriced``: runs without one.

    ``plays``: seconds of video made; ``paid_...``: of these, by runs with a price.  ``retried``:
    RunSpecs that were run more than once.  ``without_gpu``: what of ``gpu_seconds`` is the time of
    machines that used no GPU.
    """

    since: float | None
    counts: dict[str, int]
    retried: int
    causes: tuple[Cause, ...]
    slots: tuple[Slot, ...]
    paces: tuple[Pace, ...]
    places: tuple[Place, ...]
    waits: Waits | None
    videos: int
    plays: float
    paid_videos: int
    paid_plays: float
    gpu_seconds: float
    without_gpu: float
    idle_gpu_seconds: float
    cost: float | None
    idle_cost: float
    unpriced: int
    rows: tuple[Row, ...]

    @property
    def busy_share(self) -> float:
        """Of the GPU time between first and last use of each slot."""
        return report_slots.busy_share(self.slots)

    @property
    def cost_per_video(self) -> float | None:
        """All that was spent, by the videos that came of runs with a price."""
        if self.cost is None or not self.paid_videos:
            return None
        return self.cost / self.paid_videos

    @property
    def cost_per_minute(self) -> float | None:
        """The same by finished minute of video."""
        if self.cost is None or not self.paid_plays:
            return None
        return self.cost / (self.paid_plays / 60)

    @property
    def gpu_seconds_per_second(self) -> float | None:
        """GPU seconds for a finished second of video, those of failed runs too."""
        return self.gpu_seconds / self.plays if self.plays else None

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without the single runs."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "rows"}
        for name in ("causes", "slots", "paces", "places"):
            found[name] = [asdict(one) for one in found[name]]
        found["waits"] = asdict(self.waits) if self.waits else None
        return found | {name: getattr(self, name) for name in DERIVED}


def report(
    rows: Iterable[Row], since: float | None = None, added: Iterable[tuple[str, float]] = ()
) -> Report:
    """The report of the runs that ended, or began and go on, at ``since`` or later.

    ``added``: which RunSpecs were put into the queue, and when.
    """
    chosen = [row for row in rows if since is None or (row.ended or row.created) >= since]
    used = [row for row in chosen if row.until]
    good = [row for row in chosen if row.status is ExecutionStatus.SUCCESS]
    priced = [row for row in used if row.price]
    slots = report_slots.slots(used, since)
    statuses = Counter(row.status for row in chosen)
    attempts = Counter(row.id.partition(".")[0] for row in chosen)
    return Report(
        since=since,
        counts={str(one).lower(): statuses[one] for one in ExecutionStatus},
        retried=sum(count > 1 for count in attempts.values()),
        causes=tuple(report_parts.causes(chosen)),
        slots=tuple(slots),
        paces=tuple(report_parts.paces(chosen)),
        places=tuple(report_parts.places(chosen)),
        waits=report_parts.waits(chosen, added),
        videos=sum(row.plays > 0 for row in good),
        plays=sum(row.plays for row in good),
        paid_videos=sum(row.plays > 0 for row in good if row.until and row.price),
        paid_plays=sum(row.plays for row in good if row.until and row.price),
        gpu_seconds=sum(row.gpu_seconds for row in used),
        without_gpu=sum(row.gpu_seconds for row in used if not row.gpus),
        idle_gpu_seconds=sum(slot.idle * max(1, slot.gpus) for slot in slots),
        cost=sum(map(cost_of, priced)) if priced else None,
        idle_cost=sum(slot.idle_cost for slot in slots),
        unpriced=len(used) - len(priced),
        rows=tuple(sorted(chosen, key=lambda row: row.ended or row.created)),
    )
