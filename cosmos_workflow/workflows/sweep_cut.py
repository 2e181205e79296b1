"""How many runs of a sweep are kept: by number, by money, by the clock."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from cosmos_workflow.errors import SpecError
from cosmos_workflow.workflows.plan_estimate import Estimate


@dataclass(frozen=True)
class Cut:
    """The first ``kept`` stay; ``left_out`` says of the others how many, and why, a line each."""

    kept: int
    left_out: tuple[str, ...] = ()


def ends(seconds: Sequence[float], slots: int) -> list[float]:
    """When each run is done, in seconds from now: in this order, ``slots`` of them at once."""
    free = [0.0] * max(1, slots)
    found = []
    for one in seconds:
        found.append(heapq.heappop(free) + one)
        heapq.heappush(free, found[-1])
    return found


def moment(text: str, now: datetime) -> datetime:
    """The next time that the clock shows ``07:30``; local, as ``now`` is.  Raises SpecError."""
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*", text)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise SpecError(f"--until {text!r} is not a time of day", hint="like --until 07:30")
    at = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)


def by_budget(estimates: Sequence[Estimate], budget: float, price_goes: str) -> Cut:
    """As many as their estimated cost allows.  ``price_goes``: where the price is set."""
    costs = [one.cost for one in estimates]
    for one in estimates:
        _known(one, "--budget")
        if one.cost is None:
            raise SpecError(
                "--budget: nobody knows what an hour of a GPU costs there",
                hint=f"set price_per_hour in {price_goes} of config.toml",
            )
    sums = list(accumulate(cost for cost in costs if cost is not None))
    kept = sum(1 for cost in sums if cost <= budget * (1 + 1e-9))
    if not kept and sums:
        raise SpecError(
            f"--budget {budget:g} pays for none of them: the first costs about {sums[0]:.2f}",
            hint="raise it, or make the runs cheaper: fewer steps, a shorter shot",
        )
    left = len(sums) - kept
    if not left:
        return Cut(kept)
    all_cost = f"all {len(sums)} would cost about {sums[-1]:.2f}"
    return Cut(kept, (f"{left:,} by --budget {budget:g}: {all_cost}",))


def by_clock(estimates: Sequence[Estimate], until: datetime, now: datetime, slots: int) -> Cut:
    """As many of the first ones as are estimated to be done ``until`` then, if begun now."""
    for one in estimates:
        _known(one, "--until")
    done = ends([one.seconds or 0.0 for one in estimates], slots)
    # Over the epoch, not by subtracting: the night may have an hour more or less than it seems.
    allowed = until.timestamp() - now.timestamp()
    kept = next((place for place, end in enumerate(done) if end > allowed), len(done))
    if not kept and done:
        raise SpecError(
            f"--until {until:%H:%M}: not one of them would be done by then",
            hint=f"the first takes about {done[0] / 60:.0f} minutes",
        )
    left = len(done) - kept
    return Cut(kept, (f"{left:,} by --until {until:%H:%M}",) if left else ())


def _known(one: Estimate, flag: str) -> None:
    if one.gpu_seconds is None:
        raise SpecError(
            f"{flag}: nobody knows how long these runs take: {one.origin}",
            hint="run one of them first: its time is what the others are estimated by",
        )
