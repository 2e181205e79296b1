"""The facts of a video that decide whether an engine can read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Media:
    """What probing a video file says: pixels, frames a second, frames, coding.

    ``full_range`` is True for pc/jpeg levels (yuvj420p, color_range pc).
    """

    width: int
    height: int
    fps: float
    frames: int
    codec: str
    pix_fmt: str
    full_range: bool = False

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.frames / self.fps if self.fps else 0.0

    @property
    def plain(self) -> bool:
        """H.264, 8-bit 4:2:0, tv range: what every engine's decoder accepts."""
        return self.codec == "h264" and self.pix_fmt == "yuv420p" and not self.full_range
