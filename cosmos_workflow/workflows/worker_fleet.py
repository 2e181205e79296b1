"""A place with a queue of its own at work: all that waits goes there at once, as arrays.

In place of a slot for each job there is one sender, one that watches, and a few that bring home.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import Event, Staged
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.target import QueuingTarget
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Claim, Group, Lane
from cosmos_workflow.runs.queue import Item
from cosmos_workflow.runs.store import AttemptTaken, RunFolder
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.worker_array import Lot, launch
from cosmos_workflow.workflows.worker_away import Away
from cosmos_workflow.workflows.worker_follow import LONGEST_PAUSE_S, Following, News
from cosmos_workflow.workflows.worker_lane import GLANCE_S, Shop
from cosmos_workflow.workflows.worker_prepare import Ready, prepare
from cosmos_workflow.workflows.worker_share import Paces

FINISHERS = 4
"""Jobs that are brought home at once: sshd takes ten sessions on a connection by default."""


@dataclass(frozen=True)
class Room:
    """How much a place takes.

    ``slots``: jobs that may run at once.  ``deep``: all that waits may be in the cluster's queue,
    else only as many jobs as there are slots.
    """

    slots: int
    deep: bool


class Fleet:
    """The lanes of a target that queues by itself; to the worker it is a slot."""

    def __init__(self, shop: Shop, lane: Lane, target: QueuingTarget, room: Room) -> None:
        self.lane = lane
        self._shop, self._target, self._room = shop, target, room
        self._lock = Lock()
        self._open: set[int] = set()
        self._away = Away(shop, target, lambda claim, over: self._landed.put((claim, over)))
        self._found: SimpleQueue[Claim] = SimpleQueue()
        self._landed: SimpleQueue[tuple[Claim, bool] | None] = SimpleQueue()
        self._following: dict[int, Following] = {}
        self._threads: list[Thread] = []
        self._rest_until, self._rest = 0.0, 1.0

    @property
    def busy(self) -> bool:
        """Whether something of it is not over."""
        return bool(self._open)

    def work(self) -> None:
        """Until the shop's ``stop``; what the cluster has goes on without us."""
        self._threads = [Thread(target=self._guarded, args=[self._away.watch], daemon=True)]
        for _ in range(FINISHERS):
            self._threads.append(Thread(target=self._guarded, args=[self._finish], daemon=True))
        for thread in self._threads:
            thread.start()
        while not self._shop.stop.is_set():
            self._resume()
            if not self._send(self._prepared()):
                self._shop.stop.wait(GLANCE_S)

    def wait(self, seconds: float) -> None:
        """For what is still on its way home."""
        until = time.monotonic() + seconds
        for _ in range(FINISHERS):
            self._landed.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def take_up(self, claim: Claim) -> None:
        """Follow what another worker had begun here."""
        self._open.add(claim.id)
        self._found.put(claim)

    def close(self) -> None:
        """Let go of the connection."""
        self._target.close()

    # -- out ---------------------------------------------------------------------------------

    def _prepared(self) -> list[Ready]:
        """What waits, as jobs that are planned, their inputs made."""
        shop = self._shop
        if not shop.open() or time.monotonic() < self._rest_until:
            return []
        most = self._target.most
        if not self._room.deep:
            most = min(most, self._room.slots - len(self._open))
        found = claims.claim_all(shop.queue, self.lane, most, self._share, label=shop.label)
        self._open |= {claim.id for claim in found}
        specs = [item.spec for claim in found for item in claim.items]
        ready, attempts = [], shop.store.last_attempts(specs)
        for claim in found:
            one = None if shop.stop.is_set() else self._prepare(claim, attempts)
            if one:
                ready.append(one)
            else:
                self._release(claim)
        return ready

    def _share(self, group: Group) -> int:
        """Runs in a job: as many slots as there are have something to do."""
        return max(1, min(group.max_batch, -(-group.outlook // self._room.slots)))

    def _prepare(self, claim: Claim, attempts: Mapping[str, RunFolder]) -> Ready | None:
        shop = self._shop
        try:
            with shop.planning:
                desk = shop.desk(claim, self._adopt)
                return prepare(desk, self._bench(claim), claim, attempts, False)
        except CosmosError as error:
            self._complain(error)
            return None

    def _send(self, ready: Sequence[Ready]) -> bool:
        """Whether there was something to do."""
        if not ready:
            return False
        shop = self._shop
        jobs = [one.job for one in ready if isinstance(one.job, CommandJob)]
        try:
            staged = None
            for event in self._target.stage_all(jobs):
                staged = event if isinstance(event, Staged) else None
        except CosmosError as error:
            for one in ready:
                self._release(one.claim)
            self._complain(error)
            return True
        if shop.stop.is_set() or not shop.open():
            for one in ready:
                self._release(one.claim)
            return False
        seen, now = Paces.seen(claims.paces(shop.queue)), time.time()
        begins = []
        for one in ready:
            load, sample = seen.of(one.claim.items[0].batch_key, self.lane.target)
            begins.append((one.claim, one.runs, now + load + sample * len(one.claim.items)))
        begun = claims.begin_all(shop.queue, begins)
        made = (self._lot(one, claim) for one, claim in zip(ready, begun, strict=True))
        self._launch([lot for lot in made if lot], staged)
        return True

    def _lot(self, ready: Ready, claim: Claim | None) -> Lot | None:
        assert isinstance(ready.job, CommandJob)
        if claim is None:
            self._open.discard(ready.claim.id)
            return None
        try:
            folders = self._shop.store.create_all(ready.members, ready.job, self.lane.target)
        except AttemptTaken:
            for item in claim.items:
                claims.wait_again(self._shop.queue, item.id, pause=0, counts=False)
            self._open.discard(claim.id)
            return None
        return Lot(claim, ready.job, tuple(folders))

    def _launch(self, lots: Sequence[Lot], staged: Staged | None = None) -> None:
        left = {lot.claim.id: lot for lot in lots}
        try:
            for lot, handle in launch(self._target, lots, self._tell, staged):
                del left[lot.claim.id]
                self._away.put(lot.claim, handle)
        except CosmosError as error:
            self._complain(error)
        for lot in left.values():
            if lot.over:
                self._landed.put((lot.claim, True))
            else:
                self._found.put(lot.claim)

    def _resume(self) -> None:
        """What another worker had begun, or we could not send: once more, or followed from here."""
        lots = []
        if time.monotonic() < self._rest_until:
            return
        while (claim := _next(self._found)) is not None:
            folders = [self._shop.store.folder(item.run) for item in claim.items]
            folders = [one for one in folders if one.path.is_dir()]
            job = folders[0].job() if folders else None
            handle = folders[0].run().handle if folders else None
            made = job and all(self._shop.store.folder(run).path.is_dir() for run in job.outputs)
            if not isinstance(job, CommandJob) or not made:
                self._landed.put((claim, True))
            elif handle is None:
                lots.append(Lot(claim, job, tuple(folders)))
            else:
                self._away.put(claim, handle)
        if lots:
            self._launch(lots)

    def _adopt(self, item: Item, folder: RunFolder) -> None:
        claim = claims.adopt(self._shop.queue, self.lane, item, folder.id)
        self.take_up(claim)

    # -- home --------------------------------------------------------------------------------

    def _finish(self) -> None:
        """A job after the other: what it has made comes home; if it is over, its runs are
        concluded."""
        shop = self._shop
        while not shop.stop.is_set():
            landed = self._landed.get()
            if landed is None:
                return
            claim, over = landed
            with self._lock:
                new = Following(shop.queue, claim, shop.patience, shop.tell)
                following = self._following.setdefault(claim.id, new)
            if not over:
                following.gather(self._bench(claim))
                continue
            following.follow(self._bench(claim), shop.stop)
            self._open.discard(claim.id)
            self._following.pop(claim.id, None)
            if following.faulty:
                self._tire()

    def _tell(self, lot: Lot, event: Event) -> None:
        self._shop.tell(News(lot.claim, event))

    def _release(self, claim: Claim) -> None:
        claims.release(self._shop.queue, claim.id)
        self._open.discard(claim.id)

    def _complain(self, error: CosmosError) -> None:
        self._shop.complain("\n".join(filter(None, (error.message, error.hint))))
        self._tire()

    def _tire(self) -> None:
        """Something is wrong with the target: leave it alone for a while, each time longer."""
        self._rest_until = time.monotonic() + self._rest
        self._rest = min(self._rest * 2, LONGEST_PAUSE_S)

    def _bench(self, claim: Claim) -> Bench:
        engine = assemble.engine(claim.items[0].engine, self._shop.settings)
        return Bench(self._shop.settings, engine, self._target, self._shop.store)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # heard by the worker, which ends and says so
            self._shop.crash(error)


def _next(queue: SimpleQueue[Claim]) -> Claim | None:
    try:
        return queue.get_nowait()
    except Empty:
        return None
