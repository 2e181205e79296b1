"""The words of --vary: what they mean, and what is refused before it costs anything."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.engines.engine import Limit
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.errors import SpecError
from cosmos_workflow.workflows.sweep_axes import Axis, Kind, aim, axis_names
from cosmos_workflow.workflows.sweep_grammar import Drawn, Listed, number, read
from cosmos_workflow.workflows.sweep_points import MOST, points, size


def axis(text: str, *places: str) -> Axis:
    return aim(read(text), Preview(), places)


def values(text: str, *places: str) -> list[object]:
    one = axis(text, *places)
    assert one.count is not None
    return [one.at(index) for index in range(one.count)]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("seed=1..4", "seed", [1, 2, 3, 4]),
        ("seed=7", "seed", [7]),
        ("steps=20..41..10", "num_steps", [20, 30, 40]),
        ("num-steps=5,1..2", "num_steps", [5, 1, 2]),
        ("depth=0.2..0.8..0.2", "depth", [0.2, 0.4, 0.6, 0.8]),
        ("weight.seg=1", "segmentation", [1.0]),
        ("seg=.5,mask.pt", "segmentation", [0.5, "mask.pt"]),
        ("guidance=3, 5e0", "guidance", [3.0, 5.0]),
        ("blur-strength=low,high", "blur_strength", ["low", "high"]),
        ("option.depth_near=white", "option.depth_near", ["white"]),
        ("depth_near=black", "option.depth_near", ["black"]),
        ("prompt=rain, neon|sun", "prompt", ["rain, neon", "sun"]),
        ('prompt="rain, neon", sun', "prompt", ["rain, neon", "sun"]),
        ("negative-prompt=people~=x", "negative_prompt", ["people~=x"]),
        ("sky=red,1..2", "sky", ["red", 1, 2]),
    ],
)
def test_lists_and_ranges(text: str, name: str, expected: list[object]) -> None:
    assert axis(text, "sky").name == name
    found = values(text, "sky")
    assert found == expected and [type(one) for one in found] == [type(one) for one in expected]


def test_what_an_axis_turns() -> None:
    kinds = {text: axis(text, "sky").kind for text in ("fps=24", "vis=1", "prompt=a", "sky=a")}
    assert list(kinds.values()) == [Kind.PARAMETER, Kind.WEIGHT, Kind.TEXT, Kind.PLACE]
    assert axis("option.depth_near=white", "depth_near").kind is Kind.OPTION
    assert axis("depth_near=white", "depth_near").kind is Kind.PLACE
    names = axis_names(Preview(), ["depth_near"])
    assert {"seed", "depth", "prompt", "depth_near", "option.depth_near"} <= set(names)
    for name in names:
        assert axis(f"{name}={_some(name)}", "depth_near").name == name


def _some(name: str) -> str:
    words = {"blur_strength": "low", "canny_threshold": "low", "option.depth_near": "white"}
    return words.get(name, "1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sed=1", "did you mean 'seed'?"),
        ("dpeth=1", "did you mean 'depth'?"),
        ("option.nothing=1", "there is no such thing to vary with preview"),
        ("color=0.5", "there is no such thing"),
        ("lidar=0.5", "takes no lidar control"),
        ("seed", "is not NAME=VALUES"),
        ("=1", "is not NAME=VALUES"),
        ("~uniform(1,2)", "is not NAME=VALUES"),
        ("seed=", "has no values"),
        ("seed=1,,2", "is empty"),
        ("seed=20..1", "runs backwards"),
        ("depth=0.8..0.2..0.1", "depth=0.2..0.8..0.1"),
        ("seed=1..9..0", "the step is not above 0"),
        ("seed=1..9..-1", "the step is not above 0"),
        ("seed=1..9..0.5", "a whole step"),
        ("depth=0.2..0.8", "has no step"),
        ("seed=nan", "'nan' is not a number that seed can have"),
        ("guidance=inf", "'inf' is not a number"),
        ("guidance=1..nan", "'1..nan' is not a number"),
        ("guidance=1_0", "'1_0' is not a number"),
        ("guidance=1e999", "'1e999' is not a number"),
        ("seed=1..1" + "0" * 50, "too long, large or small"),
        ("seed=1.5", "no whole number"),
        ("seed=-1", "seed -1 is out of range"),
        ("guidance=3,99", "guidance 99 is out of range"),
        ("guidance=3..99", "guidance 99 is out of range"),
        ("depth=0.5,1.1", "depth 1.1 is out of range"),
        ("depth=much", "neither a number nor a .pt map"),
        ("blur_strength=low,hihg", "did you mean 'high'?"),
        ("blur_strength=1..2", "takes words, not a range"),
        ("depth_near=white,blue", "--vary option.depth_near=white,blue"),
        ("guidance~unifrom(1,2)", "did you mean 'uniform'?"),
        ("guidance~uniform 1,2", "there is no such draw"),
        ("guidance~uniform(1)", "two numbers are needed"),
        ("guidance~uniform(1,nan)", "two numbers are needed"),
        ("guidance~uniform(5,2)", "the first is not below the second"),
        ("guidance~loguniform(0,2)", "begins above 0"),
        ("guidance~normal(5,0)", "the spread is not above 0"),
        ("guidance~uniform(1,21)", "guidance 21 is out of range"),
        ("seed~uniform(0.2,0.8)", "no whole number between"),
        ("seed~choice()", "has no values"),
        ("seed~choice(1,x)", "'x' is not a number that seed can have"),
        ("blur_strength~uniform(1,2)", "only choice draws words"),
        ('prompt="a, b', "do not close"),
    ],
)
def test_what_is_refused_names_the_axis(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        axis(text)
    assert expected in f"{caught.value.message}\n{caught.value.hint}"
    name = text.partition("=")[0].partition("~")[0].removeprefix("option.").replace("-", "_")
    assert name in caught.value.message


def test_an_engine_without_a_parameter_says_so() -> None:
    with pytest.raises(SpecError, match="has no blur_strength"):
        aim(read("blur_strength=low"), _WithoutBlur(), ())


class _WithoutBlur(Preview):
    limits: ClassVar[Mapping[str, Limit]] = {
        key: one for key, one in Preview.limits.items() if key != "blur_strength"
    }


def test_an_option_s_own_bounds_count() -> None:
    engine = Transfer25()
    assert aim(read("num_conditional_frames=0,1,2"), engine, ()).scale.whole
    with pytest.raises(SpecError, match=r"option\.num_conditional_frames"):
        aim(read("num_conditional_frames=99"), engine, ())


def test_a_billion_points_cost_nothing_and_are_refused() -> None:
    wide = axis("seed=0..4294967295")
    assert wide.count == 2**32 and wide.at(2**32 - 1) == 2**32 - 1
    with pytest.raises(SpecError, match="more than the 100,000"):
        size([wide], 0)
    with pytest.raises(SpecError, match="more than the 100,000"):
        points([axis("depth=0..1..1e-18"), wide], 0, 1)
    assert MOST == 100_000
    found = [point.values[0] for point in points([wide], 5, 1)]
    assert len(set(found)) == 5
    with pytest.raises(SpecError, match="--sample"):
        size([wide], MOST + 1)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        said = read(text)
    except SpecError as error:
        assert error.hint
        return
    assert said.name.strip() and isinstance(said.values, Listed | Drawn)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_numbers_are_finite_or_none(value: Decimal) -> None:
    found = number(str(value))
    assert found is None or (found == value and found.is_finite())
