"""Light that shines by itself: bright windows in a dark picture, neon along edges, wet ground."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.rehearsal.look import Look

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]

_LIT = np.array([[0.2126 + 0.3, 0.7152, 0.0722 - 0.3]], np.float32)
"""Brightness, and a part of what red has over blue."""

WARM = (1.0, 0.8, 0.54)
"""The colour of a lit window at night, on top of its own."""

_NEON = ((255, 40, 170), (150, 60, 255), (30, 190, 255), (40, 255, 220), (255, 70, 120))
"""Signs of a street from left to right; the seed says where the row begins."""


def neon_map(width: int, height: int, seed: int) -> Frame:
    """(height, width, 3): soft upright bands of neon colours, each a little leaning."""
    rng = np.random.default_rng([seed, 4])
    count = 9
    order = [(n + int(rng.integers(0, 5))) % len(_NEON) for n in rng.integers(0, 5, count * 2)]
    grid = np.array([_NEON[n] for n in order], np.uint8).reshape(2, count, 3)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def shining(half: Frame, near: Plane) -> Plane:
    """What looks lit in a picture (h, w, 3): bright and close.  ``near`` is 0 in the sky.

    Warm light counts for more than white, since walls are white and windows are warm.
    """
    warm = cv2.transform(half, _LIT)
    mask = np.clip(warm, 205, 250).astype(np.float32)
    mask -= 205
    mask *= 1 / 45
    mask *= near
    return np.asarray(
        cv2.multiply(half, cv2.merge([mask * part for part in WARM]), dtype=cv2.CV_32F), np.float32
    )


def glow(light: Plane, radius: float) -> Plane:
    """``light`` spread out, at its own size; made small first, since glow has no detail."""
    height, width = light.shape[:2]
    size = (max(1, width // 4), max(1, height // 4))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), max(0.5, radius / 4))
    wider = cv2.GaussianBlur(small, (0, 0), max(0.5, radius / 1.2))
    both = cv2.addWeighted(wide, 0.6, wider, 0.4, 0)
    return np.asarray(cv2.resize(both, (width, height)), np.float32)


def ground(width: int, height: int, seed: int) -> Plane:
    """(h, w, 3): where wet ground mirrors: nothing above the horizon, more towards us, rippled."""
    rng = np.random.default_rng([seed, 5])
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    grid = rng.uniform(0, 1, (max(2, height // 5), max(2, width // 36))).astype(np.float32)
    ripples = np.clip(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    where = np.clip((y - 0.56) / 0.26, 0, 1) * (0.35 + 0.95 * ripples)
    return np.asarray(cv2.merge([where] * 3), np.float32)


def mirrored(light: Plane, where: Plane) -> Plane:
    """``light`` smeared downwards over the ground ``where``, as on wet asphalt."""
    height, width = light.shape[:2]
    small = cv2.resize(
        light, (max(1, width // 2), max(1, height // 4)), interpolation=cv2.INTER_AREA
    )
    tall = max(3, int(small.shape[0] * 0.62) | 1)
    smear = cv2.blur(small, (9, tall), anchor=(4, tall - 1), borderType=cv2.BORDER_CONSTANT)
    big: Any = cv2.resize(smear, (width, height))
    return np.asarray(cv2.multiply(big, where), np.float32)


def lifted(look: Look) -> float:
    """How much of the lit things a dark grade lets through."""
    return look.lights * max(0.0, 1.0 - 0.6 * look.exposure)
