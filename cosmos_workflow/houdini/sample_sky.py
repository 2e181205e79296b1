"""The sample shot's sky and mountains: what is behind everything."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from cosmos_workflow.houdini.sample_draw import Buffers, Bytes, Floats, Vector, lookup
from cosmos_workflow.houdini.sample_light import HORIZON, SUN, develop
from cosmos_workflow.houdini.sample_materials import fbm
from cosmos_workflow.houdini.sample_scene import THINGS

HAZE = np.array((0.80, 0.52, 0.43), np.float32)
"""The colour of far air."""

_STOPS = (-1.0, 0.0, 0.05, 0.14, 0.30, 0.55, 1.0)
_COLOURS = np.array(
    [
        (0.50, 0.33, 0.26),
        (0.95, 0.62, 0.46),
        (0.92, 0.58, 0.47),
        (0.70, 0.50, 0.54),
        (0.34, 0.38, 0.56),
        (0.14, 0.24, 0.45),
        (0.07, 0.14, 0.32),
    ],
    np.float32,
)
_RIDGES: tuple[tuple[float, float, int, Vector], ...] = (
    # distance, height of the sky line in slope, roughness seed, colour
    (620.0, 0.085, 11, (0.60, 0.40, 0.41)),
    (420.0, 0.058, 23, (0.43, 0.27, 0.29)),
    (260.0, 0.030, 37, (0.34, 0.20, 0.18)),
)


def sky(ray: list[Floats], clock: float) -> Bytes:
    """The sky along each ray, (H, W, 3); ``clock`` 0..1 moves the clouds."""
    x, y, z = np.broadcast_arrays(*ray)
    length = np.sqrt(x * x + y * y + z * z)
    height = y / length
    colour = np.stack([np.interp(height, _STOPS, _COLOURS[:, i]) for i in range(3)], axis=-1)
    sunward = np.clip((x * SUN[0] + z * SUN[2]) / length, 0, 1)
    glow = (np.exp(-np.abs(height) * 6) * (0.15 + 0.6 * sunward**2))[..., None]
    colour = colour.astype(np.float32) + glow * np.array((0.5, 0.24, 0.08), np.float32)
    lift = np.maximum(y, 1e-3)
    map_x = (x / lift * 62 + 700 + clock * 18).astype(np.float32)
    map_y = (z / lift * 20 + 400).astype(np.float32)
    cover = cv2.remap(_clouds(), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    cover = np.clip((cover - 0.52) * 4.2, 0, 1) * np.clip((height - 0.035) * 9, 0, 1)
    lit = np.array((1.05, 0.66, 0.52), np.float32) * (0.72 + 0.5 * (1 - height[..., None]))
    colour += (lit - colour) * (cover * 0.6)[..., None]
    return develop(colour.astype(np.float32))


@cache
def _clouds() -> Floats:
    return fbm(1024, 2048, 120, 6, 5)


@cache
def _skyline(seed: int) -> Floats:
    """Heights 0..1 around the compass, 4096 of them."""
    line = fbm(1, 4096, 420, 7, seed)[0]
    line = (line - line.min()) / (line.max() - line.min())
    sharp = 1 - np.abs(fbm(1, 4096, 160, 5, seed + 1)[0] - 0.5) * 2
    return np.asarray(line * (0.55 + 0.45 * sharp), np.float32)[None, :]


def mountains(ray: list[Floats], seen: Buffers) -> None:
    """Draw the ridges, far to near, where nothing nearer is."""
    height = ray[1][:, 0]
    rows = np.flatnonzero((height > -0.02) & (height < 0.12))
    if rows.size == 0:
        return
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    open_sky = np.nonzero(seen.depth[band] > _RIDGES[0][0])
    if open_sky[0].size == 0:
        return
    x, z = (ray[axis][band][open_sky] for axis in (0, 2))
    slope = ray[1][band][open_sky[0], 0] / np.sqrt(x * x + z * z)
    place = (np.arctan2(x, z) / np.float32(2 * np.pi) + np.float32(0.5)) * np.float32(4094)
    for number, (distance, tall, seed, base) in enumerate(_RIDGES):
        top = lookup(_skyline(seed), place, place * 0) * np.float32(tall) + np.float32(0.004)
        solid = (slope < top) & (slope > -0.02)
        spot = (open_sky[0][solid] + band.start, open_sky[1][solid])
        colour = _rock(place[solid], slope[solid], slope[solid] / top[solid], seed, base)
        seen.colour[spot] = colour
        seen.depth[spot] = distance
        seen.surface[spot] = THINGS["mountains"].number * 256 + number * 8


def _rock(place: Floats, slope: Floats, rise: Floats, seed: int, base: Vector) -> Bytes:
    """Slopes with gullies, paler in the mist at their feet; (n, 3)."""
    shade = np.clip(rise, 0, 1)[:, None]
    tint = np.array(base, np.float32) * (0.75 + 0.3 * shade) + (1 - shade) * HAZE * 0.28
    relief = lookup(_gullies(seed), place, np.abs(slope * 2600 + place * 0.3) % 250)
    return develop(tint * (0.86 + 0.28 * relief[:, None]))


@cache
def _gullies(seed: int) -> Floats:
    return fbm(256, 4096, 30, 4, seed + 3)


def horizon_light(height: Floats) -> Floats:
    """A cheap sky for shading round things: (n,) heights -> (n, 3)."""
    up = np.clip(height * 0.5 + 0.5, 0, 1)[:, None]
    return np.asarray(
        (1 - up) * np.array((0.30, 0.20, 0.14), np.float32)
        + up * np.array((0.38, 0.42, 0.56), np.float32)
        + np.exp(-(height[:, None] ** 2) * 8) * HORIZON * 0.16,
        np.float32,
    )
