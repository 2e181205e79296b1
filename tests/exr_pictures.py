"""Small EXR files for tests, written by the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

SIZE = 24, 16


def plane(value: float = 0.0, kind: str = "f4", size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W) of one value."""
    return np.full(size[::-1], value, kind)


def planes(names: Sequence[str], kind: str = "f2", **named: Any) -> dict[str, np.ndarray]:
    """A plane of 0.18 for each channel."""
    return {name: plane(0.18, kind, **named) for name in names}


def write(path: Path, channels: Mapping[str, np.ndarray], **header: Any) -> Path:
    """One part, ZIP, in scanlines unless ``header`` says otherwise."""
    full = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(full, dict(channels), num_threads=0).write(str(path))
    return path


def write_parts(path: Path, parts: Mapping[str, Mapping[str, np.ndarray]], **header: Any) -> Path:
    """One part for each name."""
    full = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    made = [OpenEXR.Part(dict(full), dict(channels), name) for name, channels in parts.items()]
    OpenEXR.File(made, num_threads=0).write(str(path))
    return path


def window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """A window as headers have it: both corners are in it."""
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)
