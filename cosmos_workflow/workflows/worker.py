"""A worker of the queue: every slot of its targets is kept at work until there is no more to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.runs import claims, workers
from cosmos_workflow.runs.claims import Choose, Lane
from cosmos_workflow.runs.queue import State, queue_of
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.worker_fleet import Fleet, Room
from cosmos_workflow.workflows.worker_follow import News, Patience
from cosmos_workflow.workflows.worker_lane import Shop, Slot
from cosmos_workflow.workflows.worker_share import chooser

HEARTBEAT_S = 2.0
"""Seconds between two looks for what other workers have left."""

LOOK_S = 0.05
"""Seconds between two looks whether all is done."""


@dataclass(frozen=True)
class Terms:
    """How long a worker works, and on what.

    ``label``: only on what came with it, and to its end; empty: on all, until told to stop.
    ``idle_stop``: seconds without work after which it ends; None: never.  ``budget``: no more is
    begun once so much was spent, in the currency of the prices.
    """

    targets: tuple[str, ...]
    label: str = ""
    idle_stop: float | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Complaint:
    """Something that went wrong with a target or the worker itself."""

    message: str


@dataclass(frozen=True)
class Ended:
    """Why the worker ended; ``idle``: there was no more to do."""

    reason: str
    idle: bool = False


Lanes = Slot | Fleet
"""What works on a target: a slot, or all of them."""


def is_alive(settings: Settings) -> Callable[[str], bool]:
    """Whether a worker of this project, by its name, is at work."""
    return partial(workers.alive, settings.outputs_dir / ".queue")


class Worker:
    """Works in threads, one for each slot; ``work`` tells of it in the caller's own."""

    def __init__(
        self, settings: Settings, terms: Terms, ask: Callable[[str], str] | None = None
    ) -> None:
        self._settings, self._terms, self._ask = settings, terms, ask
        self.queue = queue_of(settings)
        self.spent = 0.0
        self._news: SimpleQueue[News | Complaint | BaseException] = SimpleQueue()

    def work(self) -> Iterator[News | Complaint | Ended]:
        """Until the terms are met.  Leaving it early leaves jobs running, for the next worker."""
        with ExitStack() as stack:
            name = stack.enter_context(workers.at_work(self._settings.outputs_dir / ".queue"))
            stack.enter_context(self.queue.in_use())
            shop = self._shop()
            stack.callback(shop.stop.set)
            slots = [
                slot for target in self._terms.targets for slot in self._slots(shop, name, target)
            ]
            self._take_over(name, slots)
            threads = [Thread(target=self._guarded, args=[slot], daemon=True) for slot in slots]
            for thread in threads:
                thread.start()
            try:
                yield from self._watched(name, slots)
            finally:
                shop.stop.set()
                for thread in threads:
                    thread.join(5.0)
                for slot in slots:
                    slot.wait(0.0)
                    slot.close()

    def _watched(self, name: str, slots: Sequence[Lanes]) -> Iterator[News | Complaint | Ended]:
        idle_since, looked = time.monotonic(), 0.0
        while True:
            try:
                news = self._news.get(timeout=LOOK_S)
            except Empty:
                pass
            else:
                if isinstance(news, BaseException):
                    raise news
                self._count(news)
                yield news
                continue
            now = time.monotonic()
            if any(slot.busy for slot in slots) or claims.next_try(self.queue) is not None:
                idle_since = now
            if now - looked >= HEARTBEAT_S:
                looked = now
                self._take_over(name, slots)
            ended = self._ended(slots, now - idle_since)
            if ended:
                yield ended
                return

    def _ended(self, slots: Sequence[Lanes], idle: float) -> Ended | None:
        if any(slot.busy for slot in slots):
            return None
        if not self._within_budget():
            return Ended(f"the budget of {self._terms.budget:g} is spent")
        if self._terms.label:
            left = self.queue.counts(self._terms.label)
            lively = sum(left[one] for one in State if not one.over)
            return None if lively else Ended("all is done")
        limit = self._terms.idle_stop
        if limit is not None and idle >= limit:
            return Ended(f"there was nothing to do for {idle:.0f} s", idle=True)
        return None

    def _shop(self) -> Shop:
        settings = self._settings
        return Shop(
            settings=settings,
            queue=self.queue,
            store=assemble.store(settings),
            patience=Patience(settings.queue.tries, settings.queue.retry_pause),
            tell=self._news.put,
            crash=self._news.put,
            complain=lambda text: self._news.put(Complaint(text)),
            open=self._within_budget,
            choose=self._chooser,
            label=self._terms.label,
        )

    def _slots(self, shop: Shop, worker: str, name: str) -> Iterator[Lanes]:
        row = self._settings.all_targets()[name]
        first = assemble.target(self._settings, name, self._ask)
        if first.queue is not None:
            alone = len(self._terms.targets) == 1 and self._terms.budget is None
            yield Fleet(shop, Lane(worker, name, 0), first.queue, Room(row.slots, alone))
            return
        for number in range(row.slots):
            target = assemble.target(self._settings, name, self._ask) if number else first
            target.approach()  # its first job is planned while the connection is made
            pinned = row.pins_gpus
            lane = Lane(worker, name, number, row.gpus_per_slot if pinned else 0)
            yield Slot(shop, lane, target, pinned=pinned)

    def _chooser(self, lane: Lane) -> Choose:
        rows = self._settings.all_targets()
        lanes = [(name, n) for name in self._terms.targets for n in range(rows[name].slots)]
        return chooser(lane, lanes, claims.paces(self.queue))

    def _guarded(self, slot: Lanes) -> None:
        try:
            slot.work()
        except BaseException as error:  # a lane that dies takes the worker with it, and is heard
            self._news.put(error)

    def _take_over(self, name: str, slots: Sequence[Lanes]) -> None:
        left = claims.take_over(self.queue, name, self._terms.targets, is_alive(self._settings))
        for claim in left:
            same = [s for s in slots if s.lane.target == claim.lane.target]
            here = [s for s in same if s.lane.slot == claim.lane.slot]
            (here or same)[0].take_up(claim)

    def _within_budget(self) -> bool:
        return self._terms.budget is None or self.spent < self._terms.budget

    def _count(self, news: Any) -> None:
        if isinstance(news, News) and news.run and news.run.used:
            self.spent += news.run.used.cost
