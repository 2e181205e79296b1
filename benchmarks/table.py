"""What a benchmark says: one row a figure, printed as one table with the command to repeat it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

HEAD = ("  figure", "measured", "goal", "", "compared with")


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
    """The table's lines; each row comes with the command that repeats it, which heads its rows."""
    pairs = [(command, _cells(row)) for command, row in found]
    widths = [max(len(cells[n]) for cells in (HEAD, *(c for _, c in pairs))) for n in range(5)]
    yield _line(HEAD, widths)
    before = ""
    for command, cells in pairs:
        if command != before:
            yield ""
            yield command
            before = command
        yield _line(cells, widths)


def _cells(row: Row) -> tuple[str, ...]:
    verdict = {True: "reached", False: "MISSED", None: ""}[row.met]
    return (f"  {row.figure}", row.measured, row.goal, verdict, row.compared)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The best seconds of each call.

    They are measured in turn, so that a busy machine hits them alike; what other programs take
    only ever adds, so the least is the truest.
    """
    taken = [[timed(call) for call in calls] for _ in range(rounds)]
    return [min(column) for column in zip(*taken, strict=True)]
