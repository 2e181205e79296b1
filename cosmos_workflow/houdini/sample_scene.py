"""What stands in the sample shot: a pavilion by a pool at dusk, and its lamps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from cosmos_workflow.houdini import sample_materials as materials
from cosmos_workflow.houdini.sample_draw import PLANE, Bytes, Floats, Quad, Vector
from cosmos_workflow.houdini.sample_light import Blocker, develop, face_light

WATER_LEVEL = 0.0
POOL = (-6.0, 1.6, -3.6, 3.6)
"""The pool: x from, x to, z from, z to."""
_PLAZA = (-17.0, 16.0), (-13.0, 18.5)
_SHADOW = 12
"""Samples of light a unit on the plaza."""
BALL: Vector = (-1.9, 1.35, 0.9)
BALL_RADIUS = 0.95
LAMPS: list[tuple[Vector, float]] = [
    ((3.4, 3.3, 8.2), 3.6),
    ((6.6, 3.3, 7.6), 3.6),
    ((5.2, 3.3, 11.2), 4.2),
    ((-7.0, 0.3, 9.2), 1.1),
    ((-11.0, 0.3, 9.2), 1.1),
]


@dataclass(frozen=True)
class Thing:
    """A kind of object: its number in the buffers, its flat colour in the segmentation pass."""

    number: int
    flat: tuple[int, int, int]


THINGS = {
    "ground": Thing(1, (122, 98, 74)),
    "plaza": Thing(2, (128, 64, 128)),
    "pool": Thing(3, (0, 130, 200)),
    "podium": Thing(4, (190, 153, 153)),
    "roof": Thing(5, (220, 220, 0)),
    "columns": Thing(6, (245, 130, 48)),
    "onyx": Thing(7, (230, 25, 75)),
    "marble": Thing(8, (60, 180, 75)),
    "wall": Thing(9, (102, 102, 156)),
    "bench": Thing(10, (240, 50, 230)),
    "sphere": Thing(11, (70, 240, 240)),
    "monolith": Thing(12, (70, 70, 70)),
    "cypress": Thing(13, (107, 142, 35)),
    "boulders": Thing(14, (170, 110, 40)),
    "mountains": Thing(15, (145, 30, 180)),
}
SKY_FLAT = (70, 130, 180)


@dataclass(frozen=True)
class Box:
    """A block of one material from a low to a high corner."""

    thing: str
    low: Vector
    high: Vector
    material: str
    detail: int = 64


BOXES = [
    Box("podium", (0.2, 0.0, 5.2), (12.6, 0.34, 14.4), "stone"),
    Box("podium", (2.2, 0.0, 4.72), (5.2, 0.17, 5.2), "stone"),
    Box("roof", (-1.4, 3.72, 4.0), (13.6, 4.06, 15.2), "concrete", 40),
    Box("onyx", (2.4, 0.34, 9.2), (8.3, 3.1, 9.42), "onyx"),
    Box("marble", (8.9, 0.34, 6.3), (9.12, 3.72, 13.8), "marble"),
    Box("wall", (0.6, 0.34, 13.6), (8.9, 3.72, 13.8), "concrete", 40),
    Box("wall", (-17.0, 0.0, 10.0), (-2.6, 2.3, 10.36), "travertine", 48),
    Box("bench", (3.4, 0.62, 7.1), (5.6, 0.78, 7.75), "leather"),
    Box("bench", (3.6, 0.34, 7.25), (3.7, 0.62, 7.6), "bronze"),
    Box("bench", (5.3, 0.34, 7.25), (5.4, 0.62, 7.6), "bronze"),
    Box("monolith", (-9.6, 0.0, 17.0), (-7.9, 8.4, 17.7), "slate", 40),
    *(
        Box("columns", (x - 0.07, 0.34, z - 0.07), (x + 0.07, 3.72, z + 0.07), "bronze", 40)
        for x in (0.9, 4.9, 8.7, 12.3)
        for z in (5.7, 12.9)
    ),
]

BOULDERS: list[tuple[Vector, Vector]] = [
    ((-7.3, 0.36, 2.3), (0.95, 0.62, 0.8)),
    ((-6.75, 0.16, 1.15), (0.42, 0.3, 0.38)),
    ((2.75, 0.2, -1.6), (0.5, 0.36, 0.45)),
]
CYPRESSES: list[tuple[Vector, Vector]] = [
    ((x, h * 0.5, z), (w, h * 0.54, w))
    for x, z, h, w in (
        (-4.6, 12.6, 5.6, 0.62),
        (-5.9, 13.4, 6.6, 0.7),
        (-12.6, 13.0, 5.2, 0.62),
        (-13.9, 12.6, 6.1, 0.68),
        (-15.4, 13.8, 5.4, 0.66),
        (14.9, 12.0, 6.6, 0.75),
        (16.2, 14.0, 5.8, 0.7),
    )
]


def blockers() -> list[Blocker]:
    """Everything that throws a shadow."""
    found = [Blocker(box.low, box.high, materials.ALBEDO[box.material]) for box in BOXES]
    rounds = [(c, r, (0.12, 0.15, 0.06)) for c, r in CYPRESSES]
    rounds += [(c, r, (0.4, 0.28, 0.2)) for c, r in BOULDERS]
    rounds += [(BALL, (BALL_RADIUS,) * 3, (0.4, 0.4, 0.42))]
    for centre, radii, colour in rounds:
        low = tuple(c - r for c, r in zip(centre, radii, strict=True))
        high = tuple(c + r for c, r in zip(centre, radii, strict=True))
        found.append(Blocker(low, high, colour, round=True))  # type: ignore[arg-type]
    return found


@cache
def build() -> list[Quad]:
    """Every flat face, lit and painted, the ground last; worked out once a process."""
    shade = blockers()
    tasks: list[Callable[[], Quad]] = []
    for number, box in enumerate(BOXES):
        for axis in range(3):
            for facing in (-1, 1):
                if axis == 1 and facing < 0 and box.thing != "roof":
                    continue
                if axis == 2 and facing > 0 and box.thing in ("wall", "roof", "monolith"):
                    continue

                def face(b: Box = box, a: int = axis, f: int = facing, n: int = number) -> Quad:
                    return _face(b, a, f, n, shade)

                tasks.append(face)
    with ThreadPoolExecutor() as pool:
        light = pool.submit(face_light, 1, 0.0, *_PLAZA, 1, _SHADOW, shade, LAMPS)
        faces = list(pool.map(lambda task: task(), tasks))
        pieces = list(pool.map(lambda span: _plaza(span, light.result()), _spans()))
    return [*faces, *pieces, _desert()]


def _face(box: Box, axis: int, facing: int, number: int, shade: list[Blocker]) -> Quad:
    b, c = PLANE[axis]
    across, along = (box.low[b], box.high[b]), (box.low[c], box.high[c])
    at = box.high[axis] if facing > 0 else box.low[axis]
    big = (across[1] - across[0]) * (along[1] - along[0]) > 40
    light = face_light(axis, at, across, along, facing, 6 if big else 10, shade, LAMPS)
    x, y = _grid(across, along, box.detail)
    seed = number * 16 + axis * 2 + (facing > 0)
    under = box.thing == "roof" and axis == 1 and facing < 0
    paint = materials.wood(x, y, seed) if under else materials.albedo(box.material, x, y, seed)
    face = axis * 2 + (facing > 0)
    surface = THINGS[box.thing].number * 256 + (number % 30) * 8 + face
    return _finished(Quad(axis, at, across, along, facing, surface, box.detail), paint, light)


def _spans() -> list[tuple[float, float, float, float, int]]:
    """Pieces of the plaza around the pool: x from, to, z from, to, texels a unit."""
    left, right, near, far = POOL
    (x_first, x_last), (z_first, z_last) = _PLAZA
    xs = [x_first, -11.5, left, -2.2, right, 6.0, 11.0, x_last]
    zs = [z_first, -8.4, near, 0.0, far, 7.0, 10.0, 14.0, z_last]
    found = []
    for x0, x1 in pairwise(xs):
        for z0, z1 in pairwise(zs):
            if x0 >= left and x1 <= right and z0 >= near and z1 <= far:
                continue
            close = z1 <= far and -8 < (x0 + x1) / 2 < 8
            found.append((x0, x1, z0, z1, 96 if close else 40))
    return found


def _plaza(span: tuple[float, float, float, float, int], light: Floats) -> Quad:
    x0, x1, z0, z1, detail = span
    part = _cut(light, (x0, x1), (z0, z1))
    x, z = _grid((x0, x1), (z0, z1), detail)
    paint = materials.plaza(x, z, int(x0 * 7 + z0 * 131) & 0xFFFF, POOL)
    surface = THINGS["plaza"].number * 256
    return _finished(Quad(1, 0.0, (x0, x1), (z0, z1), 1, surface, detail), paint, part)


def _cut(light: Floats, across: tuple[float, float], along: tuple[float, float]) -> Floats:
    """The plaza's light on one of its pieces."""
    x, z = _grid(across, along, _SHADOW)
    (x_first, x_last), (z_first, z_last) = _PLAZA
    columns = (x - x_first) / (x_last - x_first) * (light.shape[1] - 1)
    rows = (z - z_first) / (z_last - z_first) * (light.shape[0] - 1)
    shape = (z.shape[0], x.shape[1])
    maps = [
        np.ascontiguousarray(np.broadcast_to(part, shape), np.float32) for part in (columns, rows)
    ]
    return np.asarray(cv2.remap(light, maps[0], maps[1], cv2.INTER_LINEAR), np.float32)


