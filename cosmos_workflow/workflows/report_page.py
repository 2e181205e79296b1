"""A report as one HTML file that needs nothing else: numbers, and plots as SVG drawn from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows.report import Report
from cosmos_workflow.workflows.report_slots import cost_of

WIDTH, LEFT, LANE = 1000, 150, 26
"""Of a plot, in its own units: the whole, the names, one line of bars."""

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --line: #dfe3e8; --text: #1b1f24;
  --faint: #5c6670; --good: #2a9d5c; --bad: #c9364a; --warn: #b9770e; --other: #8a94a0;
  --ink: #2f6fd0; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1d2126; --line: #31373e;
  --text: #e6e9ed; --faint: #9aa4af; --good: #4cc38a; --bad: #ff7a82; --warn: #e8b54d;
  --other: #77818c; --ink: #6cb2ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1100px; background: var(--ground);
  color: var(--text); font: 15px/1.45 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 16px; margin: 0 0 10px; }
p { margin: 4px 0 0; color: var(--faint); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px; margin-top: 16px; break-inside: avoid; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px;
  margin: 16px 0 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 12px; }
dt { color: var(--faint); font-size: 13px; } dd { margin: 0; font-size: 22px; font-weight: 600; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--text); font-size: 13px; }
svg .faint { fill: var(--faint); } svg .grid { stroke: var(--line); }
.good { fill: var(--good); } .bad { fill: var(--bad); } .warn { fill: var(--warn); }
.other { fill: var(--other); } .curve { fill: none; stroke: var(--ink); stroke-width: 2.5; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; } th { color: var(--faint); font-weight: 500; }
td.n, th.n { text-align: right; white-space: nowrap; }
@media print { body { background: none; padding: 0; } }
"""

_TONES = {
    ExecutionStatus.SUCCESS: "good", ExecutionStatus.FAILED: "bad", ExecutionStatus.BLOCKED: "warn",
    ExecutionStatus.CANCELLED: "other",
}  # fmt: skip


def page(found: Report, title: str) -> str:
    """The whole page."""
    used = [row for row in found.rows if row.until]
    parts = [
        f"<h1>{escape(title)}</h1>", f"<p>{_when(found)}</p>", _numbers(found),
        _card("What the GPUs did", _timeline(used)),
        _card("Cost, added up", _curve([(row.until, cost_of(row)) for row in used])),
        _card("Why runs did not succeed", _cause_bars(found)),
        _card("Slots", _slots(found)), _card("GPU seconds a run, by engine", _paces(found)),
    ]  # fmt: skip
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(filter(None, parts))
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}{view}</head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _card(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inside}</section>" if inside else ""


def _when(found: Report) -> str:
    if not found.rows:
        return "There are no runs in this time."
    times = [row.ended or row.created for row in found.rows]
    spent = f"; {found.unpriced} runs without a price" if found.unpriced else ""
    return f"{len(times)} runs, {_moment(min(times))} to {_moment(max(times))}{spent}"


def _numbers(found: Report) -> str:
    facts = [
        ("succeeded", str(found.counts["success"])), ("failed", str(found.counts["failed"])),
        ("blocked", str(found.counts["blocked"])), ("GPU hours", f"{found.gpu_seconds / 3600:.2f}"),
        ("GPU busy", f"{found.busy_share:.0%}"), ("video minutes", f"{found.plays / 60:.1f}"),
    ]  # fmt: skip
    for name, value in (
        ("cost", found.cost), ("a video", found.cost_per_video),
        ("a minute", found.cost_per_minute),
    ):  # fmt: skip
        facts += [(name, f"{value:.2f}")] if value is not None else []
    return "<dl>" + "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts) + "</dl>"


