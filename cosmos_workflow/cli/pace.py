"""How far, how long, how much longer: the numbers beside a progress bar."""

from __future__ import annotations

from collections.abc import Callable

from cosmos_workflow.cli.words import duration, one_line

EVERY = 10.0
"""Seconds between plain progress lines of one stage."""


class Pace:
    """The latest progress of one piece of work, and what follows from it.

    The estimate is a straight line from where the fraction last began to rise; a fraction that
    falls begins anew.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.begin("")

    def begin(self, title: str) -> None:
        """Start the clock for ``title``."""
        self.title = title
        self.started = self.clock()
        self.stage, self.detail = "", ""
        self.fraction: float | None = None
        self._first: tuple[float, float] | None = None
        self._latest = 0.0
        self._said: float | None = None
        self._said_stage = ""

    def move(self, stage: str, fraction: float | None, detail: str = "") -> bool:
        """Take note of progress.  True when a reader of plain lines should hear of it."""
        now = self.clock()
        rose = fraction is not None and self.fraction is not None and fraction >= self.fraction
        if fraction is not None and (not rose or self._first is None):
            self._first = (now, fraction)
        done = fraction is not None and fraction >= 1 and (self.fraction or 0) < 1
        self.stage, self.fraction, self.detail, self._latest = stage, fraction, detail, now
        kind = stage.rstrip("0123456789/ .%")  # "step 3/35" and "step 4/35" are one stage
        due = self._said is None or kind != self._said_stage or now - self._said >= EVERY
        if due or done:
            self._said, self._said_stage = now, kind
        return due or done

    @property
    def elapsed(self) -> float:
        """Seconds since ``begin``."""
        return self.clock() - self.started

    @property
    def left(self) -> float | None:
        """Seconds that this stage still takes, by its own pace; None while there is none."""
        if self.fraction is None or self._first is None or self.fraction >= 1:
            return None
        since, began = self._first
        gained = self.fraction - began
        if gained <= 0 or self._latest <= since:
            return None
        total = (self._latest - since) * (1 - self.fraction) / gained
        return max(0.0, total - (self.clock() - self._latest))

    def words(self) -> str:
        """One plain line: stage, percent, detail, elapsed, estimate."""
        parts = [one_line(self.stage)]
        if self.fraction is not None:
            parts.append(f"{self.fraction:.0%}")
        if self.detail:
            parts.append(one_line(self.detail))
        parts.append(duration(self.elapsed))
        if self.left and self.left >= 0.5:  # less is told as 0:00
            parts.append(f"about {duration(self.left)} left")
        return "  ".join(parts)
