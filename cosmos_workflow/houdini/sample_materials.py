"""What things in the sample shot are made of: stone, wood, sand, painted by noise."""

from __future__ import annotations

import cv2
import numpy as np

from cosmos_workflow.houdini.sample_draw import Floats, Vector

ALBEDO: dict[str, Vector] = {
    "stone": (0.60, 0.54, 0.46),
    "concrete": (0.56, 0.54, 0.51),
    "onyx": (0.72, 0.30, 0.12),
    "marble": (0.10, 0.22, 0.16),
    "travertine": (0.66, 0.52, 0.38),
    "leather": (0.42, 0.07, 0.045),
    "bronze": (0.10, 0.075, 0.05),
    "slate": (0.035, 0.037, 0.045),
}


def fbm(rows: int, columns: int, cell: float, octaves: int, seed: int) -> Floats:
    """Smooth noise 0..1 (rows, columns) whose largest blobs are ``cell`` pixels."""
    random = np.random.default_rng(seed)
    total = np.zeros((rows, columns), np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for _ in range(octaves):
        small = (int(columns / cell) + 3, int(rows / cell) + 3)
        grid = random.random((small[1], small[0]), np.float32)
        total += np.float32(weight) * cv2.resize(
            grid, (columns, rows), interpolation=cv2.INTER_CUBIC
        )
        sum_of_weights += weight
        weight, cell = weight * 0.5, max(1.5, cell / 2)
    return np.asarray(total / sum_of_weights, np.float32)


def _enlarged(noise: Floats, columns: int, rows: int) -> Floats:
    return np.asarray(
        cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _lines(x: Floats, spacing: float, width: float) -> Floats:
    """1 on joints that lie ``spacing`` apart and are ``width`` wide, soft at their edges."""
    away = np.abs((x / spacing + 0.5) % 1 - 0.5) * spacing
    return np.asarray(np.clip(1.5 - away / (width / 2), 0, 1), np.float32)


def _per_cell(x: Floats, y: Floats, wide: float, high: float, seed: int) -> Floats:
    """A random 0..1 for each tile of a grid."""
    i, j = np.floor(x / wide).astype(np.int64), np.floor(y / high).astype(np.int64)
    mixed = (i * 73856093 ^ j * 19349663 ^ seed * 83492791) & 0xFFFF
    return np.asarray(((mixed * 48271) % 65521) / 65521, np.float32)


def albedo(material: str, x: Floats, y: Floats, seed: int) -> Floats:
    """Reflectance (H, W, 3) of a material at x (1, W) and y (H, 1), in units."""
    rows, columns = y.shape[0], x.shape[1]
    density = columns / max(1e-3, float(x[0, -1] - x[0, 0]))
    base = np.array(ALBEDO[material], np.float32)
    fine = fbm(rows, columns, max(2, density * 0.12), 3, seed)
    broad = fbm(rows, columns, max(4, density * 0.9), 4, seed + 1)
    tone = 0.86 + 0.16 * fine + 0.12 * (broad - 0.5)
    if material == "travertine":
        band = fbm(rows, max(2, columns // 12), max(2, density * 0.10), 4, seed + 2)
        band = _enlarged(band, columns, rows)
        tone = 0.72 + 0.5 * band + 0.08 * (fine - 0.5)
        tone *= 0.92 + 0.14 * _per_cell(x, y, 1.2, 0.575, seed)
        tone *= 1 - 0.45 * np.maximum(_lines(x, 1.2, 0.015), _lines(y, 0.575, 0.015))
    elif material == "concrete":
        tone *= 1 - 0.35 * np.maximum(_lines(x, 1.8, 0.02), _lines(y, 1.8, 0.02))
    elif material == "stone":
        tone *= 0.95 + 0.1 * _per_cell(x, y, 1.2, 1.2, seed)
        tone *= 1 - 0.4 * np.maximum(_lines(x, 1.2, 0.018), _lines(y, 1.2, 0.018))
    elif material in ("onyx", "marble"):
        return _veined(material, x, y, broad, fine, seed)
    return np.asarray(tone[..., None] * base, np.float32)


def _veined(material: str, x: Floats, y: Floats, broad: Floats, fine: Floats, seed: int) -> Floats:
    """Stone with veins, book-matched about each slab's middle."""
    rows, columns = broad.shape
    vein = np.abs(np.sin(x * 2.1 + y * 1.3 + 9.0 * broad + 2.0 * fine))
    thin = np.clip(1 - vein * 5, 0, 1) ** 2
    cloud = fbm(rows, columns, max(4, columns / 9), 4, seed + 5)
    base = np.array(ALBEDO[material], np.float32)
    light = np.array((0.95, 0.72, 0.42) if material == "onyx" else (0.55, 0.62, 0.52), np.float32)
    colour = base * (0.55 + 0.9 * cloud)[..., None] * (0.75 + 0.5 * fine)[..., None]
    colour = colour * (1 - thin[..., None] * 0.7) + light * thin[..., None] * 0.7
    joint = _lines(x, 1.475, 0.012)
    return np.asarray(colour * (1 - 0.6 * joint)[..., None], np.float32)


def wood(x: Floats, y: Floats, seed: int) -> Floats:
    """Boards across: the underside of the roof."""
    rows, columns = y.shape[0], x.shape[1]
    grain = fbm(rows, max(2, columns // 10), 3, 3, seed)
    grain = _enlarged(grain, columns, rows)
    tone = (0.65 + 0.5 * grain) * (0.85 + 0.25 * _per_cell(x, y, 99.0, 0.16, seed))
    tone *= 1 - 0.6 * _lines(y, 0.16, 0.02)
    return np.asarray(tone[..., None] * np.array((0.50, 0.27, 0.12), np.float32), np.float32)


def plaza(x: Floats, z: Floats, seed: int, pool: tuple[float, float, float, float]) -> Floats:
    """Reflectance of the plaza at x (1, W), z (H, 1), with a dark rim round the pool."""
    rows, columns = z.shape[0], x.shape[1]
    density = columns / float(x[0, -1] - x[0, 0])
    fine = fbm(rows, columns, max(2, density * 0.1), 3, seed)
    tone = 0.84 + 0.18 * fine
    tone = tone * (0.90 + 0.16 * _per_cell(x, z, 1.2, 0.8, 3))
    tone *= 1 - 0.5 * np.maximum(_lines(x, 1.2, 0.02), _lines(z, 0.8, 0.02))
    colour = tone[..., None] * np.array((0.47, 0.41, 0.35), np.float32)
    left, right, near, far = pool
    rim = 0.42
    inside = (x > left - rim) & (x < right + rim) & (z > near - rim) & (z < far + rim)
    dark = (0.9 + 0.2 * fine)[..., None] * np.array((0.15, 0.145, 0.14), np.float32)
    return np.asarray(np.where(inside[..., None], dark, colour), np.float32)


def sand(x: Floats, z: Floats, seed: int) -> Floats:
    """Reflectance of the desert: ripples and broad patches."""
    rows, columns = z.shape[0], x.shape[1]
    broad = fbm(rows, columns, columns / 14, 5, seed)
    tone = 0.7 + 0.55 * broad
    return np.asarray(tone[..., None] * np.array((0.56, 0.36, 0.23), np.float32), np.float32)
