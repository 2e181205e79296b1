"""The other plots of a report: results and cost over time, causes, GPU seconds by engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows import report_axis
from cosmos_workflow.workflows.report_parts import Pace
from cosmos_workflow.workflows.report_slots import cost_of
from cosmos_workflow.workflows.report_svg import (
    LEFT,
    RIGHT,
    WIDTH,
    Span,
    bar,
    label,
    legend,
    over_time,
    scale,
    svg,
)
from cosmos_workflow.workflows.report_timeline import TONES, WORDS

HIGH = 150.0
BINS = 60
NAMES = 140
"""Where the bars of a plot with names begin."""


def results(rows: Sequence[Row]) -> str:
    """How many runs ended in each piece of the time, by how."""
    ended = [(row.ended, str(row.status)) for row in rows if row.ended]
    if not ended:
        return ""
    first, last = min(ended)[0], max(ended)[0]
    size = report_axis.step(max(last - first, 1.0), BINS)
    begin = report_axis.start(first, size)
    counts = Counter((int((at - begin) // size), status) for at, status in ended)
    bins = sorted({number for number, _ in counts})
    span = Span(begin, begin + size * (bins[-1] + 1))
    most = max(sum(counts[number, status] for status in TONES) for number in bins)
    top = report_axis.amounts(most, whole=True)
    bars = [one for n in bins for one in _stack(counts, n, begin, size, span, top[-1])]
    shown = [status for status in TONES if any(found == status for _, found in counts)]
    plot = over_time(HIGH, [*scale(top, HIGH, ".0f"), *bars], span, "Runs that ended, over time", 8)
    return plot + legend((TONES[status], WORDS[status]) for status in shown)


def _stack(
    counts: Counter[tuple[int, str]], number: int, begin: float, size: int, span: Span, top: float
) -> Iterator[str]:
    left, right = span.x(begin + number * size), span.x(begin + (number + 1) * size)
    said = ", ".join(f"{counts[number, s]} {WORDS[s]}" for s in TONES if counts[number, s])
    y = HIGH
    for status, tone in TONES.items():
        tall = HIGH * counts[number, status] / top
        y -= tall
        if tall:
            yield bar(left + 0.5, y, max(1.0, right - left - 1), tall, tone, said, 0)


def cost(rows: Sequence[Row]) -> str:
    """What was spent, added up over time."""
    spent = sorted((row.until, cost_of(row)) for row in rows if row.until and row.price)
    total = sum(amount for _, amount in spent)
    if not total:
        return ""
    span = Span(min(row.since for row in rows if row.until and row.price), spent[-1][0])
    top = report_axis.amounts(total)
    points, reached, drawn = [f"{LEFT},{HIGH:g}"], 0.0, float(LEFT)
    for number, (at, amount) in enumerate(spent, 1):
        reached += amount
        if span.x(at) - drawn >= 1 or number == len(spent):  # as fine as it can be seen
            drawn = span.x(at)
            points.append(f"{drawn:.1f},{HIGH - HIGH * reached / top[-1]:.1f}")
    line = " ".join(points)
    area = f'<polygon class="area" points="{line} {drawn:.1f},{HIGH:g}"/>'
    curve = f'<polyline class="curve" points="{line}"/>'
    style = ".0f" if top[1] >= 1 else ".2f" if top[1] >= 0.01 else ".2g"
    return over_time(HIGH, [*scale(top, HIGH, style), area, curve], span, "Cost over time", 8)


def engines(paces: Sequence[Pace]) -> str:
    """GPU seconds of each engine: what became videos, and what came to nothing."""
    most = max((one.gpu_seconds for one in paces), default=0.0)
    if not most:
        return ""
    parts = []
    for number, one in enumerate(sorted(paces, key=lambda one: -one.gpu_seconds)):
        y, room = number * 28.0, WIDTH - RIGHT - NAMES - 130
        kept = room * (one.gpu_seconds - one.lost) / most
        lost = room * one.lost / most
        parts += [label(0, y + 16, one.engine[:18])]
        parts += [bar(NAMES, y + 2, kept, 18, "good", f"{hours(one.gpu_seconds - one.lost)} kept")]
        parts += [bar(NAMES + kept, y + 2, lost, 18, "bad", f"{hours(one.lost)} lost")]
        parts += [label(NAMES + kept + lost + 8, y + 16, hours(one.gpu_seconds), tone="faint")]
    plot = svg(len(paces) * 28, parts, "GPU time by engine")
    return plot + legend((("good", "became videos"), ("bad", "came to nothing")))


def share(part: float, whole: float, tone: str) -> str:
    """A bar in a line of a table."""
    wide = 100 * part / whole if whole else 0.0
    return f'<div class="meter"><i class="{tone}" style="width:{wide:.1f}%"></i></div>'


def hours(seconds: float) -> str:
    """``2:05:09``, ``5:09``."""
    minutes, rest = divmod(round(seconds), 60)
    whole, minutes = divmod(minutes, 60)
    return f"{whole}:{minutes:02d}:{rest:02d}" if whole else f"{minutes}:{rest:02d}"
