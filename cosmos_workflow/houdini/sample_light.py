"""Light on the flat faces of the sample shot, worked out once: sun, sky, bounce, lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.houdini.sample_draw import PLANE, Bytes, Floats, Vector

SUN = np.array([-0.74, 0.36, -0.57]) / np.linalg.norm([-0.74, 0.36, -0.57])
"""Towards the sun: low, behind the camera's left shoulder."""

SUNLIGHT = np.array([1.0, 0.60, 0.33], np.float32) * 3.0
ZENITH = np.array([0.16, 0.27, 0.50], np.float32)
HORIZON = np.array([0.95, 0.60, 0.46], np.float32)
LAMP = np.array([1.0, 0.62, 0.30], np.float32)

_SKY_RAYS, _SUN_RAYS = 36, 12
_STEPS, _BRIGHTEST = 8191, 12.0
_FILM_SPEED = 0.62


@dataclass(frozen=True)
class Blocker:
    """Something that throws a shadow: a box between two corners, or an ellipsoid in it."""

    low: Vector
    high: Vector
    albedo: Vector
    round: bool = False


def face_light(
    axis: int,
    at: float,
    across: tuple[float, float],
    along: tuple[float, float],
    facing: int,
    density: float,
    blockers: Sequence[Blocker],
    lamps: Sequence[tuple[Vector, float]],
) -> Floats:
    """Irradiance on a face, (rows along, columns across, 3), about ``density`` samples a unit."""
    points = _points(axis, at + facing * 2e-3, across, along, density)
    normal = np.zeros(3)
    normal[axis] = facing
    light = np.zeros((*points.shape[1:], 3), np.float32)
    if normal @ SUN > 0:
        clear = np.zeros(points.shape[1:], np.float32)
        towards_sun = _under_the_sun(points, blockers)
        for towards in _cone(SUN, 0.035, _SUN_RAYS):
            clear += _open(points, towards, towards_sun)[0]
        light += (clear / _SUN_RAYS * float(normal @ SUN))[..., None] * SUNLIGHT
    coarse = _points(axis, at + facing * 2e-3, across, along, density * 0.4)  # the sky is soft
    sky = np.zeros((*coarse.shape[1:], 3), np.float32)
    around = _in_front(coarse, normal, blockers)
    for towards in _hemisphere(normal, _SKY_RAYS):
        free, bounced = _open(coarse, towards, around)
        sky += free[..., None] * _sky_light(float(towards[1])) + bounced
    size = (points.shape[2], points.shape[1])
    light += np.asarray(
        cv2.resize(sky / _SKY_RAYS, size, interpolation=cv2.INTER_LINEAR), np.float32
    )
    for place, power in lamps:
        light += _lamp_light(points, normal, np.array(place, np.float32), power, blockers)
    return light


def _points(
    axis: int, at: float, across: tuple[float, float], along: tuple[float, float], density: float
) -> Floats:
    """Places on a face, (3, rows, columns), from edge to edge."""
    b, c = PLANE[axis]
    columns = max(2, round((across[1] - across[0]) * density))
    rows = max(2, round((along[1] - along[0]) * density))
    points = np.empty((3, rows, columns), np.float32)
    points[axis] = at
    points[b] = np.linspace(*across, columns, dtype=np.float32)[None, :]
    points[c] = np.linspace(*along, rows, dtype=np.float32)[:, None]
    return points


def develop(linear: Floats) -> Bytes:
    """Scene light to display: a film-like shoulder, then sRGB's curve; (..., 3) uint8 RGB."""
    index = np.sqrt(np.clip(linear, 0, _BRIGHTEST)) * np.float32(_STEPS / _BRIGHTEST**0.5)
    return np.asarray(_film()[index.astype(np.uint16)], np.uint8)


def undevelop(shown: Floats) -> Floats:
    """The scene light that ``develop`` shows as ``shown`` 0..255; all of it, also past white."""
    tone = (shown * np.float32(1 / 255)) ** np.float32(2.2)
    a = np.float32(2.51) - np.float32(2.43) * tone
    b = np.float32(0.03) - np.float32(0.59) * tone
    root = np.sqrt(b * b + np.float32(4 * 0.14) * a * tone)
    return np.asarray((root - b) / (2 * a * np.float32(_FILM_SPEED)), np.float32)


