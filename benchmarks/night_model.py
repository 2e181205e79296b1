"""A night as a simulation: runs in the product's own queue, taken by the product's own rules.

What is simulated is time: loads, samples, starts, lines, and what the worker's machine has to do.
What is not is the order: ``runs/claims.py`` and ``workflows/worker_share.py`` decide, on a queue
in a temporary file whose clock is the simulation's.
"""

from __future__ import annotations

import heapq
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Claim, Lane
from cosmos_workflow.runs.queue import Item, Queue, State, Wish, short_key
from cosmos_workflow.workflows.worker_follow import Patience
from cosmos_workflow.workflows.worker_share import Paces, chooser


@dataclass(frozen=True)
class Work:
    """What is to be done: runs of each batch key, seconds to load and a sample, bytes each way."""

    counts: Sequence[int]
    load: float
    sample: float
    up: float = 0.0
    down: float = 0.0
    max_batch: int = 32
    failing: float = 0.0
    """The chance that a run ends its job: a passing fault, after which it is tried again."""


@dataclass(frozen=True)
class Ground:
    """What it is done on: slots of each host, the line, and what we ourselves take.

    Seconds: ``first`` until the first claim, ``plan`` and ``plan_run`` of the worker's one planner
    for a job and each of its runs, ``start`` from a free slot to a model that loads, ``home`` for a
    result besides its bytes, ``hand`` of the worker's processor for a result, ``last`` from the
    last result to the end.  ``wait``: mean seconds in a cluster's queue.  Bytes a second of the
    line, both ways; all hosts share it.
    """

    slots: Sequence[int]
    first: float = 0.0
    plan: float = 0.0
    plan_run: float = 0.0
    start: float = 0.0
    home: float = 0.0
    hand: float = 0.0
    last: float = 0.0
    wait: float = 0.0
    up: float = 1e12
    down: float = 1e12


@dataclass(frozen=True)
class Night:
    """What came of it.  ``busy``: seconds of GPUs at work; ``held``: seconds they were ours."""

    makespan: float
    gpus: int
    busy: float
    loads: int
    tries: int
    uplink: float
    downlink: float
    worker: float
    planner: float
    behind: float
    """The longest that a finished result waited until it was home."""

    @property
    def share(self) -> float:
        """Of the GPUs' time, what they worked."""
        return self.busy / (self.gpus * self.makespan)


@dataclass
class Server:
    """Takes one thing after the other; ``free`` from then on."""

    free: float = 0.0
    busy: float = 0.0

    def take(self, now: float, seconds: float) -> float:
        """When it is done."""
        self.free = max(now, self.free) + seconds
        self.busy += seconds
        return self.free


@dataclass
class Place:
    """A slot: the claim that lies ready, from when on, and until when one runs."""

    lane: Lane
    ready: Claim | None = None
    since: float = 0.0
    running: bool = False
    asleep: bool = False


