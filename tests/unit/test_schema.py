"""JSON held to a shape: each fault by the name of its key."""

from __future__ import annotations

from typing import Any

import pytest

from cosmos_workflow.schema import faults, filled

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "count": {"type": "integer", "minimum": 0},
        "kind": {"type": "string", "enum": ["small", "large"]},
        "items": {
            "type": "array", "minItems": 1,
            "items": {"type": "object", "properties": {"at": {"type": "number"}},
                      "required": ["at"]},
        },
        "fps": {"type": "integer", "const": 24},
    },
    "required": ["name"],
    "additionalProperties": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": "a", "count": 0, "kind": "small", "items": [{"at": 1.5}, {"at": 2}]}, []),
        ([], ["the whole: it is an array, where an object is needed"]),
        ({}, ["name: it is missing"]),
        ({"name": "  "}, ["name: it is empty"]),
        ({"name": "longer"}, ["name: it has 6 characters, and at most 5 are allowed"]),
        ({"name": 3}, ["name: it is an integer, where a string is needed"]),
        ({"name": None}, ["name: it is null, where a string is needed"]),
        ({"name": "a", "count": True}, ["count: it is a boolean, where an integer is needed"]),
        ({"name": "a", "count": 1.5}, ["count: it is a number, where an integer is needed"]),
        ({"name": "a", "count": -1}, ["count: -1 is less than 0"]),
        (
            {"name": "a", "kind": "smal"},
            ["kind: did you mean 'small'? it is one of small, large"],
        ),
        ({"name": "a", "items": []}, ["items: it is empty"]),
        ({"name": "a", "items": [{"at": 1}, {}]}, ["items[1].at: it is missing"]),
        ({"name": "a", "nam": 1}, ["nam: did you mean 'name'? there is no such key"]),
        ({"name": "a", "fps": 30}, ["fps: it is fixed to 24"]),
    ],
)
def test_each_fault_names_its_key(value: Any, said: list[str]) -> None:
    assert faults(value, SCHEMA) == said


def test_what_is_fixed_is_filled_in() -> None:
    assert filled({"name": "a", "fps": 30}, SCHEMA) == {"name": "a", "fps": 24}
    nested = {"type": "array", "items": SCHEMA}
    assert filled([{"name": "a"}, 3], nested) == [{"name": "a", "fps": 24}, 3]


def test_a_shape_that_says_nothing_takes_anything() -> None:
    for value in (None, [], {"a": 1}, "x"):
        assert faults(value, {}) == []
