"""The table of loadable things, and the tree of errors."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from cosmos_workflow import errors
from cosmos_workflow.errors import ConfigError, CosmosError, did_you_mean
from cosmos_workflow.registry import Registry


class Table(Registry):
    """A registry with the entry points of imagined packages."""

    def _entry_points(self) -> dict[str, metadata.EntryPoint]:
        points = (("other", "math:tau"), ("pi", "math:inf"))
        return {n: metadata.EntryPoint(n, where, "cosmos_workflow.test") for n, where in points}


TABLE = Table("number", "cosmos_workflow.test", {"pi": "math:pi", "bad": "no_such_module:x"})


def test_rows_and_entry_points_are_loaded_when_asked_for() -> None:
    assert TABLE.names() == ["pi", "bad", "other"]
    assert 3.1 < TABLE.load("pi") < 3.2  # an entry point adds, it never replaces
    assert TABLE.load("other") > 6
    assert list(TABLE) == TABLE.names()


def test_an_unknown_name_names_the_closest() -> None:
    with pytest.raises(ConfigError, match="no number named 'othr'") as caught:
        TABLE.load("othr")
    assert caught.value.hint == "did you mean 'other'? known: pi, bad, other"


def test_did_you_mean_is_silent_when_nothing_is_close() -> None:
    assert did_you_mean("dpeth", ("depth", "edge")) == "did you mean 'depth'? "
    assert did_you_mean("zzz", ("depth", "edge")) == ""


def tree(kind: type[CosmosError]) -> set[type[CosmosError]]:
    return {kind}.union(*(tree(child) for child in kind.__subclasses__()))


def test_the_drawing_of_the_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"([A-Z]\w+)(?: (\d))?", errors.__doc__ or ""))
    for kind in tree(CosmosError):
        if kind.__module__ != errors.__name__:
            continue
        assert kind.__name__ in drawn
        if drawn[kind.__name__]:
            assert kind.exit_code == int(drawn[kind.__name__])
        starred = re.search(rf"{kind.__name__} \*", errors.__doc__ or "") is not None
        assert kind.transient == starred
