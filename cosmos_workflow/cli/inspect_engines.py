"""``cosmos engines``: what engines there are, and what each one takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.errors import SpecError

if TYPE_CHECKING:
    from cosmos_workflow.engines.engine import Engine


def engines(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[show] [NAME]",
            help="Show one engine: its controls, parameters and options.",
            autocompletion=completion.engines,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the engines, or show one of them: controls, parameters, options.

    Example: cosmos engines show transfer1
    """
    from cosmos_workflow.engines import ENGINES

    names = list(words or ())
    if names[:1] == ["show"]:
        names = names[1:]
        if not names:
            raise SpecError("no engine is named", hint=f"known: {', '.join(ENGINES.names())}")
    if len(names) > 1:
        raise SpecError("one engine at a time", hint="cosmos engines show NAME")
    with open_screen(json=json) as screen:
        if names:
            _show(screen, names[0], ENGINES.load(names[0])())
            return
        loaded = [(name, ENGINES.load(name)()) for name in ENGINES.names()]
        for name, engine in loaded:
            screen.data(facts(name, engine))
        rows = [(name, _controls(engine), engine.summary) for name, engine in loaded]
        screen.table(("engine", "controls", "what it is"), rows)
        screen.say()
        screen.say("cosmos engines show NAME: parameters, ranges and options", "dim")


def facts(name: str, engine: Engine) -> dict[str, Any]:
    """All about an engine as JSON values."""
    needs = engine.needs()
    return {
        "engine": name,
        "summary": engine.summary,
        "controls": [str(modality) for modality in engine.modalities],
        "max_weight": engine.max_weight,
        "max_batch": engine.max_batch,
        "weight_maps": engine.weight_maps,
        "licence": engine.licence,
        "parameters": {
            key: {
                "default": limit.default, "low": limit.low, "high": limit.high,
                "choices": list(limit.choices), "whole": limit.whole, "help": limit.help,
            }
            for key, limit in engine.limits.items()
        },
        "options": engine.Options.model_json_schema().get("properties", {}),
        "needs": {
            "gpu_memory_gib": needs.gpu_memory_gib,
            "checkpoints": list(needs.checkpoints),
            "image": needs.image,
        },
    }  # fmt: skip


def _show(screen: Screen, name: str, engine: Engine) -> None:
    from cosmos_workflow.engines.rules import FLAGS

    screen.data(facts(name, engine))
    screen.say(f"{name}: {engine.summary}", "bold")
    most = "0 or more" if engine.max_weight is None else f"0 to {engine.max_weight:g}"
    screen.say(f"controls: {_controls(engine)}")
    if engine.modalities:
        screen.say(f"weights: {most}")
    if engine.licence:
        screen.say(f"licence: {engine.licence}")
    needs = engine.needs()
    if needs.gpu_memory_gib:
        screen.say(f"needs: {needs.gpu_memory_gib:g} GiB of memory on each GPU")
    if needs.image:
        screen.say(f"image: {needs.image}")
    screen.say()
    rows = [
        (
            FLAGS.get(key, key),
            _shown(limit.default),
            " ".join(limit.choices) or limit.said(),
            limit.help,
        )
        for key, limit in engine.limits.items()
    ]
    screen.table(("parameter", "default", "range", "what it does"), rows)
    options = engine.Options.model_fields
    if options:
        schema = engine.Options.model_json_schema().get("properties", {})
        screen.say()
        screen.table(
            ("--option", "default", "type", "what it does"),
            [
                (key, _shown(field.get_default()), _type(schema[key]), field.description or "")
                for key, field in options.items()
            ],
        )


def _controls(engine: Engine) -> str:
    return ", ".join(str(modality) for modality in engine.modalities) or "none"


def _shown(value: object) -> str:
    if value is None or value == "" or value in ((), {}):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _type(schema: dict[str, Any]) -> str:
    """An option's type in a word or its choices."""
    if "enum" in schema:
        return " ".join(str(choice) for choice in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"] if part.get("type") != "null")
    names = {
        "boolean": "true/false", "integer": "whole number", "string": "text", "array": "list",
        "object": "JSON",
    }  # fmt: skip
    word = str(schema.get("type", "JSON"))
    return names.get(word, word)
