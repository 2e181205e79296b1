"""The plot of what each slot did: a bar for each run, and the gaps between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows.report_slots import Slot
from cosmos_workflow.workflows.report_svg import Span, bar, label, over_time

TONES = {"SUCCESS": "good", "FAILED": "bad", "BLOCKED": "warn", "CANCELLED": "other"}
WORDS = {"SUCCESS": "succeeded", "FAILED": "failed", "BLOCKED": "blocked", "CANCELLED": "cancelled"}
LINES = 8
"""Runs beside each other that a slot without GPUs of its own is drawn with at most."""
NEAR, THIN = 0.8, 3.0
"""Bars this near to each other, and this thin, are drawn as one where they say the same."""


@dataclass(frozen=True)
class Bar:
    """One run, or many that are too short to be told apart."""

    line: int
    start: float
    end: float
    status: str
    said: str
    runs: int = 1


def timeline(slots: Sequence[Slot], rows: Sequence[Row]) -> str:
    """The whole plot."""
    by_slot: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_slot[row.slot].append(row)
    span = Span(min(slot.first for slot in slots), max(slot.last for slot in slots))
    parts, y = list[str](), 0.0
    for slot in slots:
        bars = list(_merged(_stacked(by_slot[slot.name]), span))
        lines = 1 + max(one.line for one in bars)
        thick = 18.0 if lines == 1 else max(5.0, 26.0 / lines)
        parts += _slot(slot, bars, span, y, thick)
        y += lines * thick + 8
    return over_time(y, parts, span, "What each slot did over time")


def _slot(slot: Slot, bars: Sequence[Bar], span: Span, y: float, thick: float) -> Iterator[str]:
    lines = 1 + max(one.line for one in bars)
    middle = y + lines * thick / 2 + 4
    yield label(0, middle, _short(slot.name))
    yield label(140, middle, f"{slot.busy_share:.0%}", tone="faint", anchor="end")
    start, end = span.x(slot.first), span.x(slot.last)
    yield bar(start, y, max(1.0, end - start), lines * thick, "track")
    for one in bars:
        left, right = span.x(one.start), span.x(one.end)
        wide = max(1.0, right - left - (0.6 if right - left > THIN else 0.0))
        top = y + one.line * thick
        yield bar(left, top, wide, thick - (1 if lines > 1 else 0), TONES[one.status], one.said)


def _stacked(rows: Sequence[Row]) -> Iterator[Bar]:
    """Each run on the first line that is free by then; what finds none goes over the last one."""
    free: list[float] = []
    for row in sorted(rows, key=lambda row: row.since):
        slack = min(1.0, (row.until - row.since) / 10)  # a clock that is not quite the other one
        line = next((n for n, at in enumerate(free) if at <= row.since + slack), len(free))
        line = min(line, LINES - 1)
        if line == len(free):
            free.append(row.until)
        free[line] = max(free[line], row.until)
        took = row.until - row.since
        said = f"{row.name}\n{row.id}: {WORDS.get(row.status, 'goes on')}, {took:.0f} s"
        said += f"\n{row.cause}" if row.cause else ""
        yield Bar(line, row.since, row.until, str(row.status), said)


def _merged(bars: Iterator[Bar], span: Span) -> Iterator[Bar]:
    open_: dict[int, Bar] = {}
    for one in bars:
        last = open_.get(one.line)
        if last and last.status == one.status and _as_one(last, one, span):
            runs, end = last.runs + 1, max(last.end, one.end)
            said = f"{runs} runs: {WORDS.get(one.status, 'go on')}, {end - last.start:.0f} s"
            open_[one.line] = replace(last, end=end, runs=runs, said=said)
            continue
        if last:
            yield last
        open_[one.line] = one
    yield from open_.values()


def _as_one(last: Bar, one: Bar, span: Span) -> bool:
    return (
        span.x(one.start) - span.x(last.end) < NEAR and span.x(one.end) - span.x(one.start) < THIN
    )


def _short(name: str) -> str:
    return name if len(name) <= 15 else f"{name[:14]}…"
