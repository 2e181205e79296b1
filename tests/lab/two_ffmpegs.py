"""Every test of the video room runs twice: on the system's ffmpeg and on the wheel's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from need import missing, need

from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import Encoder

WIDTH, HEIGHT, FRAMES = 320, 176, 12
ODD_NAME = "-a 'shot'\n$(x) %04d; ünï 夜.mp4"


@pytest.fixture(params=["system", "wheel"])
def an_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path of an ffmpeg, which is the one the product uses meanwhile."""
    if request.param == "system":
        program = need("ffmpeg")
    else:
        try:
            from imageio_ffmpeg import get_ffmpeg_exe
        except ImportError:
            missing("imageio-ffmpeg is not installed")
        program = str(get_ffmpeg_exe())
    monkeypatch.setenv("COSMOS_FFMPEG", program)
    assert ffmpeg.executable() == program
    yield program


@pytest.fixture
def video(tmp_path: Path, an_ffmpeg: str) -> Path:
    """12 frames of 320x176 at 24 a second in which a bright bar moves to the right."""
    path = tmp_path / "odd %d folder" / ODD_NAME
    with Encoder(path, WIDTH, HEIGHT, 24) as encoder:
        for number in range(FRAMES):
            encoder.write(frame(number))
    return path


def frame(number: int) -> Any:
    """Frame ``number`` of the video: noise that stays, a white bar at 20 * number."""
    noise = np.random.default_rng(1).integers(0, 40, (HEIGHT, WIDTH, 1), dtype=np.uint8)
    picture = np.repeat(noise, 3, axis=2)
    picture[:, number * 20 : number * 20 + 20] = 255
    return picture


def tags(path: Path) -> dict[str, Any]:
    """What ffprobe, which the product does not need, says of a video; counted frame by frame."""
    program = need("ffprobe")
    done = subprocess.run(
        [program, "-v", "error", "-count_frames", "-show_entries",
         "stream=codec_name,pix_fmt,width,height,nb_read_frames,r_frame_rate,avg_frame_rate,"
         "color_range,color_space,color_transfer,color_primaries,sample_aspect_ratio",
         "-of", "json", f"file:{path.absolute()}"],
        check=True, capture_output=True,
    )  # fmt: skip
    streams = json.loads(done.stdout)["streams"]
    assert len(streams) == 1
    return dict(streams[0])


PLAIN = {
    "codec_name": "h264",
    "pix_fmt": "yuv420p",
    "color_range": "tv",
    "color_space": "bt709",
    "color_transfer": "bt709",
    "color_primaries": "bt709",
}


def is_plain(path: Path) -> bool:
    """H.264, 4:2:0, tv range, BT.709, and tagged so."""
    said = tags(path)
    return {key: said.get(key) for key in PLAIN} == PLAIN


def made(path: Path, *args: str) -> Path:
    """A file made by ffmpeg's own test pictures, with these output options."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = ["-f", "lavfi", "-i", "testsrc2=d=2:r=25:s=320x240"]
    subprocess.run(
        [ffmpeg.executable(), "-v", "error", "-y", *source, *args, str(path)],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def nothing_else(folder: Path, *names: str) -> bool:
    """The folder holds exactly these: no half-written file stayed."""
    return sorted(path.name for path in folder.iterdir()) == sorted(names)
