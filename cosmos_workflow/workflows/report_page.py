"""A report as one HTML file that needs nothing else: numbers, and plots as SVG drawn from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cosmos_workflow.workflows import report_plots, report_tables
from cosmos_workflow.workflows.report import Report
from cosmos_workflow.workflows.report_plots import hours
from cosmos_workflow.workflows.report_style import STYLE
from cosmos_workflow.workflows.report_svg import legend, words
from cosmos_workflow.workflows.report_tables import money
from cosmos_workflow.workflows.report_timeline import TONES, WORDS, timeline

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is loaded and nothing is run, whatever the words in it are."""

IDLE = (
    "Busy is the time in which a slot worked; idle the time between its first and its last use. "
    "Before and after, nobody knows what it was paid for."
)
SPENT = (
    "Of the runs that ended in this time, failed ones too, by the price when each of them ended."
)
LOST = "GPU seconds of all runs of an engine; fastest, median and slowest are of its successes."


def page(found: Report, title: str) -> str:
    """The whole page."""
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words(title)}</title><style>{STYLE}</style>"
    )
    body = "\n".join(_body(found, title))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _body(found: Report, title: str) -> Iterator[str]:
    yield f"<header><h1>{words(title)}</h1><p>{_when(found)}</p></header>"
    yield _numbers(found)
    used = [row for row in found.rows if row.until]
    if used:
        yield _card("What the slots did", IDLE, timeline(found.slots, used) + _legend(found))
    yield _card("Results", "", report_plots.results(found.rows))
    yield _card("Cost", SPENT, report_plots.cost(found.rows))
    yield _card("Why runs did not succeed", "", report_tables.causes(found))
    yield _card("Engines", LOST, report_plots.engines(found.paces) + report_tables.engines(found))
    yield _card("Slots", "", report_tables.slots(found))
    yield _card("Targets", "", report_tables.targets(found))


def _card(title: str, about: str, inside: str) -> str:
    said = f"<p>{words(about)}</p>" if about else ""
    return f"<section><h2>{words(title)}</h2>{said}{inside}</section>" if inside else ""


def _legend(found: Report) -> str:
    shown = {str(row.status) for row in found.rows if row.until}
    entries = [(TONES[status], WORDS[status]) for status in TONES if status in shown]
    return legend([*entries, ("track", "idle")])


def _when(found: Report) -> str:
    if not found.rows:
        return "There are no runs in this time."
    times = [row.ended or row.created for row in found.rows]
    said = [f"{len(times):,} runs", f"{_moment(min(times))} to {_moment(max(times))}"]
    if found.retried:
        said.append(f"{found.retried} RunSpecs run more than once")
    if found.unpriced:
        many = "all" if found.cost is None else str(found.unpriced)
        said.append(f"{many} without a price_per_hour: their cost is not known")
    return " · ".join(said)


def _numbers(found: Report) -> str:
    count, plays = found.counts, found.plays
    over = sum(count[name] for name in ("success", "failed", "blocked", "cancelled"))
    facts = [
        ("succeeded", str(count["success"]), f"of {over} that ended"),
        ("failed", str(count["failed"]), ""),
        ("blocked", str(count["blocked"]), "by a guardrail") if count["blocked"] else None,
        ("cancelled", str(count["cancelled"]), "") if count["cancelled"] else None,
        ("video made", hours(plays), f"{found.videos} videos"),
        ("GPU time", hours(found.gpu_seconds), _beside(found)),
        ("GPUs busy", f"{found.busy_share:.0%}", "between first and last use"),
    ]
    each = found.gpu_seconds_per_second
    facts.append(("GPU seconds", f"{each:.1f}", "a second of video") if each else None)
    if found.waits:
        longest = f"median; the longest {hours(found.waits.longest)}"
        facts.append(("waited in the queue", hours(found.waits.middle), longest))
    if found.cost is not None:
        facts.append(("cost", money(found.cost), f"{money(found.idle_cost)} of idle time beside"))
        facts.append(("a video", money(found.cost_per_video), "with all that failed"))
        facts.append(("a minute of video", money(found.cost_per_minute), ""))
    shown = (_tile(*fact) for fact in facts if fact)
    return f"<dl>{''.join(shown)}</dl>" if found.rows else ""


def _beside(found: Report) -> str:
    without = f", {hours(found.without_gpu)} without a GPU" if found.without_gpu else ""
    return f"{hours(found.idle_gpu_seconds)} idle beside it{without}"


def _tile(name: str, value: str, about: str) -> str:
    more = f"<small>{words(about)}</small>" if about else ""
    return f"<div><dt>{words(name)}</dt><dd>{words(value)}{more}</dd></div>"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
