"""``queue list``, ``pause``, ``resume``, ``move``, ``retry``, ``cancel``, ``clear``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.queue_words import PAUSED
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, duration, one_line
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError, SpecError, did_you_mean
from cosmos_workflow.execution.waiting import waits_for
from cosmos_workflow.runs.queue import OVER, Item, State, queue_of
from cosmos_workflow.workflows.queue_named import items_of

Items = Annotated[
    list[str], typer.Argument(metavar="ITEM...", help="Number, id or name, or the label of many.")
]
SomeItems = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ITEM]...", help="Number, id or name, or the label of many."),
]

BAD = (State.FAILED, State.SET_ASIDE, State.BLOCKED)

REASONS = 12
"""Different reasons of failures that ``queue list`` tells."""

SHOWN = 40
"""Rows that ``queue list`` shows of those that are over."""


def list_(
    state: Annotated[
        str, typer.Option(help="Only waiting, running, done, failed, ...; several with commas.")
    ] = "",
    label: Annotated[str, typer.Option(help="Only what was added under this name.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Rows; 0: all.")] = SHOWN,
    as_json: Json = False,
) -> None:
    """List what is in the queue: what runs and waits, in order, then what is over."""
    settings = load()
    queue = queue_of(settings)
    states = _states(state)
    with open_screen(json=as_json) as screen:
        items = queue.items(states=states, label=label, limit=-1 if as_json else limit or -1)
        counts = queue.counts(label)
        for item in items if as_json else ():
            screen.data(asdict(item))
        shown = items[: limit or None]
        _tell_items(screen, shown, {} if as_json else _stages(settings, shown))
        more = sum(counts[one] for one in states or State) - limit if limit else 0
        if more > 0:
            screen.say(f"and {more} more; --limit 0 shows all", "dim")
        told = ", ".join(f"{n} {_word(one)}" for one, n in counts.items() if n)
        nothing = f"nothing in the queue is labelled {label!r}" if label else "the queue is empty"
        screen.say(told or nothing, "bold")
        if queue.paused:
            screen.say(PAUSED, "yellow")


def pause(items: SomeItems = None, as_json: Json = False) -> None:
    """Hold items back, or without any the whole queue. What runs goes on."""
    _hold(items or [], as_json, paused=True)


def resume(items: SomeItems = None, as_json: Json = False) -> None:
    """Let items go on that were held back, or without any the whole queue."""
    _hold(items or [], as_json, paused=False)


def move(
    items: Items,
    first: Annotated[bool, typer.Option("--first", help="In front of all that wait.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Behind all that wait.")] = False,
    before: Annotated[str, typer.Option(metavar="ITEM", help="In front of this one.")] = "",
    as_json: Json = False,
) -> None:
    """Change the order of what waits: in front of all, behind all, or in front of another one."""
    if sum((first, last, bool(before))) != 1:
        raise SpecError(
            "say where to: one of --first, --last, --before", hint="cosmos queue move 7 --first"
        )
    queue = queue_of(load())
    chosen = [item.id for item in items_of(queue, items)]
    anchor = items_of(queue, [before])[0].id if before else None
    if anchor in chosen:
        raise SpecError(f"{before} cannot go in front of itself")
    changed = queue.move(chosen, before=anchor, last=last)
    _done(as_json, "moved", changed, len(chosen), "only what waits can be moved")


def retry(
    items: SomeItems = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All that failed or were set aside.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let items that are over wait once more.

    One that was blocked by a guardrail is only tried again by name: without other words it will
    be blocked again.
    """
    if bool(items) == failed:
        raise SpecError("name items, or say --failed", hint="cosmos queue retry --failed")
    queue = queue_of(load())
    if failed:
        changed = queue.retry(states=(State.FAILED, State.SET_ASIDE))
        _done(as_json, "waiting again", len(changed), len(changed), "")
        return
    chosen = [item.id for item in items_of(queue, items or [])]
    changed = queue.retry(chosen)
    why = "only what failed, was blocked, cancelled or set aside can be tried again"
    _done(as_json, "waiting again", len(changed), len(chosen), why)


