"""Small render folders for the tests of prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

IDS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (250, 200, 10), (7, 133, 201))
"""Colours of segmentation, RGB."""


def save(path: Path, picture: Any) -> None:
    """Write a PNG; three channels are RGB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flipped = picture[..., ::-1] if picture.ndim == 3 else picture
    path.write_bytes(cv2.imencode(".png", flipped)[1].tobytes())


def scene(number: int, width: int, height: int) -> Any:
    """A picture with soft and hard edges and fine detail that moves: (H, W, 3) uint8 RGB."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([x * 200 / width, y * 200 / height, (x + y) * 100 / width], axis=-1)
    picture[((x // 4 + y // 4) % 2 == 0) & (x > width / 2)] += 40
    cv2.circle(picture, (20 + number, height // 2), height // 4, (250, 240, 30), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def ids(number: int, width: int, height: int) -> Any:
    """Flat colours of ``IDS`` in small pieces."""
    y, x = np.mgrid[0:height, 0:width]
    return np.array(IDS, np.uint8)[((x + number) // 5 + y // 3) % len(IDS)]


def deep(number: int, width: int, height: int) -> Any:
    """A 16-bit ramp."""
    return np.tile(np.linspace(0, 65535, width).astype(np.uint16), (height, 1))


def shot(
    folder: Path,
    frames: int = 4,
    size: tuple[int, int] = (96, 64),
    others: dict[str, tuple[int, int]] | None = None,
) -> Path:
    """Color, depth and segmentation; ``others``: sizes of passes that differ."""
    for number in range(frames):
        for name, draw in (("color", scene), ("depth", deep), ("segmentation", ids)):
            picture = draw(number, *(others or {}).get(name, size))
            save(folder / f"{name}.{number + 1:04d}.png", picture)
    return folder
