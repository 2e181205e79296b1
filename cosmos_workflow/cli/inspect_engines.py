"""``cosmos engines``: what engines there are, and what each one takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.inspect_engine import facts, show_engine
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.specs import change_rows
from cosmos_workflow.errors import SpecError

if TYPE_CHECKING:
    from cosmos_workflow.engines.engine import Engine
    from cosmos_workflow.workflows.convert_specs import Wishes


def engines(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[show] [NAME]",
            help="Show one engine: its controls, parameters and options.",
            autocompletion=completion.engines,
        ),
    ] = None,
    run_spec: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="RUN_SPEC",
            help="With NAME: what of this RunSpec it cannot do.",
            autocompletion=completion.run_specs,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """List the engines, or show one of them: controls, parameters, options.

    What it accepts, its own words for it, what it makes of frames and sizes, what it needs; with
    --for, which of a RunSpec's wishes it cannot keep.

    Example: cosmos engines show transfer25 --for atrium
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.engines import ENGINES
    from cosmos_workflow.workflows import assemble
    from cosmos_workflow.workflows.compose_runs import kept

    names = _names(words or (), ENGINES.names())
    if run_spec and not names:
        raise SpecError("--for without an engine", hint="cosmos engines show NAME --for RUN_SPEC")
    settings = load()
    with open_screen(json=json) as screen:
        if names:
            engine = assemble.engine(names[0], settings)
            wishes = kept(settings, run_spec, engine) if run_spec else None
            screen.data(facts(names[0], engine) | (wishes.to_json() if wishes else {}))
            show_engine(screen, names[0], engine)
            if wishes:
                _tell_wishes(screen, wishes)
            return
        loaded = [(name, assemble.engine(name, settings)) for name in ENGINES.names()]
        for name, engine in loaded:
            screen.data(facts(name, engine))
        rows = [(name, _controls(engine), engine.summary) for name, engine in loaded]
        screen.table(("engine", "controls", "what it is"), rows)
        screen.say()
        screen.say("cosmos engines show NAME: parameters, ranges and options", "dim")


def _names(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """The one engine that is named, or none."""
    names = list(words)
    if names[:1] == ["show"]:
        names = names[1:]
        if not names:
            raise SpecError("no engine is named", hint=f"known: {', '.join(known)}")
    if len(names) > 1:
        raise SpecError("one engine at a time", hint="cosmos engines show NAME")
    return names


def _tell_wishes(screen: Screen, wishes: Wishes) -> None:
    """What of a RunSpec the engine cannot keep."""
    screen.say()
    if wishes.fault:
        screen.say(f"{wishes.run.id} cannot be a run for it: {wishes.fault}", "red")
        if wishes.hint:
            screen.say(wishes.hint)
    elif not wishes.changes:
        screen.say(f"{wishes.run.id} loses nothing with it", "green")
    if wishes.changes:
        screen.say(f"of {wishes.run.id}, made for {wishes.run.engine}, it does not keep:", "yellow")
        screen.table(("what", "asked", "becomes", "why"), change_rows(wishes.changes))
    if wishes.shot:
        screen.say(f"its shot is made at {wishes.shot.width}x{wishes.shot.height}")
        for note in wishes.shot.notes:
            screen.say(f"  {note}")


def _controls(engine: Engine) -> str:
    return ", ".join(str(modality) for modality in engine.modalities) or "none"