@cache
def _film() -> Bytes:
    """``develop`` as a table over the root of the light, which keeps the darks smooth."""
    x = (np.arange(_STEPS + 1) / _STEPS) ** 2 * _BRIGHTEST * _FILM_SPEED
    toned = np.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return (toned ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def _sky_light(height: float) -> Floats:
    if height < 0:
        return np.array([0.22, 0.15, 0.11], np.float32)
    blend = float(min(1.0, height * 1.6)) ** 0.6
    return np.asarray(HORIZON * 0.55 * (1 - blend) + ZENITH * blend * 1.5, np.float32)


def _open(
    points: Floats, towards: Any, blockers: Sequence[Blocker]
) -> tuple[Floats, NDArray[np.float32]]:
    """1 where a ray leaves the scene, and the light of what it meets elsewhere (H, W, 3)."""
    shape = points.shape[1:]
    free = np.ones(shape, bool)
    bounced = np.zeros((*shape, 3), np.float32)
    for blocker in blockers:
        hit = (_hits_ball if blocker.round else _hits_box)(points, towards, blocker)
        if hit is None:
            continue
        hit &= free
        bounced[hit] = np.array(blocker.albedo, np.float32) * np.float32(0.28)
        free &= ~hit
    return free.astype(np.float32), bounced


def _corners(low: Any, high: Any) -> NDArray[np.float64]:
    return np.array([[(low, high)[n >> i & 1][i] for i in range(3)] for n in range(8)])


def _under_the_sun(points: Floats, blockers: Sequence[Blocker]) -> list[Blocker]:
    """Those whose shadow can fall on the points."""
    side = np.cross(SUN, (0.0, 1.0, 0.0))
    view = np.array([side, np.cross(SUN, side)]).T
    flat = points.reshape(3, -1).T
    mine = _corners(flat.min(axis=0), flat.max(axis=0)) @ view
    found = []
    for one in blockers:
        theirs = _corners(one.low, one.high) @ view
        if (theirs.min(0) < mine.max(0) + 0.8).all() and (theirs.max(0) > mine.min(0) - 0.8).all():
            found.append(one)
    return found


def _in_front(points: Floats, normal: Any, blockers: Sequence[Blocker]) -> list[Blocker]:
    """Those that stand before the face, and are not too far off for their size to matter."""
    flat = points.reshape(3, -1).T
    low, high = flat.min(axis=0), flat.max(axis=0)
    found = []
    for one in blockers:
        before = (_corners(one.low, one.high) @ normal).max() > float(flat[0] @ normal) + 1e-3
        gap = np.maximum(np.maximum(np.subtract(one.low, high), np.subtract(low, one.high)), 0)
        sides = np.sort(np.subtract(one.high, one.low))
        if before and np.linalg.norm(gap) < 5 * np.sqrt(sides[1] * sides[2]):
            found.append(one)
    return found


def _hits_box(points: Floats, towards: Any, box: Blocker) -> NDArray[np.bool_] | None:
    enter, leave = np.float32(1e-3), np.float32(1e6)
    for axis in range(3):
        low, high = box.low[axis], box.high[axis]
        part = float(towards[axis])
        values = points[axis]
        if abs(part) < 1e-6:
            if (values < low).all() or (values > high).all():
                return None
            part = 1e-6
        if part < 0:
            low, high = high, low
        inverse = np.float32(1 / part)
        enter = np.maximum(enter, (np.float32(low) - values) * inverse)
        leave = np.minimum(leave, (np.float32(high) - values) * inverse)
        if axis == 1 and not (leave > enter).any():
            return None
    return np.asarray(leave > enter)


def _hits_ball(points: Floats, towards: Any, ball: Blocker) -> NDArray[np.bool_] | None:
    centre = (np.array(ball.low) + ball.high) / 2
    radii = (np.array(ball.high) - ball.low) / 2
    step = towards / radii
    away = [(points[i] - np.float32(centre[i])) / np.float32(radii[i]) for i in range(3)]
    half = sum(away[i] * np.float32(step[i]) for i in range(3))
    c = sum(part * part for part in away) - 1
    return np.asarray((half < 0) & (half * half > np.float32(step @ step) * c))


def _lamp_light(
    points: Floats, normal: Any, place: Floats, power: float, blockers: Sequence[Blocker]
) -> Floats:
    way = [place[i] - points[i] for i in range(3)]
    square = sum(part * part for part in way) + np.float32(0.15)
    facing = sum(np.float32(normal[i]) * way[i] for i in range(3)) / np.sqrt(square)
    amount = np.float32(power) * np.maximum(facing, 0) / square
    blocked = np.zeros(amount.shape, bool)
    if (amount > 0.01).any():
        for box in blockers:
            if not box.round:
                blocked |= _between(points, way, box)
    return np.asarray((amount * ~blocked)[..., None] * LAMP, np.float32)


def _between(points: Floats, way: list[Floats], box: Blocker) -> NDArray[np.bool_]:
    enter, leave = np.float32(2e-3), np.float32(0.999)
    with np.errstate(divide="ignore", invalid="ignore"):
        for axis in range(3):
            first = (np.float32(box.low[axis]) - points[axis]) / way[axis]
            second = (np.float32(box.high[axis]) - points[axis]) / way[axis]
            enter = np.maximum(enter, np.minimum(first, second))
            leave = np.minimum(leave, np.maximum(first, second))
    return np.asarray(leave > enter)


def _cone(axis: Any, width: float, count: int) -> list[Any]:
    """Directions spread evenly in a narrow cone."""
    side = np.cross(axis, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    turns = np.arange(count) * 2.399963
    reach = width * np.sqrt((np.arange(count) + 0.5) / count)
    found = [
        axis + side * r * np.cos(t) + other * r * np.sin(t)
        for r, t in zip(reach, turns, strict=True)
    ]
    return [one / np.linalg.norm(one) for one in found]


def _hemisphere(normal: Any, count: int) -> list[Any]:
    """Directions about ``normal``, as many as the cosine law wants of each."""
    side = np.array([0.0, 0.0, 1.0]) if abs(normal[2]) < 0.5 else np.array([1.0, 0.0, 0.0])
    other = np.cross(normal, side)
    turns = np.arange(count) * 2.399963
    reach = np.sqrt((np.arange(count) + 0.5) / count)
    rise = np.sqrt(1 - reach**2)
    return [
        side * r * np.cos(t) + other * r * np.sin(t) + normal * h
        for r, t, h in zip(reach, turns, rise, strict=True)
    ]
