"""The sample shot's camera move and its passes, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.houdini import sample_scene as scene
from cosmos_workflow.houdini.sample_draw import (
    Ball,
    Buffers,
    Bytes,
    Camera,
    Floats,
    Vector,
    draw,
    look,
    lookup,
    rays,
)
from cosmos_workflow.houdini.sample_light import SUN, SUNLIGHT, develop
from cosmos_workflow.houdini.sample_materials import fbm
from cosmos_workflow.houdini.sample_sky import HAZE, horizon_light, mountains, sky
from cosmos_workflow.prompts.enums import Modality

SPREAD = 0.56
"""Half the picture's width at depth 1: a lens of about 32 mm."""

NEAREST, FARTHEST = 3.0, 120.0
"""The distances that are white and black in the depth pass; between them its logarithm."""

_ENV = 384
_WATER = scene.THINGS["pool"].number * 256


@dataclass(frozen=True)
class View:
    """What a camera sees: ``picture`` (H, W, 3) float RGB 0..255 as a display shows it, and the
    buffers at twice the size."""

    camera: Camera
    balls: list[Ball]
    seen: Buffers
    picture: Floats


class Shot:
    """The scene, built once; ``frame`` may be called from several threads.

    ``width`` and ``height`` are the pictures' size in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.quads = scene.build()
        self.standing = [q for q in self.quads if not (q.axis == 1 and q.at <= 0)]
        left, right, near, far = scene.POOL
        self.pool = left, right, near, far
        self.fixed = _fixed_balls()
        self.around = _surroundings(self)

    def frame(self, clock: float) -> dict[Modality, NDArray[np.generic]]:
        """The passes at ``clock`` 0..1: colour, segmentation and edge (H, W, 3) or (H, W) uint8
        in OpenCV's BGR, depth (H, W) uint16."""
        view = self.view(clock)
        return {
            Modality.COLOR: view.picture.astype(np.uint8)[..., ::-1],
            Modality.DEPTH: _depth(view.seen),
            Modality.SEGMENTATION: _segmentation(view.seen)[..., ::-1],
            Modality.EDGE: _edge(view.seen),
        }

    def view(self, clock: float) -> View:
        """The scene at ``clock`` 0..1, before it is cut into passes."""
        camera = camera_at(clock)
        balls = [*self.fixed, self._mirror_ball(clock)]
        seen = self._see(camera, balls, clock)
        return View(camera, balls, seen, self._colour(camera, balls, seen, clock))

    def _see(self, camera: Camera, balls: list[Ball], clock: float) -> Buffers:
        """Everything at twice the size, so that halving it smooths the outlines."""
        width, height = self.width * 2, self.height * 2
        seen = draw(camera, self.quads, balls, self._sky(camera, width, height, clock))
        through = rays(camera, width, height)
        self._water(camera, through, seen)
        mountains(through, seen)
        return seen

    def _sky(self, camera: Camera, width: int, height: int, clock: float) -> Bytes:
        """The sky, which is soft, drawn small and enlarged."""
        small = sky(rays(camera, self.width // 2, self.height // 2), clock)
        return np.asarray(
            cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8
        )

    def _water(self, camera: Camera, through: list[Floats], seen: Buffers) -> None:
        """The pool's surface, without its picture: that is made of reflections later."""
        with np.errstate(divide="ignore"):
            depth = np.float32(scene.WATER_LEVEL - camera.origin[1]) / through[1]
        rows = np.flatnonzero((depth[:, 0] > 0) & (depth[:, 0] < 60))
        if rows.size == 0:
            return
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        depth = depth[band]
        x = through[0][band] * depth + np.float32(camera.origin[0])
        z = through[2][band] * depth + np.float32(camera.origin[2])
        left, right, near, far = self.pool
        water = (x > left) & (x < right) & (z > near) & (z < far)
        water &= depth <= seen.depth[band] * np.float32(1.03)
        water &= seen.surface[band] < 3 * 256  # only sand lies under it
        np.copyto(seen.depth[band], depth, where=water)
        np.copyto(seen.surface[band], np.uint16(_WATER), where=water)

    def _colour(self, camera: Camera, balls: list[Ball], seen: Buffers, clock: float) -> Floats:
        size = (self.width, self.height)
        colour = cv2.resize(seen.colour, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        through = rays(camera, self.width, self.height)
        mirror = camera.mirrored()
        behind = self._sky(mirror, self.width, self.height, clock)
        reflected = draw(mirror, self.standing, balls, behind)
        mountains(rays(mirror, self.width, self.height), reflected)
        length = np.sqrt(through[0] ** 2 + through[1] ** 2 + through[2] ** 2)
        steep = np.clip(-through[1] / length, 0, 1)
        grazing = (1 - steep) ** 5
        water = _cover(seen.surface == _WATER, size)
        plaza = _cover(seen.surface == scene.THINGS["plaza"].number * 256, size)
        rippled = _rippled(reflected.colour, through, camera, clock)
        deep = np.array((16.0, 62.0, 66.0), np.float32)
        share = (0.16 + 0.80 * np.clip(grazing * 1.9, 0, 1))[..., None]
        colour += (deep * (1 - share) + rippled * share - colour) * water[..., None]
        soft = cv2.GaussianBlur(reflected.colour, (0, 0), sigmaX=1.5, sigmaY=6.0)
        share = (plaza * (0.05 + 0.75 * grazing))[..., None]
        colour += (soft.astype(np.float32) - colour) * share
        return _graded(_hazed(colour, seen, size))

    def _mirror_ball(self, clock: float) -> Ball:
        """A chrome sphere that floats over the pool."""
        x, y, z = scene.BALL
        y += 0.16 * float(np.sin(clock * 2 * np.pi))

        def shade(normals: Floats, points: Floats, along: Floats) -> Bytes:
            facing = np.einsum("ij,ij->i", normals, along)[:, None]
            out = along - 2 * facing * normals
            turn = np.arctan2(out[:, 0], out[:, 2]) / (2 * np.pi) + 0.5
            rise = np.arcsin(np.clip(out[:, 1], -1, 1)) / np.pi + 0.5
            rows, columns = self.around.shape[:2]
            found = lookup(self.around, turn * (columns - 1), (1 - rise) * (rows - 1))
            found = found.astype(np.float32)
            spark = np.clip(out @ SUN.astype(np.float32), 0, 1)[:, None]
            found = found * 0.94 + spark**400 * 255 + spark**30 * 30
            return np.asarray(np.clip(found, 0, 255), np.uint8)

        surface = scene.THINGS["sphere"].number * 256
        return Ball((x, y, z), (scene.BALL_RADIUS,) * 3, surface, shade)


def camera_at(clock: float) -> Camera:
    """The camera's move: a slow push in along the pool, eased at both ends."""
    eased = clock * clock * (3 - 2 * clock)
    start, end = np.array((-5.4, 1.62, -9.4)), np.array((-2.3, 1.78, -6.6))
    aim = np.array((0.2, 1.72, 4.0)) * (1 - eased) + np.array((1.2, 1.70, 4.6)) * eased
    place = start * (1 - eased) + end * eased
    return look(_point(place), _point(aim), SPREAD)


def _point(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def _fixed_balls() -> list[Ball]:
    found = []
    for number, (centre, radii) in enumerate(scene.BOULDERS):
        surface = scene.THINGS["boulders"].number * 256 + number * 8
        found.append(Ball(centre, radii, surface, _matte((0.30, 0.23, 0.19), 0.5, 60.0)))
    for number, (centre, radii) in enumerate(scene.CYPRESSES):
        surface = scene.THINGS["cypress"].number * 256 + number * 8
        found.append(Ball(centre, radii, surface, _matte((0.045, 0.080, 0.042), 1.1, 34.0), 0.22))
    return found


def _matte(colour: Vector, rough: float, grain: float):  # type: ignore[no-untyped-def]
    """Shading for stone and leaves: sun and sky on a surface of some roughness."""
    noise = fbm(512, 512, 24, 5, 77) - 0.5

    def shade(normals: Floats, points: Floats, along: Floats) -> Bytes:
        x, y, z = (points * np.float32(grain * 3)).T
        bump = lookup(noise, _folded(x + z * 0.6), _folded(y + z * 0.4))
        bump = (bump + lookup(noise, _folded(z - x * 0.5), _folded(y * 0.8 + x * 0.7)))[:, None]
        sun = normals @ SUN.astype(np.float32) + bump[:, 0] * np.float32(rough * 1.6)
        low = np.clip(points[:, 1:2] * 2.5, 0.25, 1)
        light = np.maximum(sun, 0)[:, None] * SUNLIGHT + horizon_light(normals[:, 1]) * low
        return develop(light * np.array(colour, np.float32) * (1 + bump * (0.6 + rough)))

    return shade


def _folded(x: Floats) -> Floats:
    """Any number into a picture of 512, to and fro."""
    return np.asarray(np.abs(x % 1022 - 511), np.float32)


def _surroundings(shot: Shot) -> Bytes:
    """What the chrome sphere mirrors: the scene around it, (H, 2H, 3), up first."""
    sides = [
        ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
        ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
        ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
        ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ]
    rows, columns = _ENV * 2, _ENV * 4
    turn = ((np.arange(columns) + 0.5) / columns - 0.5) * 2 * np.pi
    rise = (0.5 - (np.arange(rows) + 0.5) / rows) * np.pi
    way = np.empty((rows, columns, 3), np.float32)
    way[..., 0] = np.cos(rise)[:, None] * np.sin(turn)
    way[..., 1] = np.sin(rise)[:, None]
    way[..., 2] = np.cos(rise)[:, None] * np.cos(turn)
    around = np.zeros((rows, columns, 3), np.uint8)
    for forward, right, up in sides:
        camera = Camera(scene.BALL, forward, right, up, 1.0)
        through = rays(camera, _ENV, _ENV)
        seen = draw(camera, shot.quads, shot.fixed, sky(through, 0.0))
        shot._water(camera, through, seen)
        above = rays(camera.mirrored(), _ENV, _ENV)
        water = seen.surface == _WATER
        seen.colour[water] = sky(above, 0.0)[water] * 0.5 + np.array((9.0, 30.0, 34.0))
        mountains(through, seen)
        depth = way @ np.array(forward, np.float32)
        mine = depth >= np.abs(way).max(axis=-1) - 1e-6
        with np.errstate(divide="ignore", invalid="ignore"):
            x = (way @ np.array(right, np.float32) / depth * 0.5 + 0.5) * _ENV - 0.5
            y = (0.5 - way @ np.array(up, np.float32) / depth * 0.5) * _ENV - 0.5
        side = cv2.remap(seen.colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        around[mine] = side[mine]
    return around


def _rippled(picture: Bytes, through: list[Floats], camera: Camera, clock: float) -> Floats:
    """The reflection as moving water breaks it."""
    height, width = picture.shape[:2]
    with np.errstate(divide="ignore"):
        depth = np.minimum(np.abs(np.float32(camera.origin[1]) / through[1]), 60)
    x = through[0] * depth + np.float32(camera.origin[0])
    z = through[2] * depth + np.float32(camera.origin[2])
    time = np.float32(clock * 2 * np.pi)
    wave = np.sin(z * 5.1 + x * 1.3 + time * 2) + 0.7 * np.sin(z * 8.7 - x * 2.9 - time * 3)
    wave += 0.5 * np.sin(x * 6.3 + z * 3.1 + time * 3)
    wave += 0.3 * np.sin(z * 14 + x * 4 + time * 5) * np.clip(4 / depth, 0, 1) ** 2
    calm = np.float32(width / 1280 * 3.2) * np.clip(8 / depth, 0.1, 1.0)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    moved_x, moved_y = columns + wave * calm * 0.35, rows + wave * calm * 1.5
    found = cv2.remap(
        picture, moved_x.astype(np.float32), moved_y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip
    return found.astype(np.float32)


def _cover(mask: NDArray[np.bool_], size: tuple[int, int]) -> Floats:
    full = mask.view(np.uint8) * np.uint8(255)
    share = cv2.resize(full, size, interpolation=cv2.INTER_AREA)
    return np.asarray(share * np.float32(1 / 255), np.float32)


def _hazed(colour: Floats, seen: Buffers, size: tuple[int, int]) -> Floats:
    """Air between us and things: little near, most far."""
    depth = np.where(np.isfinite(seen.depth), np.minimum(seen.depth, 85), 0)
    air = 1 - np.exp(-np.maximum(depth - 6, 0) * np.float32(0.0075))
    air = cv2.resize(air.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    far = develop(HAZE).astype(np.float32)
    return np.asarray(colour + (far - colour) * np.minimum(air, 0.82), np.float32)


def _graded(colour: Floats) -> Floats:
    """Bloom, a darker rim, a little contrast."""
    height, width = colour.shape[:2]
    small = cv2.resize(colour, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    bright = np.maximum(small - 175, 0)
    bloom = cv2.GaussianBlur(bright, (0, 0), 5) * 0.5 + cv2.GaussianBlur(bright, (0, 0), 18) * 0.5
    colour = colour + cv2.resize(bloom, (width, height), interpolation=cv2.INTER_LINEAR) * 0.55
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    colour *= (1 - 0.16 * (x * x + y * y) ** 1.5 / 1.6)[..., None]
    return np.clip(colour, 0, 255)


def _depth(seen: Buffers) -> NDArray[np.uint16]:
    way = np.log(seen.depth[::2, ::2] / NEAREST) / np.log(FARTHEST / NEAREST)
    return np.asarray((1 - np.clip(way, 0, 1)) * 65535 + 0.5, np.uint16)


def _segmentation(seen: Buffers) -> Bytes:
    flat = np.zeros((256, 3), np.uint8)
    flat[0] = scene.SKY_FLAT
    for thing in scene.THINGS.values():
        flat[thing.number] = thing.flat
    return np.asarray(flat[seen.surface[::2, ::2] >> 8])


def _edge(seen: Buffers) -> Bytes:
    """White wherever one face ends and another begins, smoothed by the halving."""
    face = seen.surface
    line = np.zeros(face.shape, np.uint8)
    line[:, 1:] |= face[:, 1:] != face[:, :-1]
    line[1:, :] |= face[1:, :] != face[:-1, :]
    thick = cv2.dilate(line * np.uint8(255), np.ones((3, 3), np.uint8))
    size = (face.shape[1] // 2, face.shape[0] // 2)
    return np.asarray(cv2.resize(thick, size, interpolation=cv2.INTER_AREA), np.uint8)
