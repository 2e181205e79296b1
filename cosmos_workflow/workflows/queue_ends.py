"""When what runs, and all that waits, is thought to be over: pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import mean

from cosmos_workflow.runs.claims import Busy
from cosmos_workflow.runs.queue_glance import Stock

Paces = Mapping[tuple[str, str], tuple[float, float]]
"""Seconds to load and seconds a sample, by batch key and target."""

LEAST_SHARE = 0.05
"""Of a job that must be done before its own pace says anything."""


def job_ends(
    now: float, claim: Busy, pace: tuple[float, float] | None, done: int, of: int,
    fraction: float | None,
) -> float | None:  # fmt: skip
    """When a job of ``of`` runs will be over, ``done`` of which are, all of it to ``fraction``.

    By what earlier jobs of its kind took, or by its own time where that is longer.  None: nobody
    knows.
    """
    # Its engine counts the load as part of the whole: it is never taken for more than one run.
    come = min(max(done, (fraction or 0.0) * of), done + 1.0)
    if pace:
        load, sample = pace
        thought = claim.at + load + sample * of
        if done:
            own = max(sample, (now - claim.at - load) / come)
            return now + own * max(0.0, of - come)
        return _later(now, max(thought, now + sample * (of - come)) if come else thought)
    if claim.ends > claim.at and claim.ends > now:
        return claim.ends
    share = come / of
    return now + (now - claim.at) * (1 - share) / share if share >= LEAST_SHARE else None


def _later(now: float, moment: float) -> float | None:
    """A moment that has not passed: one that has was a wrong guess."""
    return moment if moment > now else None


def queue_ends(
    now: float,
    running: Sequence[float | None],
    stocks: Sequence[Stock],
    paces: Paces,
    slots: Mapping[str, int],
) -> float | None:
    """When all of it will be over, if every slot of ``slots`` works on: a straight sum, in which no
    slot waits for another.  None: there is nothing, or a pace or an end is not known."""
    work, places = 0.0, set[str]()
    for stock in stocks:
        here = [name for name in stock.targets if slots.get(name)]
        known = [paces[stock.batch_key, name] for name in here if (stock.batch_key, name) in paces]
        if not known:
            return None
        load, sample = mean(one[0] for one in known), mean(one[1] for one in known)
        work += load * ceil(stock.count / stock.max_batch) + sample * stock.count
        places |= set(here)
    if None in running or not (running or stocks):
        return None
    left = [max(0.0, one - now) for one in running if one is not None]
    lanes = sum(slots[name] for name in places)
    shared = (work + sum(left)) / max(1, lanes) if work else 0.0
    return now + max([shared, *left])