def _timeline(used: Sequence[Row]) -> str:
    """A line for each slot, a bar for each run: where there is none, the GPU was idle."""
    if not used:
        return ""
    names = sorted({row.slot for row in used})
    first, last = min(row.since for row in used), max(row.until for row in used)
    span = max(last - first, 1e-6)
    bars = []
    for row in used:
        x = LEFT + (WIDTH - LEFT) * (row.since - first) / span
        wide = max(1.0, (WIDTH - LEFT) * (row.until - row.since) / span - 0.5)
        said = f"{row.name} {row.id}: {row.status}, {row.until - row.since:.0f} s"
        bars.append(
            f'<rect x="{x:.1f}" y="{names.index(row.slot) * LANE + 4}" width="{wide:.1f}" '
            f'height="{LANE - 8}" rx="2" class="{_TONES.get(row.status, "other")}">'
            f"<title>{escape(said)}</title></rect>"
        )
    texts = [
        f'<text x="0" y="{n * LANE + 18}">{escape(_short(name))}</text>'
        for n, name in enumerate(names)
    ]
    return _svg(len(names) * LANE, [*bars, *texts], first, last)


def _curve(amounts: Sequence[tuple[float, float]]) -> str:
    """A sum over time, as steps."""
    rows = sorted(amounts)
    total = sum(amount for _, amount in rows)
    if not total:
        return ""
    first, last = rows[0][0], rows[-1][0]
    span, high, reached = max(last - first, 1e-6), 160, 0.0
    points = [f"{LEFT},{high}"]
    for at, amount in rows:
        x = LEFT + (WIDTH - LEFT) * (at - first) / span
        points.append(f"{x:.1f},{high - high * reached / total:.1f}")
        reached += amount
        points.append(f"{x:.1f},{high - high * reached / total:.1f}")
    marks = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y}" y2="{y}"/>'
        f'<text x="{LEFT - 10}" y="{y + 5}" text-anchor="end">{total * (1 - y / high):.2f}</text>'
        for y in (0, high // 2, high)
    ]
    line = f'<polyline class="curve" points="{" ".join(points)}"/>'
    return _svg(high, [*marks, line], first, last, top=12)


def _svg(high: int, inside: Iterable[str], first: float, last: float, top: int = 0) -> str:
    """A plot over time, with its first, middle and last moment below."""
    ends = (("start", LEFT, first), ("middle", (LEFT + WIDTH) / 2, (first + last) / 2),
            ("end", WIDTH, last))  # fmt: skip
    clocks = "".join(
        f'<text class="faint" x="{x:.0f}" y="{high + 20}" text-anchor="{anchor}">'
        f"{_moment(at)}</text>"
        for anchor, x, at in ends
    )
    box = f'viewBox="0 {-top} {WIDTH} {high + 28 + top}" role="img"'
    return f"<svg {box}>{''.join(inside)}{clocks}</svg>"


def _cause_bars(found: Report) -> str:
    if not found.causes:
        return ""
    most = max(cause.count for cause in found.causes)
    rows = [
        (
            cause.cause.replace("_", " "), str(cause.count),
            f'<svg viewBox="0 0 200 12" style="width:200px"><rect class="bad" height="12" rx="2" '
            f'width="{200 * cause.count / most:.0f}"/></svg>',
            f"{escape(cause.run)}: {escape(cause.message[:160])}",
        )
        for cause in found.causes
    ]  # fmt: skip
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{count}</td><td>{bar}</td>'
        f"<td>{example}</td></tr>"
        for name, count, bar, example in rows
    )
    return f"<table>{cells}</table>"


def _slots(found: Report) -> str:
    rows = [
        (slot.name, str(slot.runs), str(slot.gpus), _span(slot.busy), _span(slot.idle),
         f"{slot.busy_share:.0%}", f"{slot.cost:.2f}", f"{slot.idle_cost:.2f}")
        for slot in found.slots
    ]  # fmt: skip
    head = ("slot", "runs", "GPUs", "busy", "idle", "busy", "cost", "idle cost")
    return _table(head, rows) if rows else ""


def _paces(found: Report) -> str:
    rows = [
        (one.engine, str(one.runs), f"{one.fastest:.1f}", f"{one.middle:.1f}", f"{one.slowest:.1f}")
        for one in found.paces
    ]
    return _table(("engine", "runs", "fastest", "median", "slowest"), rows) if rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        first, *rest = cells
        more = "".join(f'<{tag} class="n">{escape(cell)}</{tag}>' for cell in rest)
        return f"<tr><{tag}>{escape(first)}</{tag}>{more}</tr>"

    return f"<table>{row(head, 'th')}{''.join(row(cells, 'td') for cells in rows)}</table>"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
