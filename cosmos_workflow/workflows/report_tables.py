"""The tables of a report's page: causes, slots, engines, targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cosmos_workflow.workflows.report import Report
from cosmos_workflow.workflows.report_plots import hours, share
from cosmos_workflow.workflows.report_svg import words
from cosmos_workflow.workflows.report_timeline import TONES

NONE = "-"
SAID = 240
"""Characters of a message that are shown."""


def causes(found: Report) -> str:
    """Why runs did not succeed: how many for each cause, and the latest of them."""
    if not found.causes:
        return ""
    most = max(one.count for one in found.causes)
    rows = []
    for one in found.causes:
        said = one.message if len(one.message) <= SAID else f"{one.message[: SAID - 1]}…"
        example = f"{words(said)}<small>{words(one.run)}</small>"
        meter = share(one.count, most, TONES[one.status])
        rows.append(
            f"<tr><td>{words(one.cause.replace('_', ' '))}</td>{_number(str(one.count))}"
            f'<td style="width:16%">{meter}</td><td style="width:56%">{example}</td></tr>'
        )
    head = _head(("cause", "runs"), ("", "the latest of them"))
    return f"<table>{head}{''.join(rows)}</table>"


def slots(found: Report) -> str:
    """What each slot did."""
    rows = [
        (slot.name, str(slot.runs), str(slot.gpus or "none"), hours(slot.busy), hours(slot.idle),
         f"{slot.busy_share:.0%}", money(slot.cost or None), money(slot.idle_cost or None))
        for slot in found.slots
    ]  # fmt: skip
    head = ("slot", "runs", "GPUs", "in use", "idle", "busy", "cost", "of idle time")
    return table(head, rows) if rows else ""


def engines(found: Report) -> str:
    """What a run of each engine takes."""
    rows = [
        (one.engine, str(one.runs), *map(_took, (one.fastest, one.middle, one.slowest)),
         f"{one.a_second:.1f}" if one.a_second is not None else NONE)
        for one in found.paces
    ]  # fmt: skip
    head = ("engine", "successes", "fastest", "median", "slowest", "GPU s a second of video")
    return table(head, rows) if rows else ""


def targets(found: Report) -> str:
    """What each target did and cost."""
    rows = [
        (one.target, str(one.runs), str(one.videos), hours(one.gpu_seconds), money(one.cost),
         money(one.cost_per_video),
         str(one.unpriced or ""))
        for one in found.places
    ]  # fmt: skip
    head = ("target", "runs", "videos", "GPU time", "cost", "a video", "runs without a price")
    return table(head, rows) if rows else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is words, all others are numbers."""
    lines = (f"<tr><td>{words(row[0])}</td>{''.join(map(_number, row[1:]))}</tr>" for row in rows)
    return f'<div class="scroll"><table>{_head(head, ())}{"".join(lines)}</table></div>'


def money(amount: float | None) -> str:
    """In the currency of the prices: small amounts with more digits."""
    if amount is None:
        return NONE
    return f"{amount:.2f}" if amount >= 0.1 or not amount else f"{amount:.2g}"


def _head(numbers: Sequence[str], texts: Sequence[str]) -> str:
    first, *rest = numbers
    more = "".join(f'<th class="n">{words(name)}</th>' for name in rest)
    last = "".join(f"<th>{words(name)}</th>" for name in texts)
    return f"<tr><th>{words(first)}</th>{more}{last}</tr>"


def _number(text: str) -> str:
    return f'<td class="n">{words(text)}</td>'


def _took(seconds: float | None) -> str:
    return NONE if seconds is None else f"{seconds:.1f} s" if seconds < 60 else hours(seconds)
