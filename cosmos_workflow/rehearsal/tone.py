"""Colour grading by one matrix and one table per channel: exposure, contrast, saturation, tint."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.rehearsal.look import Look

Frame = NDArray[np.uint8]

LUMA = (0.2126, 0.7152, 0.0722)
"""BT.709 weights of red, green and blue."""

_PIVOT = 0.4
"""The grey that contrast turns around, before exposure: a dark picture keeps its dark parts."""


def saturation_matrix(saturation: float, amount: float) -> NDArray[np.float32]:
    """3x3 for RGB: 0 makes grey, 1 changes nothing; ``amount`` 0..1 blends from no change."""
    grey = np.tile(np.array(LUMA), (3, 1))
    full = grey * (1 - saturation) + np.eye(3) * saturation
    return (np.eye(3) * (1 - amount) + full * amount).astype(np.float32)


def curve(look: Look, amount: float) -> Frame:
    """(1, 256, 3) table for RGB; ``amount`` 0..1 blends from no change."""
    x = np.linspace(0.0, 1.0, 256)[:, None]
    y = x * look.exposure * np.array(look.gain)
    pivot = _PIVOT * min(1.0, look.exposure) ** 0.9
    y = pivot * np.power(np.maximum(y, 1e-6) / pivot, look.contrast)
    y = _shoulder(y)
    y = y + np.array(look.lift) / 255.0 * (1 - np.clip(y, 0, 1)) ** 2
    y = x * (1 - amount) + y * amount
    return np.clip(np.rint(y * 255), 0, 255).astype(np.uint8)[None]


def _shoulder(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bright values roll off instead of clipping: the same up to 0.7, then ever slower to 1."""
    start, room = 0.7, 0.3
    over = np.maximum(y - start, 0.0)
    return np.where(y > start, start + room * (1 - np.exp(-over / room)), y)


def graded(frame: Frame, matrix: NDArray[np.float32], table: Frame) -> Frame:
    """A graded copy of an RGB frame."""
    mixed: Any = cv2.transform(frame, matrix)
    return np.asarray(cv2.LUT(mixed, table), dtype=np.uint8)


def _silver() -> Frame:
    x = np.linspace(0, 1, 256)
    y = np.where(x < 0.25, 0.25 * (x / 0.25) ** 1.45, 0.25 + (x - 0.25) * 1.3)
    return np.clip(np.rint(_shoulder(y) * 255), 0, 255).astype(np.uint8)


SILVER = _silver()
"""(256,) table for black and white: deeper blacks, brighter lights, where colour is missing."""
