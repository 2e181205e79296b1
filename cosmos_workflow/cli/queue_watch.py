"""``queue watch``: GPUs, queue and money, live."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.cli.words import counted, duration, is_terminal, one_line
from cosmos_workflow.config.load import load
from cosmos_workflow.runs.queue import State
from cosmos_workflow.workflows.queue_view import Lane, View, look
from cosmos_workflow.workflows.worker import is_alive, queue_of

PAUSE_S = 1.0
BAR = 16
"""Cells of a bar."""

TONES = {
    State.DONE: "green", State.FAILED: "red", State.SET_ASIDE: "red", State.BLOCKED: "yellow",
    State.CANCELLED: "yellow",
}  # fmt: skip


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Watch what every GPU does, what waits and what it costs. Ctrl-C leaves all as it is.

    Busy and cost are of the last 24 hours, by cosmos report.
    """
    settings = load()
    queue, alive = queue_of(settings), is_alive(settings)
    if as_json:
        with open_screen(json=True) as screen:
            screen.data(asdict(look(settings, queue, alive)))
        return
    console = Console(highlight=False, markup=False, emoji=False)
    if once or not is_terminal(sys.stdout):
        console.print(drawn(look(settings, queue, alive), console.width))
        return
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            live.update(drawn(look(settings, queue, alive), console.width), refresh=True)
            time.sleep(PAUSE_S)


def drawn(view: View, width: int) -> Group:
    """The view in so many columns."""
    parts: list[Text | Table] = [_head(view), Text()]
    if view.lanes:
        parts += [_lanes(view, wide=width >= 110), Text()]
    if view.last:
        parts += [_last(view)]
    return Group(*parts)


def _head(view: View) -> Text:
    waiting = view.counts[State.WAITING] + view.counts[State.CLAIMED]
    bad = view.counts[State.FAILED] + view.counts[State.SET_ASIDE]
    facts = [
        f"{view.counts[State.RUNNING]} running", f"{waiting} waiting",
        f"{view.counts[State.DONE]} done", f"{bad} failed", f"GPUs {view.busy_share:.0%} busy",
    ]  # fmt: skip
    if view.counts[State.BLOCKED]:
        facts.insert(4, f"{view.counts[State.BLOCKED]} blocked")
    if view.cost is not None:
        facts.append(f"{view.cost:.2f} spent, {view.an_hour:.2f} an hour now")
    text = Text("  ".join(facts), style="bold")
    if view.paused:
        text.append("\npaused: cosmos queue resume lets it go on", style="yellow")
    elif waiting and not view.counts[State.RUNNING] and view.next_try:
        text.append(f"\nthe next try is in {duration(view.next_try)}", style="yellow")
    return text


def _lanes(view: View, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("slot", "run", "", "left" if not wide else "stage", *(["left"] if wide else [])):
        table.add_column(head, overflow="ellipsis", no_wrap=True)
    for lane in view.lanes:
        table.add_row(*_row(lane, wide=wide))
    return table


def _row(lane: Lane, *, wide: bool) -> list[Text]:
    slot = Text(f"{lane.target}/{lane.slot}")
    if not lane.run:
        idle = "idle" if not lane.ready else f"{counted(lane.ready, 'run')} being prepared"
        return [slot, Text(idle, style="dim"), Text(), Text(), *([Text()] if wide else [])]
    what = one_line(lane.name) + (f"  {lane.place} of {lane.of}" if lane.of > 1 else "")
    if not lane.followed:
        what += "  nobody follows it: cosmos queue work"
    left = "" if lane.ends is None else duration(max(0.0, lane.ends - time.time()))
    stage = [Text(one_line(lane.stage), style="dim")] if wide else []
    return [
        slot,
        Text(what, style="" if lane.followed else "yellow"),
        _bar(lane),
        *stage,
        Text(left),
    ]


def _bar(lane: Lane) -> Text:
    if lane.fraction is None:
        return Text("─" * BAR, style="dim")
    full = round(min(max(lane.fraction, 0.0), 1.0) * BAR)
    bar = Text("━" * full, style="cyan")
    return bar.append("─" * (BAR - full), style="dim").append(f" {lane.fraction:4.0%}", style="")


def _last(view: View) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(4):
        table.add_column(overflow="ellipsis", no_wrap=True)
    for item in view.last:
        when = time.strftime("%H:%M:%S", time.localtime(item.ended or 0))
        why = f"{item.cause}: {item.message.splitlines()[0]}" if item.message else item.cause
        why = "" if item.state is State.DONE else why
        word = str(item.state).replace("_", " ")
        table.add_row(
            Text(when, style="dim"), Text(word, style=TONES.get(item.state, "")),
            Text(one_line(item.name)), Text(one_line(why), style="dim"),
        )  # fmt: skip
    return table
