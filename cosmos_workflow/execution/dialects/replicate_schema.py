"""An input held to its model's own schema: every field that the model would refuse, by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosmos_workflow.execution.job import Attached

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str, Attached),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
}

_DEPTH = 8
"""References that lead to references are followed so far."""


def schema_of(page: Any) -> Mapping[str, Any]:
    """The schema of a model's input; empty where its page has none.

    ``page``: a model, whose newest version it is, or one version.
    """
    document = _document(page)
    schema = _at(document, "components", "schemas", "Input")
    return schema if isinstance(schema, Mapping) else {}


def faults(given: Any, schema: Mapping[str, Any], page: Any) -> Sequence[str]:
    """What the model would refuse, a line a field; empty when it takes all, or says nothing."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping) or not isinstance(given, Mapping):
        return ()
    document, found = _document(page), []
    for name, value in given.items():
        if name not in fields:
            found.append(_unknown(name, list(fields)))
        else:
            found += [f"{name}: {said}" for said in _wrong(value, fields[name], document)]
    needed = schema.get("required")
    for name in needed if isinstance(needed, list) else ():
        if name not in given:
            found.append(f"{name}: it is missing, and the model needs it")
    return found


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.6)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"{name}: there is no such input; {guess}inputs: {', '.join(known)}"


def _wrong(value: Any, field: Any, document: Any) -> Iterator[str]:
    rules = _flat(field, document)
    options = rules.get("enum")
    if isinstance(options, list):
        if value not in options:
            near = difflib.get_close_matches(str(value), [str(one) for one in options], 1, 0.5)
            guess = f"did you mean {near[0]}? " if near else ""
            shown = ", ".join(str(one) for one in options)
            yield f"{_shown(value)} is no choice; {guess}choices: {shown}"
        return
    kind = rules.get("type")
    if isinstance(kind, str) and not _is(value, kind):
        yield f"{_shown(value)} is not of the type {kind}"
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _out_of_range(value, rules)
    if isinstance(value, str):
        most, least = rules.get("maxLength"), rules.get("minLength")
        if isinstance(most, int) and len(value) > most:
            yield f"{len(value)} characters; it takes {most}"
        if isinstance(least, int) and len(value) < least:
            yield f"{len(value)} characters; it wants {least} or more"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _out_of_range(value: float, rules: Mapping[str, Any]) -> Iterator[str]:
    low, high, step = rules.get("minimum"), rules.get("maximum"), rules.get("multipleOf")
    below = isinstance(low, int | float) and value < low
    above = isinstance(high, int | float) and value > high
    if below or above:
        bounds = f"{low} to {high}"
        if high is None:
            bounds = f"{low} or more"
        elif low is None:
            bounds = f"{high} or less"
        yield f"{value} is out of range; it takes {bounds}"
    elif isinstance(step, int | float) and step and value % step:
        yield f"{value} is no multiple of {step}"


def _flat(field: Any, document: Any) -> Mapping[str, Any]:
    """The field's rules with those it refers to; what may be this or that is left open."""
    rules: dict[str, Any] = {}
    _gather(field, document, rules, _DEPTH)
    return rules


def _gather(field: Any, document: Any, rules: dict[str, Any], depth: int) -> None:
    if not isinstance(field, Mapping) or depth == 0:
        return
    for key, value in field.items():
        rules.setdefault(key, value)
    target = field.get("$ref")
    if isinstance(target, str) and target.startswith("#/"):
        _gather(_at(document, *target[2:].split("/")), document, rules, depth - 1)
    for part in field.get("allOf") or ():
        _gather(part, document, rules, depth - 1)


def _document(page: Any) -> Any:
    if not isinstance(page, Mapping):
        return None
    latest = page.get("latest_version")
    return page.get("openapi_schema") or (
        latest.get("openapi_schema") if isinstance(latest, Mapping) else None
    )


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Attached):
        return "a file"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
