"""A look: the few numbers that the words of a prompt are turned into, and how looks combine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import Any

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """How a picture is graded and what is in the air.

    Multiplied when looks combine (1 changes nothing): ``exposure``, ``contrast``, ``saturation``,
    ``gain`` (bright parts, per channel), ``air_gain`` (light on the air).
    Added: ``lift`` (dark parts, 8-bit units per channel).
    Averaged, by ``air_pull``: ``zenith`` and ``horizon``, the colours of the far air, 8-bit; and by
    ``sun``, ``sun_colour``.
    The stronger one wins: everything else, amounts from 0 to 1.
    """

    exposure: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    gain: RGB = (1.0, 1.0, 1.0)
    lift: RGB = (0.0, 0.0, 0.0)
    air_gain: RGB = (1.0, 1.0, 1.0)
    air_pull: float = 0.0
    zenith: RGB = (150.0, 180.0, 214.0)
    horizon: RGB = (214.0, 222.0, 228.0)
    sun: float = 0.0
    sun_colour: RGB = (255.0, 236.0, 200.0)
    fog: float = 0.0
    sky: float = 0.0
    glow: float = 0.0
    lights: float = 0.0
    neon: float = 0.0
    wet: float = 0.0
    rain: float = 0.0
    snow: float = 0.0
    vignette: float = 0.0
    grain: float = 0.0
    ink: float = 0.0
    mono: float = 0.0


PLAIN = Look(
    contrast=1.06, air_pull=0.15, fog=0.34, glow=0.16, vignette=0.22, grain=0.16, ink=0.8, sky=0.1
)
"""What every rehearsal starts from, before any word."""

_BOUNDS = {"exposure": (0.3, 1.3), "contrast": (0.8, 1.42), "saturation": (0.0, 1.6)}
_LEAST = {
    "exposure": 0.2,
    "contrast": 0.5,
    "gain": 0.3,
    "lift": -60.0,
    "air_gain": 0.0,
    "zenith": 0.0,
    "horizon": 0.0,
    "sun_colour": 0.0,
}
_MEANS = {"zenith": "air_pull", "horizon": "air_pull", "sun_colour": "sun"}


_AMOUNTS = frozenset(
    field.name
    for field in fields(Look)
    if field.default == 0.0 and field.name not in ("air_pull", "lift")
)


def combine(looks: Sequence[Look]) -> Look:
    """One look from several; their order does not matter.

    Tints are tempered: three warm words are warmer than one, but not three times as warm.
    """
    values: dict[str, Any] = {}
    for field in fields(Look):
        several = [getattr(look, field.name) for look in looks]
        if field.name in _MEANS:
            pulls = [getattr(look, _MEANS[field.name]) for look in looks]
            values[field.name] = _mean(several, pulls) or getattr(PLAIN, field.name)
        elif isinstance(several[0], tuple):
            columns = zip(*several, strict=True)
            values[field.name] = tuple(_HOW.get(field.name, max)(column) for column in columns)
        else:
            values[field.name] = _HOW.get(field.name, max)(several)
    for name, (low, high) in _BOUNDS.items():
        values[name] = min(high, max(low, values[name]))
    return Look(**values)


def toward_plain(look: Look, amount: float) -> Look:
    """``look`` at ``amount`` of its strength, from 0 (``PLAIN``) over 1 (itself) to 1.5 (more)."""
    values: dict[str, Any] = {}
    for field in fields(Look):
        plain, full = getattr(PLAIN, field.name), getattr(look, field.name)
        if isinstance(full, tuple):
            pairs = zip(plain, full, strict=True)
            values[field.name] = tuple(_between(p, f, amount, _LEAST[field.name]) for p, f in pairs)
        else:
            values[field.name] = _between(plain, full, amount, _LEAST.get(field.name, 0.0))
            if field.name in _AMOUNTS:
                values[field.name] = min(1.0, values[field.name])
    return Look(**values)


def _between(plain: float, full: float, amount: float, least: float) -> float:
    return max(least, plain + (full - plain) * amount)


def _product(values: Iterable[float]) -> float:
    return prod(sorted(values))  # sorted, so that no order of words changes the last bit


def _tempered(values: Iterable[float]) -> float:
    changing = [value for value in values if value != 1.0]
    return float(_product(changing) ** (len(changing) ** -0.5)) if changing else 1.0


def _sum(values: Iterable[float]) -> float:
    return sum(sorted(values))


def _mean(several: Sequence[RGB], pulls: Sequence[float]) -> RGB | None:
    total = _sum(pulls)
    if not total:
        return None
    pairs = sorted(zip(several, pulls, strict=True))
    r, g, b = (sum(colour[n] * pull for colour, pull in pairs) / total for n in range(3))
    return (r, g, b)


_HOW: dict[str, Callable[[Iterable[float]], float]] = {
    "exposure": _product,
    "contrast": _product,
    "air_gain": _product,
    "saturation": _tempered,
    "gain": _tempered,
    "lift": _sum,
}
