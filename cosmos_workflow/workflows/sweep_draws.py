"""Draws that are the same on every machine and in every version of Python.

``random.Random`` may change its algorithms between versions, and ``math.log`` is the platform's
own, right only to its last digit.  An id is a hash of the drawn digits, so neither will do: the
bits come from sha256 over (seed, axis, number of the draw), and the arithmetic is ``decimal``,
whose results are fixed to the last digit by its specification.

A stream belongs to one axis, by its name: one more axis changes nothing in the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from itertools import count
from math import ceil, floor

DIGITS = 6
"""Significant digits of a drawn number: enough for every knob, short enough to read and say."""

_BITS = 53
_EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)


def _bits(seed: int, axis: str, *place: int) -> int:
    key = json.dumps([seed, axis, *place], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")


def below(limit: int, seed: int, axis: str, *place: int) -> int:
    """A whole number from 0 to ``limit`` - 1.  Of 256 bits the rest is even enough."""
    return _bits(seed, axis, *place) % limit


def share(seed: int, axis: str, *place: int) -> Decimal:
    """A number between 0 and 1, neither of them."""
    odd = 2 * (_bits(seed, axis, *place) >> (256 - _BITS)) + 1
    return Decimal(odd) / Decimal(1 << (_BITS + 1))


def uniform(low: Decimal, high: Decimal, seed: int, axis: str, index: int) -> Decimal:
    """Between ``low`` and ``high``, each as likely."""
    with localcontext(_EXACT):
        return _within(low + (high - low) * share(seed, axis, index), low, high)


def loguniform(low: Decimal, high: Decimal, seed: int, axis: str, index: int) -> Decimal:
    """Between ``low`` and ``high``, both above 0, each order of magnitude as likely."""
    with localcontext(_EXACT):
        first, last = low.ln(), high.ln()
        return _within((first + (last - first) * share(seed, axis, index)).exp(), low, high)


def normal(mean: Decimal, spread: Decimal, seed: int, axis: str, index: int) -> Decimal:
    """About ``mean``, with the standard deviation ``spread``.

    By Marsaglia's polar method, which needs no function but ln and sqrt, and both are exact here.
    """
    with localcontext(_EXACT):
        for turn in count():
            x = 2 * share(seed, axis, index, turn, 0) - 1
            y = 2 * share(seed, axis, index, turn, 1) - 1
            far = x * x + y * y
            if 0 < far < 1:
                return _rounded(mean + spread * x * (-2 * far.ln() / far).sqrt())
    raise AssertionError("not reached")


def whole(low: Decimal, high: Decimal, seed: int, axis: str, index: int) -> int:
    """A whole number from ``low`` to ``high``, both in it; there is one between them."""
    first, last = ceil(low), floor(high)
    return first + below(last - first + 1, seed, axis, index)


def order(size: int, seed: int, axis: str) -> Iterator[int]:
    """Numbers below ``size`` in a drawn order, each once before any comes again, without end.

    A shuffle (Fisher and Yates) that keeps only what it has moved: no list of a billion.
    """
    for turn in count():
        moved: dict[int, int] = {}
        for place in range(size):
            other = place + below(size - place, seed, axis, turn, place)
            yield moved.get(other, other)
            moved[other] = moved.pop(place, place)


def _within(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    return min(max(_rounded(value), low), high)


def _rounded(value: Decimal) -> Decimal:
    return value.normalize(Context(prec=DIGITS, rounding=ROUND_HALF_EVEN))
