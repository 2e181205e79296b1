"""What a sweep varies: ``seed=1..20``, ``depth=0.2,0.4``, ``guidance~uniform(3,7)`` as axes.

Every draw comes from the sha256 of the sweep's seed, the axis's name and the draw's number: the
same on every machine and version of Python, and a further axis changes none of the others.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cosmos_workflow.errors import SpecError

Value = str | float | int

MOST_VALUES = 100_000
"""Values of one axis, and points of a sweep."""

_NAME = r"(?P<name>[^\W\d][\w.]*)"
_LISTED = re.compile(rf"{_NAME}=(?P<values>.+)", re.DOTALL)
_DRAWN = re.compile(rf"{_NAME}~(?P<kind>[a-z]+)\((?P<values>.*)\)", re.DOTALL)
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")

KINDS = {
    "uniform": ("from", "to"),
    "loguniform": ("from", "to"),
    "normal": ("mean", "deviation"),
    "choice": (),
}
"""Ways to draw, and the numbers that each takes; choice takes any values."""

GRAMMAR = "like seed=1..20, depth=0.2,0.4,0.6, guidance~uniform(3,7) or weather=rain,snow"


@dataclass(frozen=True)
class Axis:
    """One thing that is varied.  ``kind`` is "list", or a way to draw; ``values`` as written."""

    name: str
    kind: str
    values: tuple[Value, ...]
    text: str

    @property
    def drawn(self) -> bool:
        """Whether its values are drawn, not gone through."""
        return self.kind != "list"

    def draw(self, seed: int, number: int) -> Value:
        """The value of draw ``number``."""
        share = chance(f"{seed}/{self.name}/{number}")
        if self.kind == "choice":
            return self.values[int(share * len(self.values))]
        one, two = (float(value) for value in self.values)
        if self.kind == "uniform":
            return _rounded(one + (two - one) * share)
        if self.kind == "loguniform":
            return _rounded(math.exp(math.log(one) + (math.log(two) - math.log(one)) * share))
        return _rounded(NormalDist(one, two).inv_cdf(min(max(share, 1e-12), 1 - 1e-12)))


def chance(text: str) -> float:
    """A number from 0 up to, and without, 1, by the sha256 of ``text``."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _rounded(value: float) -> float:
    """Six digits: the last ones of a logarithm differ between machines."""
    return float(f"{value:.6g}")


