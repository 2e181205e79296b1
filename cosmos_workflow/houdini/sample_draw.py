"""Draws flat, textured quads and ellipsoids from a camera: the sample shot's small renderer.

Rays are not normalised: their component along the view is 1, so a ray's length *is* its depth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Vector = tuple[float, float, float]

PLANE = {0: (2, 1), 1: (0, 2), 2: (0, 1)}
"""The two axes that span a face at right angles to an axis: across and along its texture."""

_NEAR = 0.05


@dataclass(frozen=True)
class Camera:
    """A place and three directions; ``spread`` is half the picture's width at depth 1."""

    origin: Vector
    forward: Vector
    right: Vector
    up: Vector
    spread: float

    def mirrored(self) -> Camera:
        """The camera seen in a level mirror at height 0: its picture is the reflection."""
        flip = [(x, -y, z) for x, y, z in (self.origin, self.forward, self.right, self.up)]
        return Camera(flip[0], flip[1], flip[2], flip[3], self.spread)


@dataclass(frozen=True)
class Quad:
    """A rectangle at right angles to ``axis``: at ``at``, over ``across`` and ``along``.

    ``facing`` is +1 or -1.  ``surface`` names it in the buffers: object * 8 + face.  ``textures``
    is the picture (rows along, columns across) and its halves; ``density`` texels a unit.
    """

    axis: int
    at: float
    across: tuple[float, float]
    along: tuple[float, float]
    facing: int
    surface: int
    density: float
    textures: list[Bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Ball:
    """An ellipsoid.  ``shade(normals, points, rays)`` gives its colours, (n, 3) uint8.

    ``ragged`` 0..1 frays the outline, as foliage does.
    """

    centre: Vector
    radii: Vector
    surface: int
    shade: Callable[[Floats, Floats, Floats], Bytes]
    ragged: float = 0.0


@dataclass
class Buffers:
    """What a camera sees: colour (H, W, 3) uint8, depth (inf: sky), surface (0: sky)."""

    colour: Bytes
    depth: Floats
    surface: NDArray[np.uint16]


def look(origin: Vector, target: Vector, spread: float) -> Camera:
    """A level camera at ``origin`` that looks at ``target``."""
    forward = np.subtract(target, origin)
    forward = forward / np.linalg.norm(forward)
    right = np.cross((0.0, 1.0, 0.0), forward)
    right = right / np.linalg.norm(right)
    up = np.cross(forward, right)
    return Camera(origin, _triple(forward), _triple(right), _triple(up), spread)


def _triple(values: Any) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def rays(camera: Camera, width: int, height: int) -> list[Floats]:
    """Directions through each pixel: x (H, W), y (H, 1) since the camera is level, z (H, W)."""
    u = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    v = (1 - (np.arange(height, dtype=np.float32) + 0.5) / height * 2) * (height / width)
    u, v = u[None, :] * np.float32(camera.spread), v[:, None] * np.float32(camera.spread)
    parts = []
    for axis in range(3):
        part = np.float32(camera.forward[axis]) + v * np.float32(camera.up[axis])
        if axis != 1:
            part = part + u * np.float32(camera.right[axis])
        parts.append(part.astype(np.float32))
    return parts


def draw(
    camera: Camera, quads: Sequence[Quad], balls: Sequence[Ball], background: Bytes
) -> Buffers:
    """Everything in front of ``background`` (H, W, 3), which is drawn over."""
    height, width = background.shape[:2]
    seen = Buffers(
        background,
        np.full((height, width), np.inf, np.float32),
        np.zeros((height, width), np.uint16),
    )
    through = rays(camera, width, height)
    for quad in quads:
        _draw_quad(camera, quad, through, seen)
    for ball in balls:
        _draw_ball(camera, ball, through, seen)
    return seen


def _draw_quad(camera: Camera, quad: Quad, through: list[Floats], seen: Buffers) -> None:
    away = quad.at - camera.origin[quad.axis]
    if away * quad.facing >= 0:
        return
    b, c = PLANE[quad.axis]
    corners = np.zeros((4, 3))
    corners[:, quad.axis] = quad.at
    corners[:, b] = [quad.across[0], quad.across[1], quad.across[1], quad.across[0]]
    corners[:, c] = [quad.along[0], quad.along[0], quad.along[1], quad.along[1]]
    window = _window(camera, corners, seen.depth.shape)
    if window is None:
        return
    if quad.axis == 1:  # a level face shows between two rows
        with np.errstate(divide="ignore"):
            along = away / through[1][window[0], 0]
        most = float(((corners - np.array(camera.origin)) @ np.array(camera.forward)).max())
        rows = np.flatnonzero((along > _NEAR) & (along < most * 1.01))
        if rows.size == 0:
            return
        first = window[0].start
        window = slice(first + int(rows[0]), first + int(rows[-1]) + 1), window[1]
    ray = [part[window[0], window[1] if part.shape[1] > 1 else slice(None)] for part in through]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        depth = np.float32(away) / ray[quad.axis]
        x = ray[b] * depth + np.float32(camera.origin[b] - quad.across[0])
        y = ray[c] * depth + np.float32(camera.origin[c] - quad.along[0])
        inside = (x >= 0) & (x <= quad.across[1] - quad.across[0])
        inside &= (y >= 0) & (y <= quad.along[1] - quad.along[0])
        inside &= (depth > _NEAR) & (depth < seen.depth[window])
    if not inside.any():
        return
    middle = float(np.median(np.broadcast_to(depth, inside.shape)[inside][::97]))
    texels = quad.density * middle * 2 * camera.spread / seen.depth.shape[1]
    level = int(np.clip(np.round(np.log2(max(texels, 1e-3)) - 0.2), 0, len(quad.textures) - 1))
    scale = np.float32(quad.density / 2**level)
    colour = cv2.remap(
        quad.textures[level],
        np.ascontiguousarray(np.broadcast_to(x, inside.shape) * scale - np.float32(0.5)),
        np.ascontiguousarray(np.broadcast_to(y, inside.shape) * scale - np.float32(0.5)),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    cv2.copyTo(colour, inside.view(np.uint8), seen.colour[window])
    np.copyto(seen.depth[window], depth, where=inside)
    np.copyto(seen.surface[window], np.uint16(quad.surface), where=inside)


def _draw_ball(camera: Camera, ball: Ball, through: list[Floats], seen: Buffers) -> None:
    reach = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    corners = np.array(ball.centre) + reach * np.array(ball.radii)
    window = _window(camera, corners, seen.depth.shape)
    if window is None:
        return
    shape = seen.depth[window].shape
    ray = np.stack(
        [
            np.broadcast_to(p[window[0], window[1] if p.shape[1] > 1 else slice(None)], shape)
            for p in through
        ],
        axis=-1,
    )
    radii = np.array(ball.radii, np.float32)
    start = (np.array(camera.origin) - np.array(ball.centre)).astype(np.float32) / radii
    step = ray / radii
    a = np.einsum("ijk,ijk->ij", step, step)
    half = step @ start
    under = half * half - a * np.float32(start @ start - 1)
    depth = (-half - np.sqrt(np.maximum(under, 0))) / a
    hit = (under > 0) & (depth > _NEAR) & (depth < seen.depth[window])
    if ball.ragged:
        nearest = ray * (-half / a)[..., None] + np.array(camera.origin, np.float32)
        hit &= under / a > ball.ragged * _leaves(nearest)
    if not hit.any():
        return
    normals = (start + step[hit] * depth[hit][:, None]) / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    along = ray[hit] / np.linalg.norm(ray[hit], axis=1, keepdims=True)
    points = np.array(camera.origin, np.float32) + ray[hit] * depth[hit][:, None]
    seen.colour[window][hit] = ball.shade(normals, points, along)
    seen.depth[window][hit] = depth[hit]
    seen.surface[window][hit] = ball.surface


def _leaves(points: Floats) -> Floats:
    """Noise 0..1 fixed to places (H, W, 3): what foliage takes out of its outline."""
    x = np.abs((points[..., 0] + points[..., 2] * np.float32(0.7)) * 20 % 254 - 127)
    y = np.abs(points[..., 1] * 20 % 254 - 127)
    return np.asarray(cv2.remap(_bites(), x, y, cv2.INTER_LINEAR), np.float32)


@cache
def _bites() -> Floats:
    return np.random.default_rng(7).random((128, 128), np.float32)


def lookup(picture: NDArray[Any], x: Any, y: Any) -> NDArray[Any]:
    """A picture's values at n places: in rows of 1024, since OpenCV takes no longer columns."""
    rows = -(-len(x) // 1024)
    maps = [np.resize(part.astype(np.float32), (rows, 1024)) for part in (x, y)]
    found = cv2.remap(picture, maps[0], maps[1], cv2.INTER_LINEAR)
    return found.reshape(rows * 1024, *picture.shape[2:])[: len(x)]


def _window(
    camera: Camera, corners: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[slice, slice] | None:
    """Rows and columns that can show something with these corners; None when nothing can."""
    height, width = shape
    away = corners - np.array(camera.origin)
    depth = away @ np.array(camera.forward)
    if (depth < _NEAR).all():
        return None
    if (depth < 4 * _NEAR).any():
        return slice(0, height), slice(0, width)
    scale = width / 2 / camera.spread / depth
    x = width / 2 + away @ np.array(camera.right) * scale
    y = height / 2 - away @ np.array(camera.up) * scale
    left, right = max(0, int(x.min()) - 1), min(width, int(x.max()) + 2)
    top, bottom = max(0, int(y.min()) - 1), min(height, int(y.max()) + 2)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)
