"""The axes of a report's plots: steps that a person would choose, and words for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil, floor, log10

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (
    1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY,
    91 * DAY, 364 * DAY,
)  # fmt: skip


def step(span: float, most: int) -> int:
    """The least step, in seconds, that divides ``span`` into at most ``most`` parts."""
    fits = (one for one in STEPS if span / one <= most)
    return next(fits, STEPS[-1] * ceil(span / STEPS[-1] / most))


def start(at: float, size: int) -> float:
    """The last whole multiple of ``size`` before ``at``, from midnight here on."""
    midnight = datetime.fromtimestamp(at).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight.timestamp()
    return since + (at - since) // size * size if size < DAY else since


def ticks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """Moments in a span, and what stands below them; the day with the first of each day."""
    size = step(last - first, most)
    found, at, day = [], start(first, size), ""
    while at <= last:
        if at >= first:
            when = datetime.fromtimestamp(at)
            clock = "" if size >= DAY else when.strftime("%H:%M" if size >= MINUTE else "%H:%M:%S")
            date = f"{when.day} {when:%b}"
            found.append((at, clock if date == day else " ".join(filter(None, (date, clock)))))
            day = date
        at = _after(at, size)
    return found


def _after(at: float, size: int) -> float:
    """A day later is the same time of day, also where the clocks change."""
    if size % DAY:
        return at + size
    return (datetime.fromtimestamp(at) + timedelta(days=size // DAY)).timestamp()


def amounts(high: float, most: int = 4, *, whole: bool = False) -> list[float]:
    """Round amounts from 0 to ``high`` or a little more: 1, 2 or 5 times a power of ten apart."""
    least = max(high / most, 1.0 if whole else 1e-9)
    power = 10.0 ** floor(log10(least))
    size = next(power * n for n in (1, 2, 5, 10) if power * n >= least * (1 - 1e-9))
    return [size * n for n in range(max(1, ceil(high / size - 1e-9)) + 1)]
