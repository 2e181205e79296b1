"""What a benchmark says: one row a figure, printed as one table with the command to repeat it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

HEAD = ("figure", "measured", "goal", "", "compared with", "again")


@dataclass(frozen=True)
class Row:
    """One figure.  ``met`` is None where there is no goal, only something worth knowing."""

    figure: str
    measured: str
    goal: str = ""
    met: bool | None = None
    compared: str = ""


Measure = Callable[[], Iterable[Row]]
"""What a benchmark module offers as ``measure``: it sets up, measures, cleans up, and tells."""


def printed(found: Iterable[tuple[str, Row]]) -> Iterator[str]:
    """The table's lines; each row comes with the name of the benchmark it is from."""
    rows = [
        (
            row.figure,
            row.measured,
            row.goal,
            {True: "reached", False: "MISSED", None: ""}[row.met],
            row.compared,
            f"python -m benchmarks {name}",
        )
        for name, row in found
    ]
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD))]
    for row in (HEAD, tuple("-" * width for width in widths), *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The median seconds of each call, measured in turn so that a busy machine hits them alike."""
    taken = [[timed(call) for call in calls] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
