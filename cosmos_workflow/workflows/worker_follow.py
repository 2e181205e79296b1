"""From begun items to settled ones: their runs carried on to the end, whatever comes between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from threading import Event as Flag

from cosmos_workflow.errors import ConfigError, CosmosError, TransferError
from cosmos_workflow.events import (
    Disconnected,
    Event,
    ExecutionStatus,
    Failed,
    JobEnded,
    JobOver,
    Staged,
)
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Claim
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.finish import gather
from cosmos_workflow.workflows.run import carry_on_together

PASSING = frozenset(
    ("killed", "lost", "preempted", "node_failed", "host_disk", "host_memory", "submission",
     "not_begun", "bad_output", "expired")
)  # fmt: skip
"""Causes that a second try may not meet; all others are the run's own, or the engine's."""

HOST_FAULTS = frozenset(("host_disk", "host_memory", "submission", "unreachable"))
"""Causes that lie in the target: there the next run would meet them as well."""

LONGEST_PAUSE_S = 300.0
LONGEST_START_S = 30.0

OUTCOMES = {
    ExecutionStatus.SUCCESS: State.DONE,
    ExecutionStatus.BLOCKED: State.BLOCKED,
    ExecutionStatus.CANCELLED: State.CANCELLED,
    ExecutionStatus.FAILED: State.FAILED,
}


@dataclass(frozen=True)
class News:
    """Something to show: an event of a run, or of all runs of a claim, or how an item ended.

    ``why``: of an item that needed no job, or could not have one.
    """

    claim: Claim
    event: Event | None = None
    folder: RunFolder | None = None
    item: Item | None = None
    state: State | None = None
    run: Run | None = None
    why: str = ""


@dataclass(frozen=True)
class Patience:
    """How often a run is tried, and how long it waits before the second time."""

    tries: int
    pause: float

    def before(self, tries: int) -> float:
        """Seconds to wait after so many tries."""
        return float(self.pause * 2 ** (tries - 1) * random.uniform(0.8, 1.2))


class Following:
    """Carries a claim's runs on until each has ended and is settled.

    ``over`` is set when the slot of its job is free.  ``faulty``: something is wrong with the
    target, and the next job had better wait.  ``staged``: its files are on the target already.
    """

    def __init__(
        self,
        queue: Queue,
        claim: Claim,
        patience: Patience,
        tell: Callable[[News], None],
        staged: Staged | None = None,
    ) -> None:
        self.claim, self.over, self.faulty = claim, Flag(), False
        self._staged = staged
        self._began = time.monotonic() if staged else None
        self._ended = 0.0
        self._queue, self._patience, self._tell = queue, patience, tell
        self._open = {item.run: item for item in claim.items}

    def follow(self, bench: Bench, stop: Flag) -> None:
        """To the end, or until ``stop``: then the job goes on, and another worker will find it.

        A target that cannot be reached is tried again and again.
        """
        folders = self._folders(bench)
        if not _all_made(bench, folders):
            _fail_unsent(folders, CosmosError("the worker ended before it was sent"))
        pause = 1.0
        while not stop.is_set() and not all(one.run().status.final for one in folders):
            try:
                staged, self._staged = self._staged, None
                for folder, event in carry_on_together(
                    bench, folders, to_the_end=True, staged=staged
                ):
                    self._hear(folder, event)
                    pause = 1.0
                    if stop.is_set():
                        return
            except RunInUse:
                stop.wait(pause)  # somebody follows one of them by hand: it will be told
            except CosmosError as error:
                self._tell(News(self.claim, Disconnected(error.message, pause)))
                stop.wait(0 if _fail_unsent(folders, error) else pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        if stop.is_set():  # the job goes on, and its slot is taken
            return
        self._learn(folders)
        self._settle_rest(bench)
        self._set_over()

    def gather(self, bench: Bench) -> None:
        """Bring home what its job has made by now; the job goes on."""
        try:
            for folder, event in gather(bench, self._folders(bench)):
                self._hear(folder, event)
        except RunInUse:
            return  # somebody follows one of them by hand, and brings it home
        except CosmosError as error:  # it comes home with the end of the job
            self._tell(News(self.claim, Disconnected(error.message, 0.0)))

    def _folders(self, bench: Bench) -> list[RunFolder]:
        folders = [bench.store.folder(item.run) for item in self.claim.items]
        return [one for one in folders if one.path.is_dir()]

    def _hear(self, folder: RunFolder | None, event: Event) -> None:
        self._tell(News(self.claim, event, folder))
        if isinstance(event, JobOver | JobEnded):
            self._set_over()
        if folder and event.status and event.status.final and folder.id in self._open:
            run = folder.run()
            self.faulty = run.cause in HOST_FAULTS
            if run.cause != "not_begun":
                self._settle(self._open.pop(run.id), run)

    def _set_over(self) -> None:
        if not self.over.is_set():
            claims.over(self._queue, self.claim.id)
            self._ended = time.monotonic()
            self.over.set()

    def _settle_rest(self, bench: Bench) -> None:
        """Those whose job ended before it turned to them, and those whose folders never were."""
        runs = {run: bench.store.folder(run).run() for run in self._open}
        nobody = len(runs) == len(self.claim.items)
        self.faulty = self.faulty or any(run.cause in HOST_FAULTS for run in runs.values())
        for run_id, item in self._open.items():
            self._settle(item, runs[run_id], counts=nobody)
        self._open.clear()

    def _settle(self, item: Item, run: Run, *, counts: bool = True) -> None:
        """``counts``: if it never began, another run of its job was not the reason."""
        state = OUTCOMES.get(run.status, State.WAITING)
        own = counts if run.cause == "not_begun" else run.cause != "unreachable"
        if state is State.FAILED and not own:
            state = State.WAITING
        elif state is State.FAILED and run.cause in PASSING:
            state = State.WAITING if item.tries < self._patience.tries else State.SET_ASIDE
        if state is State.WAITING:
            own = own and run.status.final
            pause = self._patience.before(item.tries) if own else 0.0
            shunned = self.claim.lane.target if run.cause in HOST_FAULTS else ""
            claims.wait_again(
                self._queue, item.id, pause=pause, counts=own, cause=run.cause,
                message=run.message, shunned=shunned,
            )  # fmt: skip
        else:
            claims.settle(self._queue, item.id, state, run.id, run.cause, run.message)
        self._tell(News(self.claim, item=item, state=state, run=run))

    def _learn(self, folders: Sequence[RunFolder]) -> None:
        """What a load and a sample take, for the next time.

        All that is not sampling counts as load, also the start of a container, where we saw it; but
        not the wait in a cluster's queue.
        """
        used = sorted((one for f in folders if (one := f.run().used)), key=lambda one: one.until)
        if not used:
            return
        first, *rest = [one.until - one.since for one in used]
        sample = median(rest) if rest else first / 2
        key = self.claim.items[0].batch_key
        if rest or (key, self.claim.lane.target) not in claims.paces(self._queue):
            around = 0.0
            if self._began and self._ended and len(used) == len(self.claim.items):
                around = self._ended - self._began - (first + sum(rest))
            load = max(0.0, first - sample) + (around if 0 < around < LONGEST_START_S else 0.0)
            claims.learn(self._queue, key, self.claim.lane.target, load, sample)


def _all_made(bench: Bench, folders: Sequence[RunFolder]) -> bool:
    """Whether each run of the job has its folder: a worker may have died while it made them."""
    ids = folders[0].job().outputs if folders else ()
    return all(bench.store.folder(run_id).path.is_dir() for run_id in ids)


def _fail_unsent(folders: Sequence[RunFolder], error: CosmosError) -> bool:
    """End runs whose job surely was not started; whether there were any."""
    unsent = [one for one in folders if _surely_unsent(one.run(), error)]
    for folder in unsent:
        cause = "submission" if isinstance(error, TransferError | ConfigError) else "unreachable"
        folder.record(Failed(cause, error.message, error.hint))
    return bool(unsent)


def _surely_unsent(run: Run, error: CosmosError) -> bool:
    if run.status is not ExecutionStatus.PENDING:
        return False
    return run.sent is None or (isinstance(error, TransferError) and not error.transient)