@dataclass
class Simulation:
    """The events to come, in a heap."""

    work: Work
    ground: Ground
    queue: Queue
    clock: list[float]
    chance: random.Random
    heap: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=count)
    uplink: Server = field(default_factory=Server)
    downlink: Server = field(default_factory=Server)
    planner: Server = field(default_factory=Server)
    hands: Server = field(default_factory=Server)
    busy: float = 0.0
    loads: int = 0
    tries: int = 0
    behind: float = 0.0
    left: int = 0
    end: float = 0.0
    paces: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [f"host{number}" for number in range(len(self.ground.slots))]
        sizes = zip(names, self.ground.slots, strict=True)
        self.lanes = [(name, slot) for name, slots in sizes for slot in range(slots)]
        self.places = [Place(Lane("worker", *lane)) for lane in self.lanes]
        self.left = sum(self.work.counts)
        self.patience = Patience(5, 30.0)
        for number, size in enumerate(self.work.counts):
            if self.known:
                pace = (self.work.load, self.work.sample)
                self.paces |= {(short_key(f"{number}"), name): pace for name in names}
            self.queue.add(list(_wishes(number, size, names, self.work.max_batch)))

    known: bool = True
    """Whether the worker has seen these keys before."""

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something happen then."""
        heapq.heappush(self.heap, (when, next(self.order), what))

    @property
    def now(self) -> float:
        return self.clock[0]

    def run(self) -> Night:
        """To the last result."""
        for place in self.places:
            self.at(self.ground.first, lambda place=place: self.claim(place))  # type: ignore[misc]
        while self.heap and self.left:
            self.clock[0], _, what = heapq.heappop(self.heap)
            what()
        return Night(
            self.end + self.ground.last, len(self.lanes), self.busy, self.loads, self.tries,
            self.uplink.busy, self.downlink.busy, self.hands.busy, self.planner.busy, self.behind,
        )  # fmt: skip

    # -- a slot, as worker_lane has it --------------------------------------------------------

    def claim(self, place: Place) -> None:
        """Take the next job, plan it, and send its inputs, while another one may run."""
        if place.ready:
            return
        choose = chooser(place.lane, self.lanes, self.paces, lambda: self.now)
        claim = claims.claim(self.queue, place.lane, choose)
        place.asleep = claim is None
        if claim is None:
            return
        place.ready = claim
        runs = len(claim.items)
        planned = self.planner.take(self.now, self.ground.plan + runs * self.ground.plan_run)
        place.since = self.uplink.take(planned, runs * self.work.up / self.ground.up)
        if not place.running:
            self.at(place.since, lambda: self.begin(place))

    def begin(self, place: Place) -> None:
        """Start what lies ready."""
        claim, place.ready = place.ready, None
        assert claim is not None
        seen = Paces.seen(self.paces)
        load, sample = seen.of(claim.items[0].batch_key, place.lane.target)
        runs = {item.id: f"rs_{item.id:08x}.{item.tries + 1}" for item in claim.items}
        begun = claims.begin(self.queue, claim, runs, self.now + load + sample * len(runs))
        if begun is None:
            self.claim(place)
            return
        place.running = True
        wait = self.chance.expovariate(1 / self.ground.wait) if self.ground.wait else 0.0
        began = self.now + self.ground.start + wait
        self.loads += 1
        self.at(began, lambda: self.works(place, begun))
        self.at(self.now, lambda: self.claim(place))

    def works(self, place: Place, claim: Claim) -> None:
        """The model loads, then turns to one run after the other."""
        when, broke = self.now + self.work.load, False
        for item in claim.items:
            self.tries += not broke
            if broke:
                self.at(when, lambda item=item: self.again(item, own=False))  # type: ignore[misc]
                continue
            broke = self.chance.random() < self.work.failing
            when += self.work.sample * (self.chance.random() if broke else 1.0)
            self.at(when, lambda item=item, broke=broke: self.made(item, broke))  # type: ignore[misc]
        self.busy += when - self.now
        self.at(when, lambda: self.over(place, claim))

    def over(self, place: Place, claim: Claim) -> None:
        """The slot is free."""
        claims.over(self.queue, claim.id)
        place.running = False
        key, target = claim.items[0].batch_key, place.lane.target
        self.paces[key, target] = (self.work.load, self.work.sample)
        if place.ready:
            self.at(max(self.now, place.since), lambda: self.begin(place))
        self.wake()

    def wake(self) -> None:
        """Who found nothing looks again: something has changed."""
        for place in self.places:
            if place.asleep or not (place.ready or place.running):
                place.asleep = False
                self.at(self.now + 0.1, lambda place=place: self.claim(place))  # type: ignore[misc]

    # -- a run --------------------------------------------------------------------------------

    def made(self, item: Item, broke: bool) -> None:
        """A result lies on the host, or a fault of the moment ended its job."""
        if broke:
            self.again(item, own=True)
            return
        handed = self.hands.take(self.now, self.ground.hand)
        arrived = self.downlink.take(handed, self.work.down / self.ground.down)
        home = arrived + self.ground.home
        self.behind = max(self.behind, home - self.now)
        self.at(home, lambda: self.settle(item))

    def settle(self, item: Item) -> None:
        claims.settle(self.queue, item.id, State.DONE)
        self.left -= 1
        self.end = self.now

    def again(self, item: Item, *, own: bool) -> None:
        pause = self.patience.before(item.tries) if own else 0.0
        claims.wait_again(self.queue, item.id, pause=pause, counts=own)
        self.at(self.now + pause, self.wake)


def _wishes(key: int, size: int, targets: Sequence[str], most: int) -> Iterator[Wish]:
    for number in range(size):
        name = f"{key}-{number}"
        yield Wish(f"rs_{name}", name, name, "transfer25", f"{key}", most, tuple(targets))


def simulate(work: Work, ground: Ground, *, known: bool = True, seed: int = 7) -> Night:
    """One night.  ``known``: the worker has seen the paces of these keys before."""
    with _queue() as (queue, clock):
        return Simulation(work, ground, queue, clock, random.Random(seed), known=known).run()


@contextmanager
def _queue() -> Iterator[tuple[Queue, list[float]]]:
    clock = [0.0]
    with tempfile.TemporaryDirectory(prefix="cosmos-model-") as name:
        queue = Queue(Path(name) / "queue.sqlite", lambda: clock[0])
        with queue.in_use():
            yield queue, clock
