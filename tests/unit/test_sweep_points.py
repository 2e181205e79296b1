"""The points of a sweep: the same everywhere, even, and apart from one another."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, localcontext
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.errors import SpecError
from cosmos_workflow.workflows import sweep_draws as draws
from cosmos_workflow.workflows.sweep_axes import Axis, aim
from cosmos_workflow.workflows.sweep_grammar import read
from cosmos_workflow.workflows.sweep_points import Point, points, size

AXES = ("seed=1..20", "depth=0.2,0.4,0.6", "guidance~uniform(3,7)")


def axes(*texts: str) -> list[Axis]:
    return [aim(read(text), Preview(), ()) for text in texts]


def walk(*texts: str, sample: int = 0, seed: int = 7) -> list[tuple[object, ...]]:
    return [point.values for point in points(axes(*texts), sample, seed)]


def test_a_grid_turns_the_last_axis_fastest() -> None:
    assert walk("seed=1,2", "depth=0.1,0.2") == [(1, 0.1), (1, 0.2), (2, 0.1), (2, 0.2)]
    assert walk() == [()]


def test_an_axis_that_is_drawn_is_drawn_at_each_point_of_the_grid() -> None:
    found = walk(*AXES)
    assert len(found) == 60 and [one[:2] for one in found] == walk(*AXES[:2])
    assert len({one[2] for one in found}) == 60


def test_a_draw_needs_a_number_of_draws() -> None:
    with pytest.raises(SpecError, match="guidance is drawn") as caught:
        walk(AXES[2])
    assert "--sample" in caught.value.hint


def test_a_sample_uses_every_value_as_often() -> None:
    found = walk(*AXES, sample=200)
    assert len(found) == len(set(found)) == 200
    assert set(Counter(one[0] for one in found).values()) == {10}
    assert sorted(Counter(one[1] for one in found).values()) == [66, 67, 67]


def test_a_sample_as_large_as_the_grid_is_the_grid() -> None:
    assert walk(*AXES[:2], sample=60) == walk(*AXES[:2], sample=999) == walk(*AXES[:2])
    assert len(set(walk(*AXES[:2], sample=59))) == 59


def test_a_sample_ends_where_there_is_no_more() -> None:
    assert sorted(walk("blur_strength~choice(low,high)", sample=50)) == [("high",), ("low",)]
    assert len(walk("seed~uniform(1,3)", "depth=0.1,0.2", sample=50)) == 6


# The same digits on every machine, in every version of Python: whoever changes these lines
# changes the ids of everybody's sweeps.
def test_draws_are_as_they_ever_were() -> None:
    found = walk(
        "seed~uniform(0,4294967295)", "guidance~uniform(3,7)", "sigma_max~loguniform(0.01,80)",
        "depth~normal(0.5,0.2)", "blur_strength~choice(low,medium,high)", "fps=24,25,30", sample=3,
    )  # fmt: skip
    assert found == EVER


EVER: list[tuple[object, ...]] = [
    (2849010610, 5.61457, 5.77126, 0.994128, "low", 24),
    (3956659121, 5.25011, 0.0174509, 0.277433, "medium", 25),
    (2022558006, 6.3419, 0.0248106, 0.24133, "high", 30),
]


@pytest.mark.parametrize("precision", [2, 9, 60])
def test_the_precision_of_whoever_calls_does_not_matter(precision: int) -> None:
    plain = walk("guidance~normal(7,3)", "sigma_max~loguniform(0.01,80)", "seed=1..9", sample=9)
    with localcontext() as context:
        context.prec = precision
        again = walk("guidance~normal(7,3)", "sigma_max~loguniform(0.01,80)", "seed=1..9", sample=9)
    assert again == plain


@settings(max_examples=30)
@given(seed=st.integers(), sample=st.integers(1, 60), more=st.integers(0, 60))
def test_a_longer_sample_begins_with_the_shorter(seed: int, sample: int, more: int) -> None:
    short = walk(*AXES, sample=sample, seed=seed)
    assert walk(*AXES, sample=sample + more, seed=seed)[:sample] == short


OTHERS = ["depth=0.2,0.4", "vis~uniform(0,1)", "fps=20..30"]


@settings(max_examples=30)
@given(
    seed=st.integers(),
    chosen=st.lists(st.sampled_from(OTHERS), unique=True),
)  # fmt: skip
def test_one_more_axis_changes_no_other(seed: int, chosen: list[str]) -> None:
    alone = walk("seed=1..20", "guidance~normal(7,3)", sample=25, seed=seed)
    more = walk(*chosen, "seed=1..20", "guidance~normal(7,3)", sample=25, seed=seed)
    assert [one[len(chosen) :] for one in more] == alone


def test_the_seed_changes_every_draw() -> None:
    one, two = walk(AXES[2], sample=50, seed=1), walk(AXES[2], sample=50, seed=2)
    assert not set(one) & set(two)


LAWS = ["uniform(3,7)", "uniform(0.1234567,0.1234568)", "loguniform(0.001,20)", "normal(5,30)"]


@settings(max_examples=60)
@given(law=st.sampled_from(LAWS), seed=st.integers())
def test_draws_stay_in_range(law: str, seed: int) -> None:
    (axis,) = axes(f"guidance~{law}")
    assert isinstance(axis.values.numbers, tuple)  # type: ignore[union-attr]
    low, high = map(float, axis.values.numbers) if "normal" not in law else (0.0, 20.0)  # type: ignore[union-attr]
    for index in range(20):
        value, _ = axis.drawn(seed, index)
        assert isinstance(value, float) and low <= value <= high


def test_what_normal_draws_outside_is_clipped_and_known() -> None:
    found: list[Point] = list(points(axes("guidance~normal(7,10)"), 200, 7))
    clipped = [point for point in found if point.clipped]
    assert clipped and all(point.clipped == ("guidance",) for point in clipped)
    assert {point.values[0] for point in clipped} == {0.0, 20.0}


def test_laws_have_the_shape_they_are_named_for() -> None:
    (even,) = axes("guidance~uniform(0,10)")
    below = sum(float(even.drawn(1, n)[0]) < 2.5 for n in range(2000))
    assert 430 < below < 570
    (log,) = axes("sigma_max~loguniform(0.01,1)")
    assert 920 < sum(float(log.drawn(1, n)[0]) < 0.1 for n in range(2000)) < 1080
    bell = [float(draws.normal(Decimal(5), Decimal(2), 1, "x", n)) for n in range(2000)]
    mean = sum(bell) / 2000
    spread = (sum((one - mean) ** 2 for one in bell) / 2000) ** 0.5
    assert abs(mean - 5) < 0.15 and abs(spread - 2) < 0.15
    assert 0.65 < sum(3 <= one <= 7 for one in bell) / 2000 < 0.715


@given(size=st.integers(1, 40), seed=st.integers())
def test_an_order_has_each_once_before_any_again(size: int, seed: int) -> None:
    found = list(islice(draws.order(size, seed, "x"), 3 * size))
    for turn in range(3):
        assert sorted(found[turn * size : (turn + 1) * size]) == list(range(size))


@settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 6), max_size=4), sample=st.integers(0, 300), seed=st.integers()
)
def test_there_are_as_many_as_is_said_and_all_differ(
    sizes: list[int], sample: int, seed: int
) -> None:
    names = ("seed", "num_steps", "fps", "guidance")
    turned = axes(*(f"{name}=1..{many}" for name, many in zip(names, sizes, strict=False)))
    found = [point.values for point in points(turned, sample, seed)]
    assert len(found) == len(set(found)) == size(turned, sample)