def read(texts: Sequence[str]) -> tuple[Axis, ...]:
    """The axes that ``--vary`` names.  Raises SpecError for what cannot be read."""
    axes = tuple(_axis(text) for text in texts)
    names = [axis.name for axis in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SpecError(
            f"--vary {twice} is given twice", hint=f"all its values together: {twice}=1,2,3"
        )
    return axes


def _axis(text: str) -> Axis:
    drawn = _DRAWN.fullmatch(text.strip())
    if drawn:
        return _draw(drawn["name"], drawn["kind"], drawn["values"], text)
    listed = _LISTED.fullmatch(text.strip())
    if not listed:
        raise SpecError(f"--vary {text!r} cannot be read", hint=GRAMMAR)
    values: list[Value] = []
    for part in listed["values"].split(","):
        values += _range(part.strip(), text)
        if len(values) > MOST_VALUES:
            raise _too_many(text)
    return Axis(listed["name"], "list", tuple(dict.fromkeys(values)), text)


def _draw(name: str, kind: str, inside: str, text: str) -> Axis:
    parts = [part.strip() for part in inside.split(",") if part.strip()]
    if kind not in KINDS:
        raise SpecError(
            f"--vary {text!r}: {kind!r} is no way to draw", hint=f"known: {', '.join(KINDS)}"
        )
    if kind == "choice":
        if not parts:
            raise SpecError(f"--vary {text!r} has nothing to choose from", hint=GRAMMAR)
        return Axis(name, kind, tuple(_value(part) for part in parts), text)
    wanted = KINDS[kind]
    numbers = [_number(part) for part in parts]
    if len(numbers) != 2 or None in numbers:
        raise SpecError(
            f"--vary {text!r}: {kind} takes two numbers, {' and '.join(wanted)}", hint=GRAMMAR
        )
    one, two = (float(number) for number in numbers if number is not None)
    wrong = {
        "uniform": one > two and "its first number is the smaller one",
        "loguniform": not 0 < one <= two and "both numbers are above 0, the smaller one first",
        "normal": two <= 0 and "the deviation is above 0",
    }[kind]
    if wrong:
        raise SpecError(f"--vary {text!r}: {wrong}", hint=GRAMMAR)
    return Axis(name, kind, (one, two), text)


def _range(part: str, text: str) -> list[Value]:
    """``1..20``, ``1..20..5``, ``0.2..0.8..0.2``, both ends included; else the word itself."""
    match = _RANGE.fullmatch(part)
    if not match:
        if ".." in part and re.fullmatch(r"[\d.+-]+", part):
            raise SpecError(
                f"--vary {text!r}: {part} is no range", hint="like 1..20 or 0.2..0.8..0.2"
            )
        if not part:
            raise SpecError(f"--vary {text!r} has an empty value", hint=GRAMMAR)
        return [_value(part)]
    whole = not any(mark in one for one in match.groups() if one for mark in ".eE")
    first, last = float(match[1]), float(match[2])
    if match[3] is None and not whole:
        raise SpecError(
            f"--vary {text!r}: a range of fractions needs a step", hint="like 0.2..0.8..0.2"
        )
    step = float(match[3] or (1 if last >= first else -1))
    if step == 0 or (last - first) * step < 0:
        raise SpecError(f"--vary {text!r}: {part} never comes to its end", hint="like 1..20..5")
    count = math.floor((last - first) / step + 1e-9) + 1
    if count > MOST_VALUES:
        raise _too_many(text)
    values = (first + step * number for number in range(count))
    return [round(value) if whole else _rounded(value) for value in values]


def _value(text: str) -> Value:
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> float | int | None:
    """A finite number as it is written: whole ones stay whole."""
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(_NUMBER, text) else None


def _too_many(text: str) -> SpecError:
    return SpecError(
        f"--vary {text!r} has more than {MOST_VALUES} values",
        hint=f"draw some: {text.partition('=')[0]}~uniform(FROM,TO) with --sample",
    )


# -- points ---------------------------------------------------------------------------------------


def points(axes: Sequence[Axis], sample: int | None, seed: int) -> list[dict[str, Value]]:
    """The points of the sweep, each a value for every axis, in order.

    Lists span a grid, the last one running fastest.  Without ``sample`` there is a point for each
    place of the grid, drawn axes drawn anew for each.  With it there are so many: the first ones of
    the grid in an order drawn by ``seed``, over and over where it is smaller and others are drawn.
    """
    listed, drawn = [a for a in axes if not a.drawn], [a for a in axes if a.drawn]
    size = math.prod(len(axis.values) for axis in listed)
    if not listed and sample is None:
        raise SpecError("all that is varied is drawn: say how often", hint="add --sample 20")
    count = size if sample is None else (sample if drawn else min(sample, size))
    if max(count, size) > MOST_VALUES:
        raise SpecError(
            f"these are {max(count, size)} points; {MOST_VALUES} are the most of one sweep",
            hint="fewer values, or draw them and say --sample",
        )
    places = list(range(size))
    if sample is not None and listed:
        places.sort(key=lambda place: chance(f"{seed}//{place}"))
    found = []
    for number in range(count):
        point = _place(listed, places[number % size]) if listed else {}
        point |= {axis.name: axis.draw(seed, number) for axis in drawn}
        found.append({axis.name: point[axis.name] for axis in axes})
    return found


def _place(axes: Sequence[Axis], place: int) -> dict[str, Value]:
    point: dict[str, Value] = {}
    for axis in reversed(axes):
        place, number = divmod(place, len(axis.values))
        point[axis.name] = axis.values[number]
    return point
