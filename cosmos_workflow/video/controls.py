"""Inputs made from inputs: an edge video at a threshold, a copy that every engine can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.prompts.enums import BlurStrength
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import H264, Encoder, check_even, decode
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.probe import probe

if TYPE_CHECKING:
    from cosmos_workflow.video.frames import Frame

CRF = 12
"""Quality of what steers a generation: fine enough that edges and flat colours stay as they are."""


@dataclass(frozen=True)
class Blur:
    """How a picture is blurred, in pixels and 8-bit values.

    Made ``smaller`` so many times and filtered by a bilateral of this diameter and these sigmas;
    then ``coarser`` takes away the detail that is finer than so many pixels.
    """

    diameter: int
    sigma_color: float
    sigma_space: float
    smaller: int
    coarser: int


BLURS: dict[BlurStrength, Blur] = {
    BlurStrength.VERY_LOW: Blur(15, 100, 50, 1, 4),
    BlurStrength.LOW: Blur(15, 100, 50, 4, 4),
    BlurStrength.MEDIUM: Blur(30, 150, 100, 2, 10),
    BlurStrength.HIGH: Blur(50, 300, 150, 1, 16),
    BlurStrength.VERY_HIGH: Blur(50, 300, 150, 4, 16),
}
"""The nominal values of each preset: what Cosmos Transfer 1 was built to do where it draws none at
random (``config/transfer/augmentors.py``, ``AddControlInputBlurDownUp`` in
``datasets/augmentors/control_input.py``)."""


def canny(
    source: Path, dest: Path, low: int, high: int, *, report: ffmpeg.Report | None = None
) -> None:
    """The edges of ``source``, white on black, same size, rate and number of frames.

    ``low`` and ``high`` are the thresholds of ``CANNY_PAIRS``; as in the models' own preprocessor
    they apply to the strongest of the three colour channels.  Raises MediaError.
    """
    import cv2

    media = probe(source)
    frames = decode(source, media.width, media.height)
    with Encoder(dest, media.width, media.height, media.fps, crf=CRF, gray=True) as encoder:
        for frame in frames:
            encoder.write(cv2.Canny(frame, low, high))
            if report:
                report(encoder.frames, media.frames)


def blur(source: Path, dest: Path, preset: Blur, *, report: ffmpeg.Report | None = None) -> None:
    """``source`` without its fine detail, same size, rate and number of frames.

    Raises MediaError.
    """
    media = probe(source)
    frames = decode(source, media.width, media.height)
    with Encoder(dest, media.width, media.height, media.fps, crf=CRF) as encoder:
        for frame in frames:
            encoder.write(_blurred(frame, preset))
            if report:
                report(encoder.frames, media.frames)


def _blurred(frame: Frame, preset: Blur) -> Frame:
    import cv2
    import numpy as np
    from PIL import Image

    height, width = frame.shape[:2]
    small: Any = frame
    if preset.smaller > 1:
        size = max(1, width // preset.smaller), max(1, height // preset.smaller)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    soft = cv2.bilateralFilter(small, preset.diameter, preset.sigma_color, preset.sigma_space)
    if preset.smaller > 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    # Pillow's bicubic looks at every pixel when it makes a picture smaller, as the models' does.
    coarse = max(1, width // preset.coarser), max(1, height // preset.coarser)
    cubic = Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(soft).resize(coarse, cubic).resize((width, height), cubic))


def conform(
    source: Path,
    dest: Path,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    frames: int | None = None,
    *,
    report: ffmpeg.Report | None = None,
) -> None:
    """A copy of ``source`` as H.264, 4:2:0, tv range, BT.709, constant rate.

    Frame for frame: another ``fps`` changes how fast it plays, never which frames there are, so
    that controls stay in step.  ``frames`` keeps the first so many.  Raises MediaError, also when
    there are fewer.
    """
    media = probe(source)
    total = media.frames if frames is None else frames
    if total > media.frames:
        raise MediaError(f"{source} has {media.frames} frames, {total} are needed")
    width, height = width or media.width, height or media.height
    check_even(width, height, str(source))
    speed = fps or media.fps
    steps = [f"scale={width}:{height}:flags=lanczos", "setsar=1", ffmpeg.TV_BT709]
    with landing(dest) as part:
        args = ["-v", "error", *ffmpeg.source(source, speed), "-map", "0:V:0", "-an", "-vf"]
        args += [",".join(steps), "-r", ffmpeg.rate(speed), "-frames:v", str(total), *H264]
        args += ["-crf", str(CRF), ffmpeg.url(part)]
        done = ffmpeg.run(args, frames_total=total, report=report)
        if done.frames != total:
            raise MediaError(f"{source}: only {done.frames} of {total} frames can be decoded")


def still(
    source: Path,
    dest: Path,
    frame: int = 0,
    width: int | None = None,
    height: int | None = None,
) -> None:
    """One frame of ``source``, counted from 0, as a PNG of its size, or of the one that is given.

    Raises MediaError, also when there is no such frame.
    """
    media = probe(source)
    if not 0 <= frame < media.frames:
        raise MediaError(f"{source} has {media.frames} frames; there is no frame {frame}")
    with landing(dest) as part:
        args = ["-v", "error", *ffmpeg.source(source), "-map", "0:V:0", "-an"]
        size = f"scale={width}:{height}:flags=lanczos," if width and height else ""
        args += ["-vf", f"select=eq(n\\,{frame}),{size}format=rgb24"]
        args += ["-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1", ffmpeg.url(part)]
        ffmpeg.run(args)