def cancel(
    items: SomeItems = None,
    all_: Annotated[bool, typer.Option("--all", help="All that waits or runs.")] = False,
    as_json: Json = False,
) -> None:
    """Take items back; one that runs is ended on its target."""
    from cosmos_workflow.workflows.queue_cancel import cancel_runs

    if bool(items) == all_:
        raise SpecError("name items, or say --all", hint="cosmos queue cancel --all")
    settings = load()
    queue = queue_of(settings)
    known = queue.items() if all_ else items_of(queue, items or [])
    chosen = [item for item in known if not item.state.over]
    faults: list[str] = []
    with open_screen(json=as_json) as screen:
        running = queue.cancel([item.id for item in chosen])
        for item, error in cancel_runs(settings, queue, running, ask):
            word = error.message if error else "ended"
            screen.say(f"{item.id}  {item.name}  {item.run}: {word}")
            faults += [word] if error else []
        screen.data({"cancelled": [item.id for item in chosen], "ended": [i.run for i in running]})
        screen.say(f"{counted(len(chosen), 'item')} taken back")
    if faults:
        raise CosmosError(
            f"{counted(len(faults), 'run')} could not be ended: {faults[0]}",
            hint="they go on; the same command tries again",
        )


def clear(
    all_: Annotated[
        bool, typer.Option("--all", help="Also what failed, was blocked or set aside.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Forget items that are done or cancelled. Their runs and RunSpecs stay."""
    states = OVER if all_ else (State.DONE, State.CANCELLED)
    gone = queue_of(load()).clear(states)
    _done(as_json, "forgotten", gone, gone, "")


def _hold(texts: Sequence[str], as_json: bool, *, paused: bool) -> None:
    queue = queue_of(load())
    chosen = [item.id for item in items_of(queue, texts)]
    changed = queue.pause(chosen, paused=paused)
    with open_screen(json=as_json) as screen:
        screen.data({"paused": paused, "items": chosen})
        what = counted(changed, "item") if chosen else "the queue"
        screen.say(f"{what} held back; what runs goes on" if paused else f"{what} may go on")


def _done(as_json: bool, word: str, changed: int, wanted: int, why: str) -> None:
    with open_screen(json=as_json) as screen:
        screen.data({word.replace(" ", "_"): changed})
        screen.say(f"{counted(changed, 'item')} {word}")
        if changed < wanted:
            screen.warn(f"{counted(wanted - changed, 'item')} left as before: {why}")


def _states(text: str) -> list[State]:
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(State(word.replace("-", "_")))
        except ValueError:
            known = [str(one) for one in State]
            raise SpecError(
                f"--state {word!r} is no state",
                hint=f"{did_you_mean(word, known)}known: {', '.join(known)}",
            ) from None
    return found


def _stages(settings: Settings, items: Sequence[Item]) -> dict[int, str]:
    """What those that run are at, by item."""
    running = [item for item in items if item.state is State.RUNNING]
    if not running:
        return {}
    from cosmos_workflow.workflows.assemble import store

    runs = store(settings)
    return {item.id: one_line(runs.folder(item.run).run().stage) for item in running}


def _tell_items(screen: Screen, items: Sequence[Item], stages: Mapping[int, str]) -> None:
    if not items:
        return
    rows = [
        (
            str(item.id), item.name, item.run or item.spec, item.engine, ",".join(item.targets),
            _word(item.state) + (", held" if item.paused else ""),
            stages.get(item.id, "").partition(" (")[0] or _about(item),
        )
        for item in items
    ]  # fmt: skip
    screen.table(("item", "name", "run", "engine", "where", "state", ""), rows)
    screen.say()
    _tell_reasons(screen, items, stages)


def _tell_reasons(screen: Screen, items: Sequence[Item], stages: Mapping[int, str]) -> None:
    """Why, once for all that failed or wait for the same reason: a night has many of one kind."""
    reasons: dict[str, list[int]] = {}
    for item in items:
        if item.state in BAD and item.message:
            reasons.setdefault(item.message.splitlines()[0], []).append(item.id)
        elif waits_for(stage := stages.get(item.id, "")):
            reasons.setdefault(stage, []).append(item.id)
    for why, ids in list(reasons.items())[:REASONS]:
        some = ", ".join(map(str, ids[:8])) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        screen.say(f"{some}: {why}")
    if len(reasons) > REASONS:
        screen.say(f"and {len(reasons) - REASONS} more reasons", "dim")
    if reasons:
        screen.say()


def _about(item: Item) -> str:
    """What there is to say of an item besides its state."""
    if item.state is State.WAITING and item.not_before > time.time():
        left = duration(item.not_before - time.time())
        return f"try {item.tries + 1} in {left}: {item.cause}"
    if item.state in BAD:
        return item.cause
    return f"priority {item.priority}" if item.priority and not item.state.over else ""


def _word(state: State) -> str:
    return str(state).replace("_", " ")
