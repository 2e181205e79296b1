"""``report``: what became of the runs of some time, what the GPUs did, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, duration
from cosmos_workflow.config.load import load
from cosmos_workflow.errors import CosmosError
from cosmos_workflow.runs import index
from cosmos_workflow.runs.store import Store
from cosmos_workflow.workflows.report import Report
from cosmos_workflow.workflows.report import report as made_of
from cosmos_workflow.workflows.report_window import moment


def report(
    since: Annotated[
        str, typer.Option(metavar="TIME", help="24h, 7d, 2026-11-20, or all.")
    ] = "24h",
    target: Annotated[
        str, typer.Option("--target", "-t", help="Only there.", autocompletion=completion.targets)
    ] = "",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with plots.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what became of the runs of some time, what the GPUs did, and what it cost.

    A GPU counts as idle between the first and the last run that it had in that time. Costs go by
    price_per_hour of the targets, as it was when the run ended.
    """
    settings = load()
    with open_screen(json=as_json) as screen:
        rows = index.page(Store(settings.outputs_dir)).rows
        found = made_of([r for r in rows if target in ("", r.target)], moment(since))
        screen.data({**found.to_json(), "html": str(html) if html else None})
        _tell(screen, found, since)
        if html:
            from cosmos_workflow.workflows.report_page import page

            _write(html, page(found, f"{settings.root.name}: {_time(since)}"))
            screen.picture(html, "page")


def _time(since: str) -> str:
    return "all runs" if since == "all" else f"runs since {since}"


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CosmosError(
            f"cannot write {path}: {error.strerror}", hint="make room, or name another file"
        ) from error


def _tell(screen: Screen, found: Report, since: str) -> None:
    if not found.rows:
        screen.say(f"no runs: {_time(since)}; --since all takes all")
        return
    told = (f"{count} {status}" for status, count in found.counts.items() if count)
    again = f"; {counted(found.retried, 'RunSpec')} tried more than once" if found.retried else ""
    screen.say(f"{_time(since)}: {', '.join(told)}{again}", "bold")
    screen.say()
    if found.causes:
        rows = [
            (one.cause.replace("_", " "), str(one.count), one.run, one.message)
            for one in found.causes
        ]
        screen.table(("why not", "runs", "one of them", "what it said"), rows)
        screen.say()
    if found.slots:
        _tell_slots(screen, found)
    if found.paces:
        screen.table(
            ("engine", "runs", "fastest", "median", "slowest"),
            [
                (p.engine, str(p.runs), *map(_took, (p.fastest, p.middle, p.slowest)))
                for p in found.paces
            ],
        )
        screen.say()
    _tell_money(screen, found)


def _took(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def _tell_slots(screen: Screen, found: Report) -> None:
    rows = [
        (
            slot.name, str(slot.runs), duration(slot.busy), duration(slot.idle),
            f"{slot.busy_share:.0%}", f"{slot.cost:.2f}" if slot.cost else "-",
        )
        for slot in found.slots
    ]  # fmt: skip
    screen.table(("slot", "runs", "busy", "idle", "share", "cost"), rows)
    screen.say()


def _tell_money(screen: Screen, found: Report) -> None:
    made = f"{counted(found.videos, 'video')}, {found.plays / 60:.1f} minutes"
    screen.say(f"made         {made}")
    idle = duration(found.idle_gpu_seconds)
    screen.say(
        f"GPU time     {duration(found.gpu_seconds)} used, {idle} idle: {found.busy_share:.0%} busy"
    )
    if found.cost is None:
        screen.say("cost         unknown: no target has a price_per_hour")
        return
    parts = [f"{found.cost:.2f}"]
    for word, value in (("a video", found.cost_per_video), ("a minute", found.cost_per_minute)):
        parts += [f"{value:.2f} {word}"] if value is not None else []
    parts += [f"{found.idle_cost:.2f} of idle time beside it"] if found.idle_cost else []
    screen.say(f"cost         {', '.join(parts)}")
    if found.unpriced:
        screen.say(f"             {counted(found.unpriced, 'run')} without a price are not in it")
