"""What the queue of a cluster has of ours: one stream watches all of it until it is over there."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import Disconnected, Failed, JobOver, Progress
from cosmos_workflow.execution.target import Handle, InVain, Made, QueuingTarget, Seen
from cosmos_workflow.execution.waiting import waits_for
from cosmos_workflow.runs.claims import Claim
from cosmos_workflow.workflows.worker_follow import LONGEST_PAUSE_S, News
from cosmos_workflow.workflows.worker_lane import GLANCE_S, Shop

Landed = Callable[[Claim, bool], None]
"""The job of a claim has made something; and whether it is over."""


class Away:
    """Claims whose jobs are in the cluster's queue, or run from there."""

    def __init__(self, shop: Shop, target: QueuingTarget, landed: Landed) -> None:
        self._shop, self._target, self._landed = shop, target, landed
        self._lock = Lock()
        self._claims: dict[str, tuple[Claim, Handle]] = {}
        self._version = 0
        self._in_vain: dict[str, tuple[str, float]] = {}
        self._warned: set[str] = set()

    def put(self, claim: Claim, handle: Handle) -> None:
        """Watch this one, too."""
        with self._lock:
            self._claims[handle.job] = (claim, handle)
            self._version += 1

    def watch(self) -> None:
        """Until the shop's ``stop``: what is over there, or has made something, lands."""
        pause = 1.0
        while not self._shop.stop.is_set():
            with self._lock:
                away, version = list(self._claims.values()), self._version
            if not away:
                self._shop.stop.wait(GLANCE_S)
                continue
            try:
                for name, seen in self._target.watch([handle for _, handle in away]):
                    pause = 1.0
                    self._see(name, seen)
                    if self._shop.stop.is_set() or self._version != version:
                        break
            except CosmosError as error:
                self._shop.tell(News(away[0][0], Disconnected(error.message, pause)))
                self._shop.stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _see(self, name: str, seen: Seen) -> None:
        with self._lock:
            if name not in self._claims:
                return
            claim, handle = self._claims[name]
        match seen:
            case JobOver():
                self._over(name, claim)
            case Made() if len(claim.items) > 1:
                self._landed(claim, False)
            case Progress():
                self._go_on(name, claim, seen)
            case InVain():
                self._warn(claim, seen)
                _, since = self._in_vain.setdefault(name, (seen.why, time.monotonic()))
                if 0 < self._target.patience <= time.monotonic() - since:
                    self._take_back(claim, handle, seen)
                    self._over(name, claim)

    def _go_on(self, name: str, claim: Claim, seen: Progress) -> None:
        if self._in_vain.get(name, ("", 0.0))[0] not in seen.stage:
            del self._in_vain[name]
        for item in claim.items:
            folder = self._shop.store.folder(item.run)
            run = folder.run()
            if run.status.final:
                continue
            more = run.fraction is not None and waits_for(seen.stage) is None  # its log says it
            if run.stage != seen.stage and not more:
                folder.record(seen)
            self._shop.tell(News(claim, seen, folder))

    def _warn(self, claim: Claim, seen: InVain) -> None:
        """Once for each reason."""
        if seen.why not in self._warned:
            self._warned.add(seen.why)
            first = claim.items[0]
            self._shop.complain(f"{claim.lane.target}: {first.run} {first.name}: {seen.why}")

    def _take_back(self, claim: Claim, handle: Handle, seen: InVain) -> None:
        """What never begins there is tried again later, elsewhere if there is another place."""
        self._target.cancel(handle)
        for item in claim.items:
            folder = self._shop.store.folder(item.run)
            if not folder.run().status.final:
                folder.record(Failed("submission", f"taken back from the cluster: {seen.why}"))

    def _over(self, name: str, claim: Claim) -> None:
        with self._lock:
            del self._claims[name]
        self._in_vain.pop(name, None)
        self._landed(claim, True)
