"""A look: the few numbers that the words of a prompt are turned into, and how looks combine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

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
    contrast=1.06, air_pull=0.15, fog=0.34, glow=0.16, vignette=0.22, grain=0.16, ink=0.5, sky=0.1
)
"""What every rehearsal starts from, before any word."""

_FACTORS = ("exposure", "contrast", "air_gain")
_TINTS = ("saturation", "gain")
_SUMS = ("lift",)
_BOUNDS = {"exposure": (0.3, 1.3), "contrast": (0.8, 1.42), "saturation": (0.0, 1.6)}
_MEANS = {"zenith": "air_pull", "horizon": "air_pull", "sun_colour": "sun"}


def combine(looks: Sequence[Look]) -> Look:
    """One look from several; their order does not matter.

    Tints are tempered: three warm words are warmer than one, but not three times as warm.
    """
    values: dict[str, float | RGB] = {}
    for field in fields(Look):
        several = [getattr(look, field.name) for look in looks]
        if field.name in _FACTORS:
            values[field.name] = _each(several, _product)
        elif field.name in _TINTS:
            values[field.name] = _each(several, _tempered)
        elif field.name in _SUMS:
            values[field.name] = _each(several, sum)
        elif field.name in _MEANS:
            pulls = [getattr(look, _MEANS[field.name]) for look in looks]
            values[field.name] = _mean(several, pulls) or getattr(PLAIN, field.name)
        else:
            values[field.name] = max(several)
    for name, (low, high) in _BOUNDS.items():
        values[name] = min(high, max(low, values[name]))  # type: ignore[type-var]
    return Look(**values)  # type: ignore[arg-type]


def toward_plain(look: Look, amount: float) -> Look:
    """``look`` at ``amount`` of its strength, from 0 (``PLAIN``) over 1 (itself) to 1.5 (more)."""
    values: dict[str, float | RGB] = {}
    for field in fields(Look):
        plain, full = getattr(PLAIN, field.name), getattr(look, field.name)
        if isinstance(full, tuple):
            pairs = zip(plain, full, strict=True)
            values[field.name] = tuple(max(-60.0, p + (f - p) * amount) for p, f in pairs)  # type: ignore[assignment]
        else:
            values[field.name] = max(0.0, plain + (full - plain) * amount)
    return Look(**values)  # type: ignore[arg-type]


def _product(values: Sequence[float]) -> float:
    result = 1.0
    for value in sorted(values):  # sorted, so that no order of words changes the last bit
        result *= value
    return result


def _tempered(values: Sequence[float]) -> float:
    several = sum(1 for value in values if value != 1.0)
    return float(_product(values) ** (several**-0.5)) if several else 1.0


def _each(several: Sequence[float | RGB], how: object) -> float | RGB:
    assert callable(how)
    if isinstance(several[0], tuple):
        columns = zip(*several, strict=True)  # type: ignore[arg-type]
        return tuple(how(sorted(column)) for column in columns)  # type: ignore[return-value]
    return float(how(several))


def _mean(several: Sequence[RGB], pulls: Sequence[float]) -> RGB | None:
    total = sum(sorted(pulls))
    if not total:
        return None
    pairs = sorted(zip(several, pulls, strict=True))
    r, g, b = (sum(colour[n] * pull for colour, pull in pairs) / total for n in range(3))
    return (r, g, b)
