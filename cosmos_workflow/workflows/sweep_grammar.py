"""The words of ``--vary``: lists, ranges and draws, read without knowing what they are for.

    NAME=a,b,c        a list; items with a comma stand in double quotes, or between "|"
    NAME=1..20        a range, both ends in it; NAME=1..20..5 and NAME=0.2..0.8..0.2 with a step
    NAME~uniform(3,7) ~loguniform(a,b) ~normal(mean,sd) ~choice(a,b,c): drawn

Numbers are decimals, so that 0.2..0.8..0.2 has 0.6 in it and no 0.6000000000000001.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

from cosmos_workflow.errors import SpecError, did_you_mean

LAWS = {"uniform": 2, "loguniform": 2, "normal": 2, "choice": 0}
"""Kinds of draws, and how many numbers each takes (0: any number of words)."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?"
_NUMBERS = re.compile(_NUMBER)
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")
_DRAW = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
_LONGEST = 40
_LARGEST, _FINEST = Decimal("1e18"), Decimal("1e-18")

HOW = "like seed=1..20, depth=0.2,0.4,0.6, guidance=3..7..0.5 or guidance~uniform(3,7)"


@dataclass(frozen=True)
class Range:
    """``count`` numbers from ``first`` on, ``step`` apart."""

    first: Decimal
    step: Decimal
    count: int

    def at(self, index: int) -> Decimal:
        """The number at ``index``, from 0."""
        return self.first + self.step * index


@dataclass(frozen=True)
class Listed:
    """Words and ranges of numbers, one after another; a range takes no room however long."""

    parts: tuple[str | Range, ...]

    @cached_property
    def _ends(self) -> list[int]:
        """For each part, how many values there are up to its end."""
        return list(accumulate(1 if isinstance(one, str) else one.count for one in self.parts))

    @property
    def count(self) -> int:
        """How many values there are in all."""
        return self._ends[-1]

    def at(self, index: int) -> str | Decimal:
        """The value at ``index``, from 0."""
        place = bisect_right(self._ends, index)
        part = self.parts[place]
        begin = self._ends[place - 1] if place else 0
        return part if isinstance(part, str) else part.at(index - begin)


@dataclass(frozen=True)
class Drawn:
    """A draw of some ``law`` of LAWS: two ``numbers``, or ``words`` to choose from."""

    law: str
    numbers: tuple[Decimal, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """One ``--vary``: the name and the text as they were written, and what the text means."""

    name: str
    text: str
    values: Listed | Drawn


def read(text: str) -> Said:
    """What one ``--vary`` says.  Raises SpecError naming the axis."""
    found = re.match(r"([^=~]*)([=~])(.*)", text, re.DOTALL)
    name = found[1].strip() if found else ""
    if not found or not name:
        raise SpecError(f"--vary {text!r} is not NAME=VALUES or NAME~DRAW", hint=HOW)
    mark, rest = found[2], found[3]
    values: Listed | Drawn = _listed(name, rest) if mark == "=" else _drawn(name, rest)
    return Said(name, mark + rest.strip(), values)


def number(text: str) -> Decimal | None:
    """The plain number that ``text`` is, of a size that a computer has; else None."""
    text = text.strip()
    if len(text) > _LONGEST or not _NUMBERS.fullmatch(text):
        return None
    value = Decimal(text)
    return value if not value or _FINEST <= abs(value) <= _LARGEST else None


def _listed(name: str, text: str) -> Listed:
    words = _split(name, text)
    if not words:
        raise SpecError(f"--vary {name}= has no values", hint=HOW)
    return Listed(tuple(_item(name, word) for word in words))


def _item(name: str, word: str) -> str | Range:
    found = _RANGE.fullmatch(word)
    if not found:
        return word
    first, last = number(found[1]), number(found[2])
    step = number(found[3]) if found[3] else Decimal(1)
    if first is None or last is None or step is None:
        raise SpecError(f"--vary {name}={word}: a number is too long, large or small", hint=HOW)
    if not found[3] and (first != int(first) or last != int(last)):
        raise SpecError(
            f"--vary {name}={word} has no step, and its ends are not whole",
            hint=f"say the step: {name}={word}..0.1",
        )
    if step <= 0:
        raise SpecError(f"--vary {name}={word}: the step is not above 0", hint=HOW)
    if last < first:
        turned = f"{found[2]}..{found[1]}" + (f"..{found[3]}" if found[3] else "")
        raise SpecError(f"--vary {name}={word} runs backwards", hint=f"{name}={turned}")
    steps = (Fraction(last) - Fraction(first)) // Fraction(step)
    return Range(first, step, int(steps) + 1)


def _split(name: str, text: str) -> list[str]:
    """Words between "|" where there is one, else between commas that no quotes enclose."""
    if "|" in text:
        words = text.split("|")
    elif '"' not in text:
        words = text.split(",")
    else:
        try:
            words = next(csv.reader([text], skipinitialspace=True, strict=True), [])
        except csv.Error as error:
            raise SpecError(
                f"--vary {name}: the quotes in {text!r} do not close",
                hint=f'{name}="one, with a comma",two, or {name}=one, with a comma|two',
            ) from error
    words = [word.strip() for word in words]
    if any(words) and not all(words):
        raise SpecError(f"--vary {name}: a value between two commas is empty", hint=HOW)
    return [word for word in words if word]


def _drawn(name: str, text: str) -> Drawn:
    found = _DRAW.fullmatch(text)
    law = found[1].lower() if found else text.strip()
    if not found or law not in LAWS:
        raise SpecError(
            f"--vary {name}~{text.strip()}: there is no such draw",
            hint=f"{did_you_mean(law, list(LAWS))}uniform(a,b), loguniform(a,b), normal(mean,sd), "
            "choice(a,b,c)",
        )
    words = _split(name, found[2])
    if not LAWS[law]:
        if not words:
            raise SpecError(f"--vary {name}~choice() has no values", hint=HOW)
        return Drawn(law, words=tuple(words))
    return Drawn(law, _two(name, law, words))


def _two(name: str, law: str, words: Sequence[str]) -> tuple[Decimal, Decimal]:
    said = f"--vary {name}~{law}({','.join(words)})"
    numbers = [value for word in words if (value := number(word)) is not None]
    if len(words) != 2 or len(numbers) != 2:
        raise SpecError(f"{said}: two numbers are needed", hint=HOW)
    first, second = numbers
    if law == "normal":
        if second <= 0:
            raise SpecError(f"{said}: the spread is not above 0", hint="normal(mean,sd)")
    elif first >= second:
        raise SpecError(f"{said}: the first is not below the second", hint=f"{law}(low,high)")
    elif law == "loguniform" and first <= 0:
        raise SpecError(f"{said}: it begins above 0, there is no logarithm of less", hint=HOW)
    return first, second
