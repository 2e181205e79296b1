"""The points of a sweep: a grid that is walked, or a number of points that are drawn.

Without ``sample``: every combination of the listed axes, the last one turning fastest; an axis that
is drawn gets a fresh draw at each.

With ``sample`` N: N points in all, each axis on its own.  A listed axis goes through its values in
a drawn order, each once before any comes again; so every value is used as often as any other.  A
point that was there already is drawn anew.  The first points of a longer sample are the shorter
one; and an axis has the same draws whichever others there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from cosmos_workflow.errors import SpecError
from cosmos_workflow.workflows import sweep_draws as draws
from cosmos_workflow.workflows.sweep_axes import Value

MOST = 100_000
"""Points of one sweep.  More is a mistake in a range, or a job for several sweeps."""

_PATIENCE = 20
"""Draws for each point that is wanted, before it is believed that there are no more."""


class Turned(Protocol):
    """What gives the values of one axis."""

    @property
    def name(self) -> str:
        """Its name, which its draws belong to."""

    @property
    def count(self) -> int | None:
        """How many values there are; None for one that is drawn."""

    def at(self, index: int) -> Value:
        """The listed value at ``index``."""

    def drawn(self, seed: int, index: int) -> tuple[Value, bool]:
        """Draw number ``index``, and whether it was clipped."""


@dataclass(frozen=True)
class Point:
    """A value for each axis, in their order, and the names of those that were clipped."""

    values: tuple[Value, ...]
    clipped: tuple[str, ...] = ()


def size(axes: Sequence[Turned], sample: int) -> int:
    """How many points there are, at most.  Raises SpecError for more than MOST, or for one draw
    where nobody said how many; no memory is used."""
    grid = _grid(axes)
    drawn = [axis.name for axis in axes if axis.count is None]
    if not sample and drawn and grid == 1:
        raise SpecError(
            f"{', '.join(drawn)} is drawn, and nothing says how often", hint="add --sample 20"
        )
    number = sample if _is_sampled(axes, sample) else grid
    if number > MOST:
        sizes = " x ".join(f"{axis.name} {axis.count}" for axis in axes if (axis.count or 1) > 1)
        made = sizes if number == grid else "--sample"
        raise SpecError(
            f"{number:,} runs ({made}) are more than the {MOST:,} of one sweep",
            hint="--sample 200 draws some of them, or give shorter ranges",
        )
    return number


def points(axes: Sequence[Turned], sample: int, seed: int) -> Iterator[Point]:
    """The points, one after another.  Raises what ``size`` raises."""
    number = size(axes, sample)
    if _is_sampled(axes, sample):
        return _sampled(axes, number, seed)
    return _walked(axes, number, seed)


def _is_sampled(axes: Sequence[Turned], sample: int) -> bool:
    """Not where a sample would be the whole grid: that is walked."""
    drawn = any(axis.count is None for axis in axes)
    return bool(sample) and (drawn or sample < _grid(axes))


def _grid(axes: Sequence[Turned]) -> int:
    return prod(axis.count for axis in axes if axis.count is not None)


def _walked(axes: Sequence[Turned], number: int, seed: int) -> Iterator[Point]:
    for index in range(number):
        values: list[Value] = []
        clipped: list[str] = []
        rest = index
        for axis in reversed(axes):
            if axis.count is None:
                _draw(axis, seed, index, values, clipped)
            else:
                rest, place = divmod(rest, axis.count)
                values.append(axis.at(place))
        yield Point(tuple(reversed(values)), tuple(clipped))


def _sampled(axes: Sequence[Turned], number: int, seed: int) -> Iterator[Point]:
    orders = {axis.name: draws.order(axis.count, seed, axis.name) for axis in axes if axis.count}
    seen: set[tuple[Value, ...]] = set()
    for index in range(number * _PATIENCE):
        if len(seen) == number:
            return
        values: list[Value] = []
        clipped: list[str] = []
        for axis in axes:
            if axis.name in orders:
                values.append(axis.at(next(orders[axis.name])))
            else:
                _draw(axis, seed, index, values, clipped)
        if tuple(values) not in seen:
            seen.add(tuple(values))
            yield Point(tuple(values), tuple(clipped))


def _draw(axis: Turned, seed: int, index: int, values: list[Value], clipped: list[str]) -> None:
    value, outside = axis.drawn(seed, index)
    values.append(value)
    if outside:
        clipped.append(axis.name)
