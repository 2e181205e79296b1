"""The live screen of a terminal: one moving line at the bottom, finished lines above it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cosmos_workflow.cli.pace import Pace
from cosmos_workflow.cli.screen import LineScreen
from cosmos_workflow.cli.words import (
    clean,
    duration,
    folded,
    one_line,
    screen_width,
    shortened,
    width_of,
)

REDRAWS = 4
"""A second: the clock goes on while an engine is silent."""
BAR = (10, 30)
"""Least and most cells of the bar."""


class LiveScreen(LineScreen):
    """Plain lines above a line that moves.  The line appears with the first progress."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(out, err, verbose=verbose, clock=clock)
        self.console = Console(file=out, highlight=False, markup=False, emoji=False)
        self.live: Live | None = None

    def __exit__(self, *details: object) -> None:
        self.clear()
        super().__exit__(*details)

    def __enter__(self) -> Self:
        return self

    def progress(self, stage: str, fraction: float | None, detail: str) -> None:
        """Redraw the moving line."""
        self.pace.move(stage, fraction, detail)
        if self.live is None:
            self.live = Live(
                MovingLine(self.pace),
                console=self.console,
                refresh_per_second=REDRAWS,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.live.start()

    def say(self, text: str = "", style: str = "") -> None:
        """Prose breaks between words; what is there to be copied stays whole."""
        for line in clean(text).split("\n"):
            whole = line.startswith("next: ")
            for part in [line] if whole else folded(line, screen_width()):
                super().say(part, style)

    def line(self, text: str) -> None:
        """A finished line, above the moving one."""
        if self.live is None:
            super().line(text)
        else:
            self.console.print(Text.from_ansi(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """On standard error, with the moving line out of the way."""
        self.clear()
        super().warn(text)

    def clear(self) -> None:
        """Take the moving line away."""
        if self.live is not None:
            self.live.stop()
            self.live = None


class MovingLine:
    """``⠋ rs_1f2e3d4c.1  sampling  ━━━━━━━━────  34%  1:12  2:20 left``."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def __rich__(self) -> Text:
        return Text.from_ansi(drawn(self.pace, screen_width()), no_wrap=True)


def drawn(pace: Pace, width: int, *, color: bool | None = None) -> str:
    """The moving line in at most ``width`` cells: words give way before numbers do."""
    color = not os.environ.get("NO_COLOR") if color is None else color
    spin = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(pace.elapsed * REDRAWS) % 10]
    numbers = [] if pace.fraction is None else [f"{pace.fraction:4.0%}"]
    numbers.append(duration(pace.elapsed))
    if pace.left is not None:
        numbers.append(f"{duration(pace.left)} left")
    tail = "  ".join(numbers)
    words = "  ".join(filter(None, (one_line(pace.stage), one_line(pace.detail))))
    if pace.title and width >= 100:
        words = f"{one_line(pace.title)}  {words}"
    least_bar = BAR[0] + 2 if pace.fraction is not None else 0
    words = shortened(words, width - width_of(tail) - least_bar - 5)
    left = width - width_of(tail) - width_of(words) - 7
    if pace.fraction is None or left < BAR[0]:
        return f"{spin} {words}  {tail}"
    return f"{spin} {words}  {_bar(pace.fraction, min(left, BAR[1]), color)}  {tail}"


def _bar(fraction: float, cells: int, color: bool) -> str:
    full = round(min(max(fraction, 0.0), 1.0) * cells)
    done, rest = "━" * full, "─" * (cells - full)
    return f"\x1b[36m{done}\x1b[0m\x1b[2m{rest}\x1b[0m" if color else done + rest
