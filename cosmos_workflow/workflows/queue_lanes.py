"""What each slot of the queue's targets does, and who follows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.execution.waiting import waits_for
from cosmos_workflow.runs.claims import Busy
from cosmos_workflow.runs.index import Row
from cosmos_workflow.runs.queue import Item
from cosmos_workflow.runs.queue_glance import Glance
from cosmos_workflow.runs.tail import Tail
from cosmos_workflow.workflows.queue_ends import Paces, job_ends


@dataclass(frozen=True)
class Lane:
    """A slot of a target.  ``name``, ``run``: what it does, empty when idle; ``place`` of ``of``
    runs of its job; ``fraction`` of the job, as its engine says.

    ``since``: when its job began, ``ends``: when it is thought to be over, seconds since the epoch.
    ``ready``: runs that are prepared to be next; ``landing``: runs whose job is over and whose
    results are on their way.  ``followed``: the worker of all this lives.
    """

    target: str
    slot: int
    name: str = ""
    run: str = ""
    engine: str = ""
    gpus: int = 0
    place: int = 0
    of: int = 0
    stage: str = ""
    fraction: float | None = None
    since: float | None = None
    ends: float | None = None
    ready: int = 0
    landing: int = 0
    worker: str = ""
    followed: bool = True


@dataclass(frozen=True)
class Around:
    """What lanes are made from."""

    now: float
    glance: Glance
    tail: Tail
    paces: Paces
    alive: Callable[[str], bool]


def lanes(
    settings: Settings, around: Around, targets: Sequence[str]
) -> tuple[tuple[Lane, ...], dict[str, int]]:
    """Every slot of these targets, and those beside them that something still runs on; and how many
    runs only wait in the queue of a cluster, by what they wait for."""
    rows, claims = settings.all_targets(), around.glance.claims
    known = {(name, n) for name in targets if name in rows for n in range(rows[name].slots)}
    odd = {(one.target, one.slot) for one in claims if one.target in targets} - known
    order = {name: number for number, name in enumerate(targets)}
    found = [
        _lane(around, *where) for where in sorted(known | odd, key=lambda w: (order[w[0]], w[1]))
    ]
    queued: Counter[str] = Counter()
    for lane in found:
        if (why := waits_for(lane.stage)) is not None:
            queued[why] += lane.of
    here = (one for one in found if (one.target, one.slot) in known or waits_for(one.stage) is None)
    return tuple(here), dict(queued)


def _lane(around: Around, target: str, slot: int) -> Lane:
    here = [one for one in around.glance.claims if (one.target, one.slot) == (target, slot)]
    items = {one.id: [i for i in around.glance.at_work if i.claim == one.id] for one in here}
    count = {
        phase: sum(len(items[one.id]) for one in here if one.phase == phase)
        for phase in ("claimed", "landing")
    }
    lane = Lane(
        target, slot, ready=count["claimed"], landing=count["landing"],
        worker=here[0].worker if here else "",
        followed=all(around.alive(one.worker) for one in here),
    )  # fmt: skip
    working = next((one for one in here if one.phase == "running" and items[one.id]), None)
    return _at_work(around, lane, working, items[working.id]) if working else lane


def _at_work(around: Around, lane: Lane, claim: Busy, items: Sequence[Item]) -> Lane:
    """The lane with the first of its job's runs that is not over."""
    by_run = {item.run: item for item in items}
    mates = around.tail.mates(items[0].run)
    current = next((run for run in mates if run in by_run), items[0].run)
    item, run = by_run[current], around.tail.run(current)
    done = mates.index(current) if current in mates else 0
    running = run.status is ExecutionStatus.RUNNING
    pace = around.paces.get((item.batch_key, lane.target))
    fraction = run.fraction if running else None
    return Lane(
        lane.target, lane.slot, item.name, item.run, item.engine, item.gpus, done + 1, len(mates),
        run.stage or "starting", run.fraction, claim.at,
        job_ends(around.now, claim, pace, done, len(mates), fraction),
        lane.ready, lane.landing, lane.worker, lane.followed,
    )  # fmt: skip


def running_rows(settings: Settings, lanes: Sequence[Lane], now: float) -> Iterator[Row]:
    """What runs, as if it were over now: for what the GPUs did until now."""
    rows = settings.all_targets()
    for lane in lanes:
        waits = waits_for(lane.stage) is not None
        if not lane.run or lane.since is None or lane.target not in rows or waits:
            continue
        row = rows[lane.target]
        gpus = row.gpus_per_slot if row.pins_gpus else 0
        first = lane.slot * gpus
        devices = ",".join(str(first + n) for n in range(lane.gpus)) if row.pins_gpus else ""
        yield Row(
            id=lane.run, name=lane.name, engine=lane.engine, target=lane.target,
            status=ExecutionStatus.RUNNING, created=lane.since, ended=None, seconds=None,
            message="", slot=":".join(filter(None, (lane.target, devices))), since=lane.since,
            until=now, gpus=lane.gpus, price=row.price_per_hour,
        )  # fmt: skip
