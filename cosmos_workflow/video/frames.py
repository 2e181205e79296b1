"""Frames in and out of ffmpeg as numpy arrays: decode, Encoder, and a few frames of a video."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.landing import landing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

_CHANNELS = {"rgb24": 3, "bgr24": 3, "gray": 1}

H264 = ("-c:v", "libx264", "-preset", "fast", "-movflags", "+faststart", "-f", "mp4")
"""Output options of every video we write; ``-crf`` comes beside them."""


def decode(
    path: Path, width: int, height: int, pix_fmt: str = "rgb24", *, select: Sequence[int] = ()
) -> Iterator[Frame]:
    """Every frame of a video, scaled to ``width`` x ``height``: (H, W, 3) uint8, (H, W) for gray.

    ``select``: only frames of these numbers, counted from 0.  Each array is the caller's own.
    Raises MediaError when the video cannot be read to its end.
    """
    import numpy as np

    channels = _CHANNELS[pix_fmt]
    shape = (height, width) if channels == 1 else (height, width, channels)
    chosen = "+".join(f"eq(n\\,{number})" for number in select)
    steps = [f"select={chosen},settb=1/25,setpts=N"] if chosen else []
    steps += [f"scale={width}:{height}:flags=area+accurate_rnd+full_chroma_int"]
    args = ["-v", "error", *ffmpeg.source(path, 25), "-map", "0:V:0", "-vf", ",".join(steps)]
    args += ["-r", "25", "-pix_fmt", pix_fmt, "-f", "rawvideo", "pipe:1"]
    with ffmpeg.child(args, stdout=subprocess.PIPE) as child:
        pipe = child.process.stdout
        assert pipe is not None
        while True:
            frame = np.empty(shape, dtype=np.uint8)
            got = pipe.readinto(frame.data.cast("B"))  # type: ignore[attr-defined]
            if got < frame.nbytes:
                break
            yield frame
        child.check()
        if got:
            raise MediaError(f"{path} ends in the middle of a frame")


def stills(path: Path, numbers: Sequence[int], width: int, height: int) -> list[Frame]:
    """The frames of these numbers (ascending, from 0), scaled, (H, W, 3) uint8 RGB.

    Raises MediaError when the video has fewer frames.
    """
    frames = list(decode(path, width, height, select=numbers))
    if len(frames) != len(set(numbers)):
        raise MediaError(f"{path} has no frame {max(numbers)}")
    return frames


class Encoder:
    """Writes RGB frames (H, W, 3) uint8 as H.264, 4:2:0, tv range, BT.709.

    A context manager: the file appears, whole, when the block is left without an error; else
    nothing stays.  ``width`` and ``height`` are in pixels and even.  Raises MediaError.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        fps: float,
        *,
        crf: int = 12,
        gray: bool = False,
        preset: str = "fast",
    ) -> None:
        check_even(width, height, str(path))
        self.path = path
        self.frames = 0
        self._shape = (height, width) if gray else (height, width, 3)
        self._input = ["-f", "rawvideo", "-pix_fmt", "gray" if gray else "rgb24"]
        self._input += ["-s", f"{width}x{height}", "-r", ffmpeg.rate(fps), "-i", "pipe:0"]
        self._output = ["-vf", ffmpeg.TV_BT709, "-r", ffmpeg.rate(fps), *H264]
        self._output += ["-preset", preset, "-crf", str(crf)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            part = stack.enter_context(landing(self.path))
            args = ["-v", "error", *self._input, *self._output, ffmpeg.url(part)]
            self._child = stack.enter_context(ffmpeg.child(args, stdin=subprocess.PIPE))
            self._stack = stack.pop_all()
        return self

    def write(self, frame: NDArray[Any]) -> None:
        """Add one frame.  Raises MediaError, with ffmpeg's reason, when it has given up."""
        import numpy as np

        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"a frame is {frame.shape} {frame.dtype}, not {self._shape} uint8")
        pipe = self._child.process.stdin
        assert pipe is not None
        try:
            pipe.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError as error:
            self._child.check()
            raise MediaError("ffmpeg stopped reading frames") from error
        self.frames += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)  # ends ffmpeg, then removes the part
            return
        with self._stack:
            pipe = self._child.process.stdin
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                self._child.check()
                raise
            self._child.check()


def check_even(width: int, height: int, what: str) -> None:
    """Raises MediaError unless both sides are even: 4:2:0 stores colour for pairs of pixels."""
    if width % 2 or height % 2:
        even = f"{width - width % 2}x{height - height % 2}"
        raise MediaError(
            f"{what}: {width}x{height} has an odd side, and H.264 4:2:0 needs even ones",
            hint=f"render at {even}",
        )
