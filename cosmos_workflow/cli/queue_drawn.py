"""How a view of the queue looks in so many columns and rows: drawing, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cosmos_workflow.cli.queue_words import PAUSED, STYLES
from cosmos_workflow.cli.words import counted, duration, one_line
from cosmos_workflow.runs.queue import Item, State
from cosmos_workflow.workflows.queue_lanes import Lane
from cosmos_workflow.workflows.queue_view import View

WIDE = 120
"""Columns from which on a slot is one line and shows all."""
BAR = {False: 12, True: 20}
"""Cells of a bar, narrow and wide."""


def drawn(view: View, width: int, height: int | None = None) -> Group:
    """The view in so many columns; where it is too high, slots lose their second line, then the
    last of them are only counted."""
    head = _head(view)
    room = None if height is None else height - len(head) - 1
    lines, left = _lanes(view, width, room)
    last = _last(view.last[: left if left is None else max(0, left)])
    below: list[RenderableType] = [Text(), last] if last.row_count else []
    return Group(*head, Text(), *lines, *below)


def _head(view: View) -> list[Text]:
    lines = [_line(", ".join(_amounts(view)), "bold")]
    facts = ["GPUs not used in 24 h" if view.busy_share is None
             else f"GPUs {view.busy_share:.0%} busy in 24 h"]  # fmt: skip
    if view.cost is not None:
        facts.append(f"{view.cost:.2f} spent")
    if view.an_hour:
        facts.append(f"{view.an_hour:.2f} an hour now")
    if view.ends is not None:
        left = duration(max(0.0, view.ends - view.at))
        facts.append(f"all over about {_clock(view.ends, view.at)}, in {left}")
    lines.append(_line("   ".join(facts)))
    for reason, many in sorted(view.queued.items(), key=lambda one: -one[1]):
        if reason:
            lines.append(_line(f"{counted(many, 'run')} queued there: {reason}"))
    return [*lines, *(_line(said, "yellow") for said in _warnings(view))]


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _amounts(view: View) -> list[str]:
    count = view.counts
    waiting = f"{count[State.WAITING] + count[State.CLAIMED]} waiting"
    why = [f"{view.held} held"] if view.held else []
    why += [f"{view.later} for another try"] if view.later else []
    queued = sum(view.queued.values())
    told = [f"{max(0, count[State.RUNNING] - queued)} running"]
    told += [f"{queued} in the cluster's queue"] if queued else []
    told += [waiting + (f" ({', '.join(why)})" if why else "")]
    told += [f"{count[State.DONE]} done"]
    rest = (State.FAILED, State.SET_ASIDE, State.BLOCKED, State.CANCELLED)
    return told + [f"{count[one]} {_word(one)}" for one in rest if count[one]]


def _warnings(view: View) -> list[str]:
    said, waiting = [], view.counts[State.WAITING] + view.counts[State.CLAIMED]
    if view.paused:
        said.append(PAUSED)
    if not view.workers and (waiting or view.counts[State.RUNNING]):
        said.append("no worker is at work here: cosmos queue work")
    if view.next_try and not view.counts[State.RUNNING] and not view.paused:
        said.append(f"the next try is in {duration(view.next_try)}")
    return said


def _lanes(view: View, width: int, room: int | None) -> tuple[list[Table | Text], int | None]:
    """The slots, and how many lines are left below them."""
    if not view.lanes:
        return [Text("no slot was wanted yet: cosmos queue add", style="dim")], room
    wide, shown = width >= WIDE, list(view.lanes)
    lines = 1 if wide else 2
    needed = 1 + sum(lines if lane.run else 1 for lane in shown)
    if room is not None and needed > room:
        lines, needed = 1, 1 + len(shown)
    more = 0
    if room is not None and needed > room:
        more = len(shown) - max(1, room - 2)
        shown.sort(key=lambda lane: (not lane.run, lane.target, lane.slot))
        shown = shown[: len(shown) - more]
    left = None if room is None else room - min(needed, room) - 1
    table = _wide(shown, view.at) if wide else _narrow(shown, view.at, second=lines == 2)
    said = [_line(f"and {counted(more, 'more slot')}: --targets shows some", "dim")]
    return [table, *(said if more else [])], left


def _narrow(lanes: Sequence[Lane], now: float, *, second: bool) -> Table:
    table = _table(("slot", 0), ("run", 1), ("", 0), ("left", 0))
    for lane in lanes:
        idle = _idle(lane)
        what = idle or Text(one_line(lane.name))
        if not second and not idle:
            what = Text.assemble(*([_many(lane), "  "] if _many(lane) else []), one_line(lane.name))
            what.style = "" if lane.followed else "yellow"
        table.add_row(_slot(lane), what, _bar(lane, BAR[False]), _left(lane, now))
        if second and not idle:
            said = filter(None, (lane.run, _many(lane), one_line(lane.stage)))
            table.add_row("", _about(lane, "  ".join(said)), "", "")
    return table


def _wide(lanes: Sequence[Lane], now: float) -> Table:
    columns = (("slot", 0), ("run", 3), ("", 0), ("of its job", 0), ("stage", 2), ("", 0),
               ("left", 0), ("over at", 0))  # fmt: skip
    table = _table(*columns)
    for lane in lanes:
        ends = "" if lane.ends is None or not lane.run else _clock(lane.ends, now)
        table.add_row(
            _slot(lane), _idle(lane) or one_line(lane.name), Text(lane.run, style="dim"),
            _many(lane), _about(lane, one_line(lane.stage)) if lane.run else "",
            _bar(lane, BAR[True]), _left(lane, now), ends,
        )  # fmt: skip
    return table


def _table(*columns: tuple[str, int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True, pad_edge=False)
    for head, ratio in columns:
        side = "right" if head in ("left", "over at") else "left"
        table.add_column(
            head, no_wrap=True, overflow="ellipsis", ratio=ratio or None,
            justify="right" if side == "right" else "left",
        )  # fmt: skip
    return table


def _slot(lane: Lane) -> str:
    return one_line(f"{lane.target}/{lane.slot}")


def _idle(lane: Lane) -> Text | None:
    if lane.run:
        return None
    said = [f"{counted(lane.ready, 'run')} being prepared"] if lane.ready else []
    said += [f"{counted(lane.landing, 'run')} coming home"] if lane.landing else []
    if said and not lane.followed:
        return Text(f"{', '.join(said)}, but its worker is gone", style="yellow")
    return Text(", ".join(said) or "idle", style="dim")


def _many(lane: Lane) -> str:
    return f"run {lane.place} of {lane.of}" if lane.of > 1 else ""


def _about(lane: Lane, stage: str) -> Text:
    """The stage, and what is ready; or that nobody looks on."""
    if not lane.followed:
        return Text("nobody follows it: cosmos queue work", style="yellow")
    more = [f"{lane.ready} ready"] if lane.ready else []
    more += [f"{lane.landing} coming home"] if lane.landing else []
    return Text("  ".join([stage, *more]), style="dim")


def _bar(lane: Lane, cells: int) -> Text:
    if not lane.run:
        return Text()
    if lane.fraction is None:
        return Text("─" * cells + " " * 5, style="dim")
    share = min(max(lane.fraction, 0.0), 1.0)
    full = int(share * cells)
    bar = Text("━" * full, style="cyan").append("─" * (cells - full), style="dim")
    return bar.append(f" {int(share * 100):3d}%", style="default")


def _left(lane: Lane, now: float) -> str:
    return "" if lane.ends is None or not lane.run else duration(max(0.0, lane.ends - now))


def _last(items: Sequence[Item]) -> Table:
    whys = [_why(item) for item in items]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=True, pad_edge=False)
    for ratio in (None, None, 1, *([1] if any(whys) else [])):
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=ratio)
    for item, why in zip(items, whys, strict=True):
        name = Text.assemble(one_line(item.name), "  ", (item.run, "dim"))
        table.add_row(
            Text(_clock(item.ended or 0.0, time.time()), style="dim"),
            Text(_word(item.state), style=STYLES.get(item.state, "")), name,
            *([Text(why, style="dim")] if any(whys) else []),
        )  # fmt: skip
    return table


def _why(item: Item) -> str:
    said = ": ".join(filter(None, (item.cause.replace("_", " "), *item.message.splitlines()[:1])))
    return "" if item.state is State.DONE else one_line(said)


def _clock(at: float, now: float) -> str:
    """The time of day, with the day where it is another one."""
    there, here = time.localtime(at), time.localtime(now)
    same = there[:3] == here[:3]
    return time.strftime("%H:%M" if same else "%a %H:%M", there)


def _word(state: State) -> str:
    return str(state).replace("_", " ")
