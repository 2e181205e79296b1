"""Frames and videos by hand: look whether a sequence is whole, encode it, take it apart again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.errors import MediaError

if TYPE_CHECKING:
    from cosmos_workflow.video.frames import Frame

Report = Callable[[int, int], None]
"""Called with frames done and frames in all."""


class VideoProcessor:
    """Work on sequences and videos; nothing it writes is ever half there."""

    def validate_sequence(self, folder: Path | str) -> dict[str, Any]:
        """Whether the numbered pictures in ``folder`` are a whole sequence; raises nothing.

        ``valid``; ``frame_count``; ``issues``: sentences; ``missing``: numbers of frames;
        ``first``, ``last``: numbers; ``pattern``: ``"color.####.png"``; ``resolution``: [width,
        height], None when pictures differ or there are none; ``sequences``: the same facts of
        each, when passes lie side by side.  The facts above are of color, else of the longest.
        """
        from cosmos_workflow.local_ai.sequences import validate

        return validate(Path(folder))

    def create_video_from_frames(
        self,
        frame_paths: Sequence[Path | str],
        output_path: Path | str,
        fps: float = 24,
        *,
        report: Report | None = None,
    ) -> Path:
        """Encode pictures, in the order given, as a video that every engine reads.

        H.264, 4:2:0, tv range, BT.709, constant rate, a frame a picture.  Raises MediaError: no
        pictures, unreadable ones, mixed or odd sizes.
        """
        from cosmos_workflow.video.frames import Encoder

        paths, dest = [Path(path) for path in frame_paths], Path(output_path)
        if not paths:
            raise MediaError("there are no frames to make a video of")
        if not 0 < fps <= 1000:
            raise MediaError(f"{fps:g} frames a second is not a rate")
        first = read_picture(paths[0])
        height, width = first.shape[:2]
        with Encoder(dest, width, height, fps) as encoder:
            for path in paths:
                frame = read_picture(path)
                if frame.shape != first.shape:
                    size = f"{frame.shape[1]}x{frame.shape[0]}"
                    raise MediaError(
                        f"{path} is {size}, and {paths[0].name} {width}x{height}",
                        hint="frames of one video have one size",
                    )
                encoder.write(frame)
                if report:
                    report(encoder.frames, len(paths))
        return dest

    def standardise_video(
        self,
        video: Path | str,
        output_path: Path | str,
        *,
        fps: float | None = None,
        width: int | None = None,
        height: int | None = None,
        report: Report | None = None,
    ) -> Path:
        """A copy as H.264, 4:2:0, tv range, BT.709 of another rate or size.

        Frame for frame: another ``fps`` changes how fast it plays, so that passes stay in step.
        Raises MediaError.
        """
        from cosmos_workflow.video.controls import conform

        dest = Path(output_path)
        conform(Path(video), dest, width, height, fps, report=report)
        return dest

    def extract_frames(
        self,
        video: Path | str,
        output_dir: Path | str,
        *,
        every: int = 1,
        report: Report | None = None,
    ) -> list[Path]:
        """The frames of a video as ``frame_0000.png``, ``frame_0001.png`` and so on.

        ``every``: one of so many.  ``output_dir`` must be empty or not be there; it appears whole.
        Raises MediaError.
        """
        from cosmos_workflow.local_ai.unpack import unpack

        if every < 1:
            raise MediaError(f"every {every}. frame cannot be had", hint="1 is all, 2 every second")
        return unpack(Path(video), Path(output_dir), every, report)


def read_picture(path: Path) -> Frame:
    """A PNG or JPEG as (H, W, 3) uint8 RGB; 16 bits become 8, alpha goes.  Raises MediaError."""
    import cv2
    import numpy as np

    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    found = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    if found is None:
        raise MediaError(f"{path} is not a picture that can be read")
    return np.asarray(found, dtype=np.uint8)
