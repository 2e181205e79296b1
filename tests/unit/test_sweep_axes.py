"""Axes of a sweep: what they mean, what is refused, and that draws are the same everywhere."""

from __future__ import annotations

from collections import Counter
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import SpecError
from cosmos_workflow.workflows.sweep_axes import MOST_VALUES, points, read


@pytest.mark.parametrize(("text", "values"), [
    ("seed=1..4", (1, 2, 3, 4)),
    ("seed=10..1..-3", (10, 7, 4, 1)),
    ("seed=3..1", (3, 2, 1)),
    ("depth=0.2,0.4,0.6", (0.2, 0.4, 0.6)),
    ("depth=0.2..0.8..0.2", (0.2, 0.4, 0.6, 0.8)),
    ("seed=1..3,7,7,9..10", (1, 2, 3, 7, 9, 10)),
    ("weather=rain, snow", ("rain", "snow")),
    ("guidance=3,4.5", (3, 4.5)),
    ("prompt=a street,a lane", ("a street", "a lane")),
])  # fmt: skip
def test_lists_and_ranges(text: str, values: tuple[object, ...]) -> None:
    (axis,) = read([text])
    assert axis.values == values and not axis.drawn


@pytest.mark.parametrize(("text", "words"), [
    ("seed", "cannot be read"),
    ("=1,2", "cannot be read"),
    ("1seed=2", "cannot be read"),
    ("seed=1..", "is no range"),
    ("seed=1..10..0", "never comes to its end"),
    ("seed=10..1..2", "never comes to its end"),
    ("depth=0.1..0.9", "needs a step"),
    ("seed=1..1000000000", "more than 100000 values"),
    ("seed=1,,2", "an empty value"),
    ("guidance~gauss(1,2)", "no way to draw"),
    ("guidance~uniform(7,3)", "the smaller one"),
    ("guidance~uniform(1)", "takes two numbers"),
    ("guidance~uniform(nan,inf)", "takes two numbers"),
    ("guidance~loguniform(0,3)", "above 0"),
    ("guidance~normal(5,0)", "above 0"),
    ("guidance~choice()", "nothing to choose"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words) as error:
        read([text])
    assert error.value.hint


def test_an_axis_is_given_once() -> None:
    with pytest.raises(SpecError, match="given twice"):
        read(["seed=1", "seed=2"])


def test_a_grid_runs_its_last_axis_fastest() -> None:
    found = points(read(["seed=1,2", "depth=0.2,0.4"]), None, 0)
    assert [tuple(point.values()) for point in found] == [(1, 0.2), (1, 0.4), (2, 0.2), (2, 0.4)]


def test_a_draw_is_the_same_on_every_machine() -> None:
    """Numbers as they were when this was written: they may never change."""
    axes = read(["guidance~uniform(3,7)", "sigma_max~loguniform(1,80)", "fps~normal(24,3)"])
    assert points(axes, 2, 7) == [
        {"guidance": 5.25518, "sigma_max": 9.94659, "fps": 23.082},
        {"guidance": 6.29671, "sigma_max": 2.44655, "fps": 24.4265},
    ]


def test_a_further_axis_changes_none_of_the_others() -> None:
    alone = points(read(["guidance~uniform(3,7)"]), 20, 1)
    more = points(read(["depth~uniform(0,1)", "guidance~uniform(3,7)"]), 20, 1)
    assert [p["guidance"] for p in alone] == [p["guidance"] for p in more]
    assert [p["guidance"] for p in alone[:5]] == [
        p["guidance"] for p in points(read(["guidance~uniform(3,7)"]), 5, 1)
    ]


def test_draws_are_spread_as_they_are_named() -> None:
    axes = read(["a~uniform(3,7)", "b~normal(5,2)", "c~loguniform(1,100)", "d~choice(x,y,z)"])
    found = points(axes, 4000, 3)
    uniform = [float(p["a"]) for p in found]
    normal = [float(p["b"]) for p in found]
    assert 3 <= min(uniform) < 3.05 and 6.95 < max(uniform) < 7 and 4.9 < mean(uniform) < 5.1
    assert 4.9 < mean(normal) < 5.1 and 1.9 < stdev(normal) < 2.1
    assert 0.45 < mean(float(p["c"]) < 10 for p in found) < 0.55
    assert all(1200 < n < 1470 for n in Counter(p["d"] for p in found).values())


def test_a_sample_of_a_grid_is_some_of_its_points_each_once() -> None:
    grid = read(["seed=1..10", "depth=0.2,0.4"])
    found = points(grid, 7, 5)
    assert len(found) == 7 == len({tuple(p.values()) for p in found})
    assert points(grid, 7, 5) == found != points(grid, 7, 6)
    assert len(points(grid, 100, 5)) == 20


def test_a_grid_with_draws_is_gone_through_again() -> None:
    found = points(read(["seed=1,2", "guidance~uniform(3,7)"]), 5, 0)
    assert len(found) == 5 == len({p["guidance"] for p in found})
    assert sorted(Counter(p["seed"] for p in found).values()) == [2, 3]


def test_too_many_points_are_refused_before_they_are_made() -> None:
    with pytest.raises(SpecError, match="the most of one sweep"):
        points(read(["a=1..50000", "b=1..50000"]), None, 0)
    with pytest.raises(SpecError, match="the most of one sweep"):
        points(read(["a~uniform(0,1)"]), MOST_VALUES + 1, 0)
    with pytest.raises(SpecError, match="say how often"):
        points(read(["a~uniform(0,1)"]), None, 0)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        (axis,) = read([text])
    except SpecError:
        return
    assert axis.values and axis.name
