"""Grain, rain and snow: seeded tiles drawn once, moved for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.rehearsal.look import Look

Frame = NDArray[np.uint8]

_TILE = 1152
"""Both sides of the repeating part, in pixels at 704 lines; no divisor of the frame's sides."""


@dataclass(frozen=True)
class Layer:
    """A tile that repeats after ``period`` pixels both ways, and its speed in pixels a frame."""

    tile: Frame
    period: int
    dx: float
    dy: float
    sway: float = 0.0

    def at(self, number: int, width: int, height: int) -> Frame:
        """The (height, width, 3) window for frame ``number``; a view, not to be written to."""
        x = int(-self.dx * number + self.sway * np.sin(number / 9)) % self.period
        y = int(-self.dy * number) % self.period
        return self.tile[y : y + height, x : x + width]


@dataclass(frozen=True)
class Grain:
    """Noise of mean ``mean``; each frame takes another window of it."""

    tile: Frame
    offsets: NDArray[np.int64]

    def at(self, number: int, width: int, height: int) -> Frame:
        """The (height, width, 3) window for frame ``number``."""
        y, x = self.offsets[number % len(self.offsets)]
        return self.tile[y : y + height, x : x + width]


def make_grain(look: Look, width: int, height: int, seed: int) -> Grain:
    """Film grain of 0..16 levels; never none, since it also hides the steps of 8-bit gradients."""
    rng = np.random.default_rng([seed, 2])
    spare = 97
    noise = rng.normal(0, 1, (height + spare, width + spare)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.7)
    level = 1.0 + 3.8 * look.grain
    tile = np.clip(np.rint(soft / soft.std() * level + 1.6 * level), 0, 255).astype(np.uint8)
    offsets = rng.integers(0, spare, (251, 2))
    return Grain(np.ascontiguousarray(np.repeat(tile[..., None], 3, axis=2)), offsets)


def make_layers(look: Look, width: int, height: int, seed: int) -> list[Layer]:
    """Rain and snow of a look, far layer first; empty for a dry one."""
    rng = np.random.default_rng([seed, 3])
    scale = height / 704
    layers = []
    if look.rain:
        slant = float(rng.uniform(0.1, 0.22)) * (1 if rng.random() < 0.5 else -1)
        for length, speed, light, count in ((26, 30, 34, 900), (58, 52, 50, 330)):
            drops = _rain(rng, scale, int(count * look.rain), length, slant, light)
            layers.append(_layer(drops, width, height, slant * speed * scale, speed * scale))
    if look.snow:
        for radius, fall, light, count in (
            (1.3, 3.2, 92, 900),
            (2.3, 5.5, 136, 420),
            (4.6, 10.0, 120, 70),
        ):
            flakes = _snow(rng, scale, int(count * look.snow), radius, light)
            wind = 1.4 * fall * scale * float(rng.uniform(0.2, 0.5))
            layers.append(_layer(flakes, width, height, wind, fall * scale, 5 * radius * scale))
    return layers


def _rain(
    rng: np.random.Generator, scale: float, count: int, length: float, slant: float, light: int
) -> Frame:
    side = max(64, int(_TILE * scale))
    tile = np.zeros((side, side), np.uint8)
    for x, y, part in rng.random((count, 3)):
        size = length * scale * (0.6 + 0.8 * part)
        _wrapped_line(
            tile, x * side, y * side, slant * size, size, int(light * (0.35 + 0.65 * part))
        )
    return np.asarray(cv2.GaussianBlur(tile, (3, 3), 0), dtype=np.uint8)


def _wrapped_line(tile: Frame, x: float, y: float, dx: float, dy: float, light: int) -> None:
    """A line that goes on at the other side, so that the tile has no seam."""
    side = tile.shape[0]
    for ox in (-side, 0, side):
        for oy in (-side, 0):
            start = (round((x + ox) * 16), round((y + oy) * 16))
            end = (round((x + ox + dx) * 16), round((y + oy + dy) * 16))
            cv2.line(tile, start, end, light, 1, cv2.LINE_AA, 4)


def _snow(rng: np.random.Generator, scale: float, count: int, radius: float, light: int) -> Frame:
    side = max(64, int(_TILE * scale))
    tile = np.zeros((side, side), np.uint8)
    for x, y, part in rng.random((count, 3)):
        size = max(0.6, radius * scale * (0.55 + 0.7 * part))
        for ox in (-side, 0, side):
            for oy in (-side, 0, side):
                centre = (round((x * side + ox) * 16), round((y * side + oy) * 16))
                cv2.circle(
                    tile,
                    centre,
                    round(size * 16),
                    int(light * (0.5 + 0.5 * part)),
                    -1,
                    cv2.LINE_AA,
                    4,
                )
    return np.asarray(cv2.GaussianBlur(tile, (0, 0), max(0.6, radius * scale * 0.42)), np.uint8)


def _layer(tile: Frame, width: int, height: int, dx: float, dy: float, sway: float = 0.0) -> Layer:
    side = tile.shape[0]
    rows, columns = -(-(side + height) // side), -(-(side + width) // side)
    wide = np.tile(tile, (rows, columns))[: side + height, : side + width]
    return Layer(np.ascontiguousarray(np.repeat(wide[..., None], 3, axis=2)), side, dx, dy, sway)
