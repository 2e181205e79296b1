"""One engine on a screen: what it accepts, in our words and its own, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cosmos_workflow.cli.screen import Screen
from cosmos_workflow.cli.words import duration, grid, screen_width

if TYPE_CHECKING:
    from cosmos_workflow.engines.engine import Engine
    from cosmos_workflow.engines.usual import Usual


def facts(name: str, engine: Engine) -> dict[str, Any]:
    """All about an engine as JSON values."""
    from cosmos_workflow.engines import vocabulary
    from cosmos_workflow.engines.usual import usual

    needs, made = engine.needs(), usual(engine)
    return {
        "engine": name,
        "summary": engine.summary,
        "controls": [str(modality) for modality in engine.modalities],
        "words": {
            str(modality): list(vocabulary.words(name, vocabulary.CONTROLS[modality]))
            for modality in engine.modalities
        },
        "max_weight": engine.max_weight,
        "max_batch": engine.max_batch,
        "weight_maps": engine.weight_maps,
        "licence": engine.licence,
        "parameters": {
            key: {
                "default": limit.default, "low": limit.low, "high": limit.high,
                "choices": list(limit.choices), "whole": limit.whole, "help": limit.help,
                "words": list(vocabulary.words(name, vocabulary.PARAMETERS[key])),
            }
            for key, limit in engine.limits.items()
        },
        "options": engine.Options.model_json_schema().get("properties", {}),
        "needs": {
            "gpu_memory_gib": needs.gpu_memory_gib,
            "checkpoints": list(needs.checkpoints),
            "image": needs.image,
        },
        "usual_shot": {
            "sizes": made.sizes, "least_frames": made.least, "most_frames": made.most,
            "notes": made.notes, "faults": made.faults, "seconds": made.seconds,
            "known": made.known,
        },
    }  # fmt: skip


def show_engine(screen: Screen, name: str, engine: Engine) -> None:
    """Its facts a line each, then controls, parameters and options as tables."""
    from cosmos_workflow.engines.usual import usual

    screen.say(f"{name}: {engine.summary}", "bold")
    rows = [*_needs(engine), *_usual(usual(engine))]
    for line in grid(("", ""), rows, screen_width())[1:]:
        screen.say(line)
    screen.say()
    _show_controls(screen, name, engine)
    _show_parameters(screen, name, engine)
    _show_options(screen, engine)


def _needs(engine: Engine) -> Iterable[tuple[str, str]]:
    """Licence and what a machine must have, as far as there is something to say."""
    needs = engine.needs()
    memory = f"{needs.gpu_memory_gib:g} GiB of memory on each GPU" if needs.gpu_memory_gib else ""
    lines = (("licence", engine.licence), ("needs", memory), ("image", needs.image))
    return [(head, text) for head, text in lines if text]


def _usual(made: Usual) -> Iterable[tuple[str, str]]:
    """Sizes, frames and time, of videos as most people have them."""
    from cosmos_workflow.engines.usual import SHOT

    if made.faults:
        return [("frames", fault) for fault in made.faults]
    if not made.known:
        return [("sizes", "as the model makes them that the service has; so the frames")]
    sizes = ", ".join(f"{wide}x{high} ({name})" for name, (wide, high) in made.sizes.items())
    many = f"{made.least} or more" if made.most is None else f"{made.least} to {made.most}"
    lines = [("sizes", sizes or "as they are, sides even"), ("frames", many)]
    for frames, notes in made.notes.items():
        text = "; ".join(notes)
        lines.append(("", text if str(frames) in text else f"{frames} frames: {text}"))
    shot = f"{SHOT.frames} frames at {SHOT.width}x{SHOT.height}"
    if made.seconds is not None:
        said = f"about {duration(made.seconds)} on one H100 for {shot}, its makers say"
        return [*lines, ("time", said)]
    return [*lines, ("time", "no figure is published; cosmos plan estimates by your own past runs")]


def _show_controls(screen: Screen, name: str, engine: Engine) -> None:
    from cosmos_workflow.engines import vocabulary

    if not engine.modalities:
        screen.say("it takes no controls")
        screen.say()
        return
    most = "0 or more" if engine.max_weight is None else f"0 to {engine.max_weight:g}"
    maps = ", or a .pt map" if engine.weight_maps else ""
    rows: list[tuple[str, ...]] = []
    for modality in engine.modalities:
        own = vocabulary.words(name, vocabulary.CONTROLS[modality])
        rows.append((str(modality), most + maps, *_own(own)))
    head: tuple[str, ...] = ("control", "weight", "its word", "remarks")
    if all(row[2] == "-" for row in rows):  # a program of ours, or one whose words are not known
        head, rows = head[:2], [row[:2] for row in rows]
    screen.table(head, rows)
    screen.say()


def _show_parameters(screen: Screen, name: str, engine: Engine) -> None:
    from cosmos_workflow.engines import vocabulary
    from cosmos_workflow.engines.rules import FLAGS

    if not engine.limits:
        screen.say("it has no parameters")
        return
    rows = []
    for key, limit in engine.limits.items():
        word, about = _own(vocabulary.words(name, vocabulary.PARAMETERS[key]))
        sent = "" if word in ("-", key) else f"sent as {word}"
        what = "; ".join(filter(None, (limit.help, about, sent)))
        span = " ".join(limit.choices) or limit.said()
        rows.append((FLAGS.get(key, key), shown(limit.default), span, what))
    screen.table(("parameter", "default", "range", "what it does"), rows)


def _show_options(screen: Screen, engine: Engine) -> None:
    options = engine.Options.model_fields
    if not options:
        return
    schema = engine.Options.model_json_schema().get("properties", {})
    rows = [
        (key, shown(field.get_default()), _type(schema[key]), field.description or "")
        for key, field in options.items()
    ]
    screen.say()
    screen.table(("--option", "default", "type", "what it does"), rows)


def _own(words: dict[str, str]) -> tuple[str, str]:
    """An engine's own words, and what has to be known of them."""
    return ", ".join(words) or "-", "; ".join(dict.fromkeys(filter(None, words.values())))


def shown(value: object) -> str:
    """A default for a person: ``-`` for nothing."""
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
