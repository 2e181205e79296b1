"""Whether JSON has the shape that is asked for, in the few words of JSON Schema that we use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosmos_workflow.errors import did_you_mean

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": Mapping,
    "null": type(None),
}


def faults(value: Any, schema: Mapping[str, Any], where: str = "") -> list[str]:
    """What is wrong with a value, a line each that names the key; empty when nothing is.

    Known: type, const, enum, minLength, maxLength, minimum, items, minItems, properties, required,
    additionalProperties (False).  What a schema says beyond them is not held against the value.
    """
    return [f"{place or 'the whole'}: {said}" for place, said in _faults(value, schema, where)]


def filled(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value with every property that the schema fixes (``const``) as it is fixed."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return [filled(item, items) for item in value]
    if not isinstance(value, Mapping):
        return value
    rules: Mapping[str, Any] = schema.get("properties", {})
    known = {key: filled(item, rules.get(key, {})) for key, item in value.items()}
    return known | {key: rule["const"] for key, rule in rules.items() if "const" in rule}


def _faults(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        yield where, f"{_named(value)}, where {_article(kind)} is needed"
        return
    if "const" in schema and value != schema["const"]:
        yield where, f"it is fixed to {schema['const']!r}"
    options = schema.get("enum")
    if options is not None and value not in options:
        known = [str(one) for one in options]
        yield where, f"{did_you_mean(str(value), known)}it is one of {', '.join(known)}"
    if isinstance(value, str):
        yield from ((where, said) for said in _length(value, schema))
    low = schema.get("minimum")
    if low is not None and isinstance(value, int | float) and value < low:
        yield where, f"{value} is less than {low}"
    if isinstance(value, list):
        yield from _listed(value, schema, where)
    if isinstance(value, Mapping):
        yield from _keyed(value, schema, where)


def _length(value: str, schema: Mapping[str, Any]) -> Iterator[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(value.strip()) < least:
        yield "it is empty" if not value.strip() else f"it is shorter than {least} characters"
    if most is not None and len(value) > most:
        yield f"it has {len(value)} characters, and at most {most} are allowed"


def _listed(
    value: Sequence[Any], schema: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str]]:
    least = schema.get("minItems", 0)
    if len(value) < least:
        yield where, "it is empty" if not value else f"it has fewer than {least} items"
    for number, item in enumerate(value):
        yield from _faults(item, schema.get("items", {}), f"{where}[{number}]")


def _keyed(
    value: Mapping[str, Any], schema: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str]]:
    rules: Mapping[str, Any] = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            yield _below(where, key), "it is missing"
    for key, item in value.items():
        if key in rules:
            yield from _faults(item, rules[key], _below(where, key))
        elif schema.get("additionalProperties") is False:
            yield _below(where, key), f"{did_you_mean(key, list(rules))}there is no such key"


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS.get(kind, object))


def _named(value: Any) -> str:
    for kind in ("null", "boolean", "string", "integer", "number", "array", "object"):
        if _is(value, kind):
            return f"it is {_article(kind)}"
    return "it is of another kind"


def _article(kind: str) -> str:
    if kind == "null":
        return "null"
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"