def _desert() -> Quad:
    span = (-150.0, 150.0), (-20.0, 280.0)
    x, z = _grid(span[0], span[1], 5)
    light = np.full((2, 2, 3), 1.0, np.float32) * np.array((1.25, 0.95, 0.80), np.float32)
    quad = Quad(1, -0.02, span[0], span[1], 1, THINGS["ground"].number * 256, 5)
    return _finished(quad, materials.sand(x, z, 99), light)


def _grid(
    across: tuple[float, float], along: tuple[float, float], detail: int
) -> tuple[Floats, Floats]:
    columns = max(2, round((across[1] - across[0]) * detail))
    rows = max(2, round((along[1] - along[0]) * detail))
    x = np.linspace(*across, columns, dtype=np.float32)[None, :]
    return x, np.linspace(*along, rows, dtype=np.float32)[:, None]


def _finished(quad: Quad, paint: Floats, light: Floats) -> Quad:
    size = (paint.shape[1], paint.shape[0])
    texture: Bytes = develop(paint * cv2.resize(light, size, interpolation=cv2.INTER_LINEAR))
    quad.textures.append(texture)
    while min(texture.shape[:2]) > 8 and len(quad.textures) < 7:
        half = (texture.shape[1] // 2, texture.shape[0] // 2)
        texture = np.asarray(cv2.resize(texture, half, interpolation=cv2.INTER_AREA), np.uint8)
        quad.textures.append(texture)
    return quad
