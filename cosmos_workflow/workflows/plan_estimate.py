"""How long a run will take and what that costs: by the makers' figures, or by our own past."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.errors import MediaError, SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.execution.job import CommandJob, Job
from cosmos_workflow.runs import index
from cosmos_workflow.runs.store import RunFolder, Store
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.collect import main_output

MOST_RUNS = 9
"""Past runs that are looked at, the latest ones: a machine of last year is another one."""


@dataclass(frozen=True)
class Estimate:
    """``gpu_seconds``: of all GPUs together, None when nobody knows; ``origin``: who says so.

    ``gpus`` is 0 where none is used; then it is the seconds of the machine.  ``price_per_hour``
    is of one GPU, 0 when it is not set.
    """

    gpu_seconds: float | None
    origin: str
    gpus: int
    price_per_hour: float

    @property
    def seconds(self) -> float | None:
        """On the clock."""
        return None if self.gpu_seconds is None else self.gpu_seconds / max(1, self.gpus)

    @property
    def cost(self) -> float | None:
        """In the currency of the price."""
        if self.gpu_seconds is None or not self.price_per_hour:
            return None
        return self.gpu_seconds / 3600 * self.price_per_hour

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "seconds": self.seconds,
            "gpus": self.gpus,
            "gpu_seconds": self.gpu_seconds,
            "estimate_from": self.origin,
            "price_per_hour": self.price_per_hour or None,
            "cost": self.cost,
        }


def estimate(bench: Bench, request: RunRequest, job: Job) -> Estimate:
    """What ``job``, made from the settled ``request``, will take on the bench's target."""
    price = bench.settings.all_targets()[bench.target.name].price_per_hour
    gpus = job.gpus if isinstance(job, CommandJob) else 1
    published = bench.engine.seconds(request)
    if published is not None:
        return Estimate(published, "its makers' figures for an H100", gpus, price)
    found, origin = _remembered(bench.store, bench.engine.name, bench.target.name, request)
    return Estimate(found, origin, gpus, price)


def price_goes(settings: Settings, target: str) -> str:
    """Where the price of a target is set; empty for a machine of one's own."""
    if settings.all_targets()[target].kind == "local":
        return ""
    if target in settings.services:
        return f"[services.{target}]"
    return "[remote]" if target == "remote" else f"[targets.{target}]"


def _remembered(
    store: Store, engine: str, target: str, request: RunRequest
) -> tuple[float | None, str]:
    """The median of past runs, as much longer as this one has more frames."""
    rows = index.page(store, status=ExecutionStatus.SUCCESS).rows
    rows = [row for row in rows if row.engine == engine and row.seconds]
    here = [row for row in rows if row.target == target]
    chosen = (here or rows)[:MOST_RUNS]
    frames = _frames(request)
    with ThreadPoolExecutor(max_workers=4) as pool:
        folders = (RunFolder(store.root / row.id) for row in chosen)
        found = list(pool.map(lambda folder: _one(folder, frames), folders))
    past = [seconds for seconds in found if seconds is not None]
    if not past:
        return None, f"no published figure, and no past run of {engine} here"
    many = "1 past run" if len(past) == 1 else f"the median of {len(past)} past runs"
    place = f"on {target}" if here else f"on {', '.join(_places(chosen))}, not on {target}"
    return median(past), f"{many} {place}" + (", by frames" if frames else "")


def _one(folder: RunFolder, frames: int) -> float | None:
    """GPU seconds of a past run, scaled to ``frames`` (0: as it was); None if it cannot tell."""
    try:
        seconds, job = folder.run().seconds, folder.job()
        video = main_output(folder)
        if any(output.media == "text" for output in folder.run().outputs[:1]):
            frames = 0  # words take as long for a long video as for a short one
        had = probe(video).frames if frames and video else 0
    except (MediaError, SpecError):
        return None  # its files were moved away, or it is of an older version
    if seconds is None or (frames and not had):
        return None
    gpus = max(1, job.gpus) if isinstance(job, CommandJob) else 1
    return seconds * gpus * (frames / had if frames else 1)


def _frames(request: RunRequest) -> int:
    """Frames of what the run reads; 0 where it reads no video."""
    paths = [*([request.input_video] if request.input_video else []), *request.controls.values()]
    return max((request.media[path].frames for path in paths), default=0)


def _places(rows: Sequence[index.Row]) -> list[str]:
    return sorted({row.target for row in rows})
