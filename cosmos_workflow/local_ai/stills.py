"""A few frames of a shot, evenly spread, as the models look at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.local_ai.processor import read_picture
from cosmos_workflow.video.frames import stills
from cosmos_workflow.video.probe import probe

if TYPE_CHECKING:
    from cosmos_workflow.video.frames import Frame

FRAMES = 5
"""Frames that are looked at; the first, the middle and the last of them get captions."""

_SHORT, _LONG = 800, 1333
"""Sides that no model goes beyond: a larger frame would only be made smaller by it."""


def spread(count: int, wanted: int = FRAMES) -> list[int]:
    """Numbers of frames from the first of ``count`` to the last, ascending, each once."""
    if count <= 1 or wanted <= 1:
        return [0]
    return sorted({round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


def fitting(width: int, height: int) -> tuple[int, int]:
    """The size, same shape, at which a frame is looked at; never larger than it is."""
    scale = min(1.0, _SHORT / min(width, height), _LONG / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def of_video(video: Path) -> list[Frame]:
    """Frames of a video, (H, W, 3) uint8 RGB.  Raises MediaError."""
    media = probe(video)
    return stills(video, spread(media.frames), *fitting(media.width, media.height))


def of_pictures(paths: Sequence[Path]) -> list[Frame]:
    """Frames of a sequence of PNG or JPEG files, (H, W, 3) uint8 RGB.  Raises MediaError."""
    return [read_picture(paths[number]) for number in spread(len(paths))]


def fitted(frames: Sequence[Frame]) -> list[Frame]:
    """Frames (H, W, 3) uint8 at the size at which they are looked at, that of the first."""
    import cv2
    import numpy as np

    size = fitting(frames[0].shape[1], frames[0].shape[0])
    small = (cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames)
    return [np.asarray(frame, dtype=np.uint8) for frame in small]


def telling_ones(frames: list[Frame]) -> list[Frame]:
    """The first, the middle and the last, each once."""
    return [frames[number] for number in spread(len(frames), 3)]
