"""``report``: what became of the runs of some time, what the GPUs did, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError, SpecError, did_you_mean
from cosmos_workflow.runs import index
from cosmos_workflow.runs.queue import queue_of
from cosmos_workflow.runs.queue_glance import added, labels
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.report import Report
from cosmos_workflow.workflows.report import report as made_of
from cosmos_workflow.workflows.report_window import moment


def report(
    since: Annotated[
        str, typer.Option(metavar="TIME", help="24h, 7d, 2026-11-20, or all.")
    ] = "24h",
    label: Annotated[str, typer.Option(help="Only what was queued under this name.")] = "",
    target: Annotated[
        str, typer.Option("--target", "-t", help="Only there.", autocompletion=completion.targets)
    ] = "",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with plots.")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Open the page, outputs/report.html if not named.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell what became of the runs of some time, what the GPUs did, and what it cost.

    A GPU is idle between the first and the last use it had in that time. Costs go by the
    price_per_hour of the targets, as it was when a run ended; failed runs cost as well.
    """
    settings = load()
    path = html or (settings.outputs_dir / "report.html" if open_ else None)
    with open_screen(json=as_json) as screen:
        found = _found(settings, since, label, target)
        title = ", ".join(filter(None, (_time(since), label, target and f"on {target}")))
        asked = {"label": label, "target": target, "html": str(path) if path else None}
        screen.data({**found.to_json(), **asked})
        _tell(screen, settings, found, title)
        if path:
            from cosmos_workflow.workflows.report_page import page

            _write(path, page(found, f"{settings.root.name}: {title}"))
            screen.picture(path, "page")
            if open_:
                _open(screen, path)


def _found(settings: Settings, since: str, label: str, target: str) -> Report:
    begin, queue = moment(since), queue_of(settings)
    if target and target not in settings.all_targets():
        assemble.target(settings, target)  # it knows why there is none of that name
    known = labels(queue) if label else []
    if label and label not in known:
        raise SpecError(
            f"nothing in the queue has the label {label!r}",
            hint=f"{did_you_mean(label, known)}known: {', '.join(known) or 'none'}; items that "
            "were cleared have none any more",
        )
    times = added(queue, label)
    specs = {spec for spec, _ in times} if label else None
    rows = [
        row
        for row in index.ended_since(assemble.store(settings), begin)
        if target in ("", row.target) and (specs is None or row.id.partition(".")[0] in specs)
    ]
    return made_of(rows, begin, times)


def _tell(screen: Screen, settings: Settings, found: Report, title: str) -> None:
    if screen.json:
        return
    if not found.rows:
        screen.say(f"no runs: {title}; --since all takes all")
        return
    from cosmos_workflow.cli.report_told import tell

    tell(screen, settings, found, title)


def _time(since: str) -> str:
    return "all runs" if since.strip() == "all" else f"runs since {since}"


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


def _open(screen: Screen, path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        screen.warn("there is no browser here to open it")
