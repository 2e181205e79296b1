"""Frames that are read once become videos side by side: an ffmpeg a pass, fed through a pipe."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from cosmos_workflow.errors import MediaError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.controls import CRF
from cosmos_workflow.video.frames import H264

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = bytes | NDArray[np.uint8] | NDArray[np.uint16]

Layout = Literal["png", "rgb24", "gray16le"]
"""How a frame comes: a whole PNG file, (H, W, 3) uint8, or (H, W) uint16."""

FFV1 = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1")
"""Lossless, every frame by itself, with checksums; in the pixel format that loses nothing."""

KEPT = "format=gray|gray16le|ya8|bgr0|bgra|gbrp16le|gbrap16le"
"""Filter that keeps a scaled frame in its own kind of pixels; all of these are lossless in FFV1."""

_IEND = b"\0\0\0\0IEND\xaeB`\x82"
_PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Track:
    """One pass, and the videos that are made of it.

    ``width`` x ``height``: its frames as they are read.  ``steps``: ffmpeg filters that bring them
    to another size, empty for none.  ``dest``: H.264; ``master``: FFV1 in Matroska, or None.
    """

    modality: Modality
    layout: Layout
    width: int
    height: int
    dest: Path
    steps: str = ""
    master: Path | None = None


@dataclass(frozen=True)
class Strip:
    """Tracks whose frames come out of one read.

    ``read`` gives frame ``index`` (from 0) by modality, and is called from several threads.
    """

    tracks: tuple[Track, ...]
    read: Callable[[int], Mapping[Modality, Pixels]]


class Undecodable(MediaError):
    """ffmpeg could not make sense of a track's frames, or not of all; ``track`` is which."""

    def __init__(self, message: str, track: Track, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.track = track


def encode(
    strips: Sequence[Strip], frames: int, fps: float, *, report: ffmpeg.Report | None = None
) -> None:
    """Write every track's video (4:2:0, tv range, BT.709, constant rate) and its master.

    Frames are read ahead in order, a few at a time, so memory does not grow with their number.
    The first failure, or Ctrl-C, ends all.  Raises Undecodable, MediaError, and what ``read``
    raises; files may then be half there.
    """
    tracks = [track for strip in strips for track in strip.tracks]
    workers = min(4, (os.cpu_count() or 2) + 1)
    with ThreadPoolExecutor(workers, thread_name_prefix="frames") as pool:
        windows = [_Window(strip, frames, pool, workers + 2) for strip in strips]
        commands = [
            ffmpeg.Command(_args(track, fps), frames, partial(_feed, window, track))
            for window in windows
            for track in window.strip.tracks
        ]
        try:
            finished = ffmpeg.run_together(commands, report=report)
        except ffmpeg.FfmpegFailed as error:
            track = tracks[error.number]
            if track.layout != "png" or "No space left" in "".join(error.lines):
                raise
            raise Undecodable(error.message, track, hint=error.hint) from error
        finally:
            for window in windows:
                window.stop()
    for track, done in zip(tracks, finished, strict=True):
        if done.messages or done.frames != frames:
            said = ffmpeg.plain(done.messages.splitlines()) or [
                f"{done.frames} of {frames} frames came out"
            ]
            raise Undecodable(f"{track.modality}: {said[-1]}", track)


def damage(png: bytes) -> str:
    """Why ffmpeg cannot decode a PNG file to its last row; empty if it can."""
    args = ["-v", "error", "-xerror", *_PNG, "-i", "pipe:0", "-f", "null", "-"]
    try:
        done = ffmpeg.run_together([ffmpeg.Command(args, 1, lambda pipe: _put(pipe, png))])[0]
    except ffmpeg.FfmpegFailed as error:
        return ffmpeg.plain(error.lines)[0] if error.lines else "cannot be decoded"
    if done.messages:
        return ffmpeg.plain(done.messages.splitlines())[0]
    return "" if done.frames == 1 else "holds no picture"


# -- one ffmpeg -----------------------------------------------------------------------------------

_PNG = ("-f", "image2pipe", "-c:v", "png")


def _args(track: Track, fps: float) -> list[str]:
    rate = ffmpeg.rate(fps)
    if track.layout == "png":
        source = [*_PNG, "-framerate", rate]
    else:
        size = f"{track.width}x{track.height}"
        source = ["-f", "rawvideo", "-pix_fmt", track.layout, "-s", size, "-framerate", rate]
    first = f"{track.steps},{KEPT}," if track.steps else ""
    plain = f"setsar=1,{ffmpeg.TV_BT709}"
    args = ["-v", "error", "-xerror", *source, "-i", "pipe:0"]
    video = ["-r", rate, *H264, "-crf", str(CRF), ffmpeg.url(track.dest)]
    if track.master is None:
        return [*args, "-vf", f"{first}{plain}", *video]
    args += ["-filter_complex", f"[0:v]{first}setsar=1,split[v][m];[v]{plain}[out]"]
    args += ["-map", "[out]", *video]
    return [*args, "-map", "[m]", "-r", rate, *FFV1, "-f", "matroska", ffmpeg.url(track.master)]


def _feed(window: _Window, track: Track, pipe: IO[bytes]) -> None:
    _widen(pipe)
    try:
        for frame in window.frames():
            _put(pipe, _whole(frame[track.modality], track))
    except BaseException:
        window.stop()  # the other tracks of the strip wait for this one
        raise


def _put(pipe: IO[bytes], data: Any) -> None:
    pipe.write(data)


def _whole(pixels: Pixels, track: Track) -> Any:
    """The frame's bytes.  What follows the end of a PNG would be taken for the next one."""
    if track.layout == "png":
        assert isinstance(pixels, bytes)
        end = pixels.rfind(_IEND)
        return pixels if end < 0 else memoryview(pixels)[: end + len(_IEND)]
    import numpy as np

    deep = track.layout == "gray16le"
    shape = (track.height, track.width) if deep else (track.height, track.width, 3)
    if isinstance(pixels, bytes) or pixels.shape != shape or pixels.itemsize != 1 + deep:
        raise ValueError(f"a frame of {track.modality} is not {shape} {track.layout}")
    return np.ascontiguousarray(pixels, dtype="<u2" if deep else np.uint8).data


def _widen(pipe: IO[bytes]) -> None:
    """A pipe that holds a whole frame, where the system can do that: fewer turns to wait for."""
    if os.name != "posix":
        return
    import fcntl

    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # more than this user may have: the usual size does too
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


# -- frames read ahead ----------------------------------------------------------------------------


class _Window:
    """The frames of a strip, read ahead in order; each is let go when every track has had it."""

    def __init__(self, strip: Strip, frames: int, pool: ThreadPoolExecutor, ahead: int) -> None:
        self.strip = strip
        self._frames, self._pool, self._ahead = frames, pool, ahead
        self._pending: dict[int, Future[Mapping[Modality, Pixels]]] = {}
        self._wanted: dict[int, int] = {}
        self._next = 0
        self._stopped = False
        self._turn = threading.Condition()

    def frames(self) -> Iterator[Mapping[Modality, Pixels]]:
        """Every frame, for one track; ends early after ``stop``."""
        for index in range(self._frames):
            with self._turn:
                self._read_on()
                while not self._stopped and index not in self._pending:
                    self._turn.wait()
                if self._stopped:
                    return
                future = self._pending[index]
            try:
                yield future.result()
            except CancelledError:
                return
            with self._turn:
                self._wanted[index] -= 1
                if not self._wanted[index]:
                    del self._wanted[index], self._pending[index]
                    self._read_on()
                    self._turn.notify_all()
            del future

    def stop(self) -> None:
        """Read no more; who waits for a frame is let go."""
        with self._turn:
            self._stopped = True
            for future in self._pending.values():
                future.cancel()
            self._turn.notify_all()

    def _read_on(self) -> None:
        while not self._stopped and self._next < self._frames and len(self._pending) < self._ahead:
            self._wanted[self._next] = len(self.strip.tracks)
            self._pending[self._next] = self._pool.submit(self.strip.read, self._next)
            self._next += 1
