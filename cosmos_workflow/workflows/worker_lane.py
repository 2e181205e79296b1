"""One slot of a target at work: a job runs, the next one lies ready, and nothing waits for us."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import Lock, Thread

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import Staged
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.target import Target
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Choose, Claim, Lane
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.store import AttemptTaken, RunFolder, Store
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.worker_follow import LONGEST_PAUSE_S, Following, News, Patience
from cosmos_workflow.workflows.worker_prepare import Adopt, Desk, Ready, prepare
from cosmos_workflow.workflows.worker_share import Paces

GLANCE_S = 0.25
"""Seconds between two looks at the queue, while there is nothing to do."""

STAGED_S = 1800.0
"""How long it is believed that staged files are there: ``cosmos clean`` leaves them for an hour."""


@dataclass(frozen=True)
class Shop:
    """What all lanes of a worker share.  ``open``: whether another job may be begun."""

    settings: Settings
    queue: Queue
    store: Store
    patience: Patience
    tell: Callable[[News], None]
    complain: Callable[[str], None]
    crash: Callable[[BaseException], None]
    open: Callable[[], bool]
    choose: Callable[[Lane], Choose]
    label: str = ""
    stop: Flag = field(default_factory=Flag)
    planning: Lock = field(default_factory=Lock)
    """One lane at a time plans: what they make on the way (edges, hashes) is shared."""

    def desk(self, claim: Claim, adopt: Adopt) -> Desk:
        """For items of the claim that need no job; what becomes of them is told."""

        def settled(item: Item, state: State, why: str) -> None:
            self.tell(News(claim, item=item, state=state, why=why))

        return Desk(self.queue, adopt, settled)


class Slot:
    """A lane, its own connection to the target, and what it is doing."""

    def __init__(self, shop: Shop, lane: Lane, target: Target, *, pinned: bool) -> None:
        self.lane = lane
        self._shop, self._target, self._pinned = shop, target, pinned
        self._ready: Ready | None = None
        self._running: Following | None = None
        self._followers: list[Thread] = []
        self._rest_until, self._rest = 0.0, 1.0
        self._at_hand = False

    @property
    def busy(self) -> bool:
        """Whether something of it is not over."""
        return self._at_hand or bool(self._ready) or any(one.is_alive() for one in self._followers)

    def work(self) -> None:
        """Until the shop's ``stop``; what is claimed then, and not begun, is given back."""
        while not self._shop.stop.is_set():
            self._followers = [one for one in self._followers if one.is_alive()]
            self._heed_faults()
            if self._ready is None and self._may_claim():
                self._ready = self._prepared()
                self._at_hand = False
            if self._running and not self._running.over.is_set():
                self._running.over.wait(GLANCE_S)
            elif self._ready:
                self._at_hand = True
                ready, self._ready = self._ready, None
                self._begin(ready)
                self._at_hand = False
            else:
                self._shop.stop.wait(GLANCE_S)
        if self._ready:
            claims.release(self._shop.queue, self._ready.claim.id)

    def wait(self, seconds: float) -> None:
        """For what is still on its way home."""
        until = time.monotonic() + seconds
        for thread in self._followers:
            thread.join(max(0.0, until - time.monotonic()))

    def take_up(self, claim: Claim) -> None:
        """Follow what another worker had begun here."""
        self._follow(claim)

    def close(self) -> None:
        """Let go of the connection."""
        self._target.close()

    def _heed_faults(self) -> None:
        if self._running and self._running.faulty:
            self._running.faulty = False
            self._tire()
            if self._ready:
                claims.release(self._shop.queue, self._ready.claim.id)
                self._ready = None

    def _may_claim(self) -> bool:
        return self._shop.open() and time.monotonic() >= self._rest_until

    def _tire(self) -> None:
        """Something is wrong with the target: leave it alone for a while, each time longer."""
        self._rest_until = time.monotonic() + self._rest
        self._rest = min(self._rest * 2, LONGEST_PAUSE_S)

    def _prepared(self) -> Ready | None:
        """The next claim, planned and its inputs on their way to the target before its turn."""
        shop = self._shop
        claim = claims.claim(shop.queue, self.lane, shop.choose(self.lane), label=shop.label)
        if claim is None:
            return None
        self._at_hand = True
        try:
            bench = self._bench(claim)
            desk = shop.desk(claim, self._adopt)
            with shop.planning:
                attempts = shop.store.last_attempts([item.spec for item in claim.items])
                ready = prepare(desk, bench, claim, attempts, self._pinned)
            if ready is None:
                claims.release(shop.queue, claim.id)
                return None
            for event in self._target.stage(ready.job):
                if isinstance(event, Staged) and isinstance(ready.job, CommandJob):
                    ready = replace(ready, staged=event, at=time.monotonic())
                if shop.stop.is_set():
                    break
        except CosmosError as error:
            claims.release(shop.queue, claim.id)
            shop.complain("\n".join(filter(None, (error.message, error.hint))))
            self._tire()
            return None
        return ready

    def _begin(self, ready: Ready) -> None:
        shop = self._shop
        if not shop.open():
            claims.release(shop.queue, ready.claim.id)
            return
        ends = time.time() + self._length(ready.claim)
        begun = claims.begin(shop.queue, ready.claim, ready.runs, ends)
        if begun is None:
            return
        try:
            shop.store.create_all(ready.members, ready.job, self.lane.target)
        except AttemptTaken:
            for item in begun.items:
                claims.wait_again(shop.queue, item.id, pause=0, counts=False)
            return
        fresh = time.monotonic() - ready.at < STAGED_S
        self._follow(begun, ready.staged if fresh else None)

    def _length(self, claim: Claim) -> float:
        """Seconds that the claim is thought to take, as the share of all lanes takes it to be."""
        seen = Paces.seen(claims.paces(self._shop.queue))
        load, sample = seen.of(claim.items[0].batch_key, self.lane.target)
        return load + sample * len(claim.items)

    def _adopt(self, item: Item, folder: RunFolder) -> None:
        claim = claims.adopt(self._shop.queue, self.lane, item, folder.id)
        self._spawn(Following(self._shop.queue, claim, self._shop.patience, self._shop.tell))

    def _follow(self, claim: Claim, staged: Staged | None = None) -> None:
        shop = self._shop
        self._running = Following(shop.queue, claim, shop.patience, shop.tell, staged)
        self._spawn(self._running)

    def _spawn(self, following: Following) -> None:
        thread = Thread(target=self._followed, args=[following], daemon=True)
        self._followers.append(thread)
        thread.start()

    def _followed(self, following: Following) -> None:
        try:
            following.follow(self._bench(following.claim), self._shop.stop)
            self._rest = self._rest if following.faulty else 1.0
        except BaseException as error:  # heard by the worker, which ends and says so
            self._shop.crash(error)

    def _bench(self, claim: Claim) -> Bench:
        engine = assemble.engine(claim.items[0].engine, self._shop.settings)
        return Bench(self._shop.settings, engine, self._target, self._shop.store)
