"""How much of what waits a slot takes at once, so that all slots are done at the same time.

Loading a model costs as much as many samples, so a slot takes as many runs with one batch key as
it can; but where fewer keys wait than there are slots, the runs of a key are shared out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cosmos_workflow.runs.claims import Busy, Choose, Group, Lane

Pace = tuple[float, float]
"""Seconds to load a model, seconds a sample."""

UNKNOWN: Pace = (1.0, 1.0)

FEW = 16
"""Keys with which the end is near enough to think of another order than the queue's."""

SOONER = 0.98
"""How much sooner all must be done then."""


@dataclass(frozen=True)
class Work:
    """Runs that may share a model: how many, and what it takes on each lane."""

    count: int
    paces: Sequence[Pace]


def chooser(
    lane: Lane,
    lanes: Sequence[tuple[str, int]],
    paces: Mapping[tuple[str, str], Pace],
    clock: Callable[[], float] = time.time,
) -> Choose:
    """The choice for ``lane`` among all ``lanes`` (target, slot) of its worker."""

    known, targets = Paces.seen(paces), tuple(dict.fromkeys(target for target, _ in lanes))

    def choose(groups: Sequence[Group], busy: Sequence[Busy]) -> tuple[int, int] | None:
        now, mine = clock(), lanes.index((lane.target, lane.slot))
        work = []
        for one in groups:
            pace = {target: known.of(one.batch_key, target) for target in targets}
            work.append(Work(one.outlook, [pace[target] for target, _ in lanes]))
        left = dict.fromkeys(lanes, 0.0)
        for claim in busy:
            place = (claim.target, claim.slot)
            if place in left:
                left[place] += _left(claim, now, known.of(claim.batch_key, claim.target))
        return share(work, [left[place] for place in lanes], mine)

    return choose


def _left(one: Busy, now: float, pace: Pace) -> float:
    """Seconds that a claim still takes; one that takes longer than was thought may do so for
    long.  One in readiness takes its whole time, after what runs before it."""
    match one.phase:
        case "landing":
            return 0.0
        case "claimed":
            return pace[0] + one.count * pace[1]
    return max(one.ends - now, (now - one.at) / 4)


@dataclass(frozen=True)
class Paces:
    """What was seen, and the means of it: by key, by target, of all."""

    seen_at: Mapping[tuple[str, str], Pace]
    by_key: Mapping[str, Pace]
    by_target: Mapping[str, Pace]
    usual: Pace

    @classmethod
    def seen(cls, paces: Mapping[tuple[str, str], Pace]) -> Paces:
        """From paces by key and target."""
        by_key: dict[str, list[Pace]] = {}
        by_target: dict[str, list[Pace]] = {}
        for (key, target), pace in paces.items():
            by_key.setdefault(key, []).append(pace)
            by_target.setdefault(target, []).append(pace)
        return cls(
            paces,
            {key: _mean(found) for key, found in by_key.items()},
            {target: _mean(found) for target, found in by_target.items()},
            _mean(list(paces.values())) if paces else UNKNOWN,
        )

    def of(self, key: str, target: str) -> Pace:
        """What was seen: of the key there, of the key elsewhere, of other keys there, of any."""
        found = self.seen_at.get((key, target)) or self.by_key.get(key)
        return found or self.by_target.get(target) or self.usual


def _mean(paces: Sequence[Pace]) -> Pace:
    number = len(paces)
    return sum(load for load, _ in paces) / number, sum(sample for _, sample in paces) / number


def share(work: Sequence[Work], free: Sequence[float], mine: int) -> tuple[int, int] | None:
    """What the lane ``mine`` is to take first: index into ``work`` and how many; None: others will
    have done it all before this lane is free.

    ``free``: seconds until each lane is free.  The least time within which all is done is sought by
    halving; within it, lanes are filled one after the other, those that are free first.  Near the
    end of the queue its order is left, if all is done sooner then.
    """
    end = _end(work, free, _alone(work, free, mine), _first)
    filled = _filled(work, free, end, _first)
    if len(work) <= FEW and _filled(work, free, end * SOONER, _most):
        filled = _filled(work, free, _end(work, free, end * SOONER, _most), _most)
    return filled[mine] if filled else None


def _alone(work: Sequence[Work], free: Sequence[float], lane: int) -> float:
    return free[lane] + sum(one.paces[lane][0] + one.count * one.paces[lane][1] for one in work)


Pick = Callable[[Iterable[int], Callable[[int], int]], int]
"""The next key of a lane, from those that are left and how many runs of each it has room for."""


def _first(keys: Iterable[int], fits: Callable[[int], int]) -> int:
    """As the queue has them."""
    return next(iter(keys))


def _most(keys: Iterable[int], fits: Callable[[int], int]) -> int:
    """The one of which it can take most: the fewest loads."""
    return max(keys, key=fits)


def _end(work: Sequence[Work], free: Sequence[float], most: float, pick: Pick) -> float:
    """The least time, up to ``most``, within which all is done."""
    low, high = 0.0, most
    for _ in range(30):
        middle = (low + high) / 2
        if _filled(work, free, middle, pick) is None:
            low = middle
        else:
            high = middle
    return high


def _filled(
    work: Sequence[Work], free: Sequence[float], end: float, pick: Pick
) -> dict[int, tuple[int, int] | None] | None:
    """The first share of each lane when all is to be done by ``end``; None: it cannot be."""
    first: dict[int, tuple[int, int] | None] = dict.fromkeys(range(len(free)))
    left = {number: one.count for number, one in enumerate(work)}
    for lane in sorted(range(len(free)), key=lambda n: (free[n], n)):
        room = end - free[lane]

        def fits(key: int) -> int:
            load, sample = work[key].paces[lane]  # noqa: B023 (it is used within the turn)
            return left[key] if sample <= 0 else min(left[key], int((room - load + 1e-9) / sample))  # noqa: B023

        while left:
            key = pick(left, fits)
            take = fits(key)
            if take < 1:
                break
            first[lane] = first[lane] or (key, take)
            load, sample = work[key].paces[lane]
            room -= load + take * sample
            left[key] -= take
            if not left[key]:
                del left[key]
    return None if left else first
