"""The queue at one moment: what each slot does, what waits, what it has cost, what ended last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Busy
from cosmos_workflow.runs.index import page as index_page
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.report import report

DAY_S = 86400.0
LAST = 5
"""Items that ended, shown at the end."""


@dataclass(frozen=True)
class Lane:
    """A slot of a target.  ``name``, ``run``: what it does, empty when idle; ``place`` of ``of``
    runs of its job; ``fraction`` of the job as its engine says; ``ends``: when it is thought to be
    over, seconds since the epoch; ``ready``: runs that lie ready; ``followed``: a worker lives."""

    target: str
    slot: int
    name: str = ""
    run: str = ""
    place: int = 0
    of: int = 0
    stage: str = ""
    fraction: float | None = None
    ends: float | None = None
    ready: int = 0
    followed: bool = True


@dataclass(frozen=True)
class View:
    """All of it.  ``busy_share``, ``cost``: of the last 24 hours; ``an_hour``: of what runs now."""

    lanes: tuple[Lane, ...]
    counts: dict[State, int]
    paused: bool
    next_try: float | None
    busy_share: float
    cost: float | None
    an_hour: float
    last: tuple[Item, ...]


def look(settings: Settings, queue: Queue, alive: Callable[[str], bool]) -> View:
    """The queue now; reads only."""
    store = assemble.store(settings)
    items = queue.items()
    taken = claims.busy(queue)
    rows = settings.all_targets()
    used = [name for name in rows if any(name in item.targets for item in items)]
    used = list(dict.fromkeys([*used, *(one.target for one in taken if one.target in rows)]))
    lanes = tuple(
        _lane(store.folder, items, [one for one in taken if (one.target, one.slot) == (name, n)],
              name, n, alive)
        for name in used
        for n in range(rows[name].slots)
    )  # fmt: skip
    day = report(index_page(store).rows, time.time() - DAY_S)
    running = [lane for lane in lanes if lane.run]
    over = [item for item in items if item.ended is not None]
    return View(
        lanes=lanes,
        counts=queue.counts(),
        paused=queue.paused,
        next_try=claims.next_try(queue),
        busy_share=day.busy_share,
        cost=day.cost,
        an_hour=sum(
            rows[one.target].price_per_hour * max(1, rows[one.target].gpus_per_slot)
            for one in running
        ),
        last=tuple(sorted(over, key=lambda item: -(item.ended or 0))[:LAST]),
    )


def _lane(
    folder_of: Callable[[str], RunFolder],
    items: Sequence[Item],
    here: Sequence[Busy],
    target: str,
    slot: int,
    alive: Callable[[str], bool],
) -> Lane:
    by_claim = {one.id: [item for item in items if item.claim == one.id] for one in here}
    ready = sum(len(by_claim[one.id]) for one in here if one.phase == "claimed")
    working = next((one for one in here if one.phase == "running"), None)
    mine = by_claim[working.id] if working else []
    if not working or not mine:
        return Lane(target, slot, ready=ready, followed=all(alive(one.worker) for one in here))
    return _at_work(folder_of, working, mine, ready, alive(working.worker))


def _at_work(
    folder_of: Callable[[str], RunFolder],
    claim: Busy,
    mine: Sequence[Item],
    ready: int,
    followed: bool,
) -> Lane:
    item = min(mine, key=lambda one: one.place)
    folder = folder_of(item.run)
    run = folder.run()
    of, place = len(mine), 1
    if folder.path.is_dir():
        job = folder.job()
        of = len(job.outputs)
        place = list(job.outputs).index(folder.id) + 1 if folder.id in job.outputs else 1
    ends = claim.ends if claim.ends > claim.at else None
    if run.fraction and run.submitted and run.status is ExecutionStatus.RUNNING:
        now = time.time()
        ends = ends or now + (now - run.submitted) * (1 - run.fraction) / max(run.fraction, 0.01)
    return Lane(
        claim.target, claim.slot, item.name, item.run, place, of, run.stage, run.fraction, ends,
        ready, followed,
    )  # fmt: skip
