"""A sweep told on a screen: what it would be, what was made, which there are, how far one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cosmos_workflow.cli.screen import Screen
from cosmos_workflow.cli.words import counted, duration, nearby, shortened
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.ids import slug
from cosmos_workflow.workflows.sweep import Outlook, Swept, find_sweep
from cosmos_workflow.workflows.sweep_axes import Axis, Value
from cosmos_workflow.workflows.sweep_draft import Item

FIRST = 10
"""Runs that a dry run shows."""
_LONG = 40
"""Cells of a value in a table."""


def tell_outlook(screen: Screen, outlook: Outlook, *, dry_run: bool) -> None:
    """The count, the axes, GPU time, cost and the end; with ``dry_run`` the first of them."""
    screen.data(_data(outlook, dry_run))
    items, drafts = outlook.items, outlook.drafts
    who = ", ".join(source.name for source in drafts.sources[:3])
    who += f" and {len(drafts.sources) - 3} more" if len(drafts.sources) > 3 else ""
    screen.say(f"{counted(len(items), 'run')} of {items[0].run.engine} for {who}", "bold")
    rows = [_axis_row(axis) for axis in drafts.axes]
    if drafts.prompts_file:
        lines = len({item.point["prompts"] for item in items})
        rows.insert(0, ("words", drafts.prompts_file, counted(lines, "line")))
    if rows:
        screen.table(("axis", "values", "count"), rows)
    screen.say()
    _tell_estimate(screen, outlook)
    for line in outlook.left_out:
        screen.say(f"left out     {line}", "yellow")
    for note in outlook.notes:
        screen.say(f"note         {note}", "yellow")
    if dry_run:
        _tell_first(screen, items)
        screen.say()
        screen.say("a dry run: nothing was written", "dim")


def tell_saved(screen: Screen, settings: Settings, swept: Swept) -> None:
    """What was written, where it is, and how to go on."""
    sweep = swept.sweep
    screen.data({**sweep.model_dump(mode="json"), "path": str(swept.path), "fresh": swept.fresh})
    screen.say()
    screen.say(f"{sweep.id}  {sweep.name}", "bold")
    screen.say(nearby(swept.path))
    old = len(swept.runs) - swept.fresh
    there = f"; {old:,} there already" if old else ""
    screen.say(f"{swept.fresh:,} new {'RunSpec' if swept.fresh == 1 else 'RunSpecs'}{there}")
    screen.say()
    screen.say(f"next: cosmos batch {_called(settings, swept)}", "cyan")


def _called(settings: Settings, swept: Swept) -> str:
    """Its name as a word, where that means this one; else the id."""
    name = slug(swept.sweep.name)
    try:
        meant = find_sweep(settings, name)
    except SpecError:
        return swept.sweep.id
    return name if meant == swept.path else swept.sweep.id


def _axis_row(axis: Axis) -> tuple[str, str, str]:
    number = f"{axis.count:,}" if axis.count is not None else "drawn"
    return axis.name, shortened(axis.text.removeprefix("="), 2 * _LONG), number


def _tell_estimate(screen: Screen, outlook: Outlook) -> None:
    known = [one for one in outlook.estimates if one.gpu_seconds is not None]
    what = "GPU time" if any(one.gpus for one in known) else "time"
    if outlook.gpu_seconds is not None:
        rest = len(outlook.estimates) - len(known)
        but = f"; {counted(rest, 'run')} of which nobody can tell" if rest else ""
        by = f"{outlook.target}, {known[0].origin}"
        screen.say(f"{what:<12} about {duration(outlook.gpu_seconds)} ({by}){but}")
    for reason in outlook.unknown[:3]:
        screen.say(f"time         unknown on {outlook.target}: {reason}")
    if outlook.cost is not None:
        price = f"{outlook.estimates[0].price_per_hour:g} an hour of one GPU"
        screen.say(f"cost         about {outlook.cost:.2f} ({price})")
    elif known and outlook.price_goes and not known[0].price_per_hour:
        screen.say(f"cost         unknown: {outlook.price_goes} has no price_per_hour")
    if outlook.done is not None:
        at_once = f"{counted(outlook.slots, 'job')} at once"
        screen.say(f"done by      {clock(outlook.done, outlook.now)}, begun now, {at_once}")


def clock(at: datetime, now: datetime) -> str:
    """``07:12``, ``07:12 tomorrow``, ``07:12 on 2026-02-03``."""
    day = at.date() - now.date()
    if not day:
        return f"{at:%H:%M}"
    return f"{at:%H:%M} tomorrow" if day == timedelta(days=1) else f"{at:%H:%M} on {at:%Y-%m-%d}"


def _tell_first(screen: Screen, items: Sequence[Item]) -> None:
    names = list(dict.fromkeys(name for item in items[:FIRST] for name in item.point))
    renamed = {item.prompt.name for item in items}
    head = ["run", *(["prompt"] if len(renamed) > 1 else []), *names]
    rows = []
    for item in items[:FIRST]:
        who = [shortened(item.prompt.name, _LONG)] if len(renamed) > 1 else []
        rows.append([item.run.id, *who, *(_cell(item.point.get(name, "")) for name in names)])
    screen.say()
    screen.table(head, rows)
    if len(items) > FIRST:
        screen.say(f"and {len(items) - FIRST:,} more", "dim")


def _cell(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else shortened(str(value), _LONG)


def _data(outlook: Outlook, dry_run: bool) -> Mapping[str, Any]:
    done = outlook.done
    points = [{"run_spec": item.run.id, **item.point} for item in outlook.items]
    return {
        "runs": len(outlook.items),
        "engine": outlook.items[0].run.engine,
        "target": outlook.target,
        "sources": [source.id for source in outlook.drafts.sources],
        "axes": {axis.name: axis.text for axis in outlook.drafts.axes},
        "gpu_seconds": outlook.gpu_seconds,
        "cost": outlook.cost,
        "unknown": outlook.unknown,
        "done": done.isoformat(timespec="seconds") if done else None,
        "slots": outlook.slots,
        "left_out": outlook.left_out,
        "notes": outlook.notes,
        **({"points": points, "dry_run": True} if dry_run else {}),
    }
