"""How much of what waits a slot takes at once, so that all slots are done at the same time.

Loading a model costs as much as many samples, so a slot takes as many runs with one batch key as
it can; but where fewer keys wait than there are slots, the runs of a key are shared out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cosmos_workflow.runs.claims import Busy, Choose, Group, Lane

Pace = tuple[float, float]
"""Seconds to load a model, seconds a sample."""

UNKNOWN: Pace = (1.0, 1.0)


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
    halving; within it, lanes are filled one after the other, those that are free first.
    """
    low, high = 0.0, _alone(work, free, mine)
    for _ in range(40):
        middle = (low + high) / 2
        if _filled(work, free, middle) is None:
            low = middle
        else:
            high = middle
    filled = _filled(work, free, high)
    return filled[mine] if filled else None


def _alone(work: Sequence[Work], free: Sequence[float], lane: int) -> float:
    return free[lane] + sum(one.paces[lane][0] + one.count * one.paces[lane][1] for one in work)


def _filled(
    work: Sequence[Work], free: Sequence[float], end: float
) -> dict[int, tuple[int, int] | None] | None:
    """The first share of each lane when all is to be done by ``end``; None: it cannot be."""
    first: dict[int, tuple[int, int] | None] = dict.fromkeys(range(len(free)))
    left = [one.count for one in work]
    number = 0
    for lane in sorted(range(len(free)), key=lambda n: (free[n], n)):
        room = end - free[lane]
        while number < len(work):
            load, sample = work[number].paces[lane]
            fits = left[number] if sample <= 0 else int((room - load + 1e-9) / sample)
            take = min(left[number], fits)
            if take < 1:
                break
            first[lane] = first[lane] or (number, take)
            left[number] -= take
            room -= load + take * sample
            if left[number]:
                break
            number += 1
    return first if number == len(work) else None
