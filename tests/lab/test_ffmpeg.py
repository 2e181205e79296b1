"""The video room on real ffmpegs: frames out, frames in, failures in words, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from two_ffmpegs import (
    FRAMES,
    HEIGHT,
    ODD_NAME,
    WIDTH,
    an_ffmpeg,
    frame,
    is_plain,
    made,
    nothing_else,
    tags,
    video,
)

from cosmos_workflow.errors import ConfigError, MediaError, MissingExtra
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.controls import canny, conform
from cosmos_workflow.video.frames import Encoder, decode, stills
from cosmos_workflow.video.reels import Strip, Track, encode
from cosmos_workflow.video.sheet import contact_sheet

__all__ = ["an_ffmpeg", "video"]


def test_frames_come_back_as_they_went_in(video: Path) -> None:
    frames = list(decode(video, WIDTH, HEIGHT))
    assert len(frames) == FRAMES
    for number, found in enumerate(frames):
        assert found.shape == (HEIGHT, WIDTH, 3) and found.dtype == np.uint8
        assert np.abs(found.astype(int) - frame(number)).mean() < 4
    assert is_plain(video)
    assert tags(video)["nb_read_frames"] == str(FRAMES)
    assert nothing_else(video.parent, ODD_NAME)


def test_gray_and_scaled_frames(video: Path) -> None:
    small = list(decode(video, 64, 36, "gray"))
    assert len(small) == FRAMES and small[0].shape == (36, 64)


def test_stills_are_those_frames(video: Path) -> None:
    every = list(decode(video, WIDTH, HEIGHT))
    for number, found in zip(
        [0, 3, 4, 11], stills(video, [0, 3, 4, 11], WIDTH, HEIGHT), strict=True
    ):
        assert np.array_equal(found, every[number])
    with pytest.raises(MediaError, match="has no frame 12"):
        stills(video, [1, 12], WIDTH, HEIGHT)


def test_a_video_of_variable_rate_keeps_every_frame(tmp_path: Path, an_ffmpeg: str) -> None:
    uneven = made(tmp_path / "v.mp4", "-vf", "select=not(between(n\\,5\\,20))", "-fps_mode", "vfr")
    assert len(list(decode(uneven, 32, 24))) == 34
    conform(uneven, tmp_path / "even.mp4", fps=24)
    assert tags(tmp_path / "even.mp4")["nb_read_frames"] == "34"
    assert tags(tmp_path / "even.mp4")["r_frame_rate"] == "24/1"


def test_leaving_early_ends_ffmpeg(video: Path) -> None:
    before = _children()
    frames = decode(video, 1920, 1080)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert _children() <= before


def test_an_encoder_that_is_left_with_an_error_leaves_nothing(
    tmp_path: Path, an_ffmpeg: str
) -> None:
    before = _children()
    with pytest.raises(KeyboardInterrupt), Encoder(tmp_path / "x.mp4", 64, 32, 24) as encoder:
        encoder.write(np.zeros((32, 64, 3), np.uint8))
        raise KeyboardInterrupt
    assert nothing_else(tmp_path)
    assert _children() <= before


def test_an_encoder_says_what_is_wrong(tmp_path: Path, an_ffmpeg: str) -> None:
    with pytest.raises(MediaError, match="odd side") as caught:
        Encoder(tmp_path / "x.mp4", 65, 32, 24)
    assert "64x32" in caught.value.hint
    with pytest.raises(ValueError, match="not"), Encoder(tmp_path / "x.mp4", 64, 32, 24) as encoder:
        encoder.write(np.zeros((64, 32, 3), np.uint8))
    (tmp_path / "file").touch()
    with (
        pytest.raises(MediaError, match="cannot make the folder"),
        Encoder(tmp_path / "file" / "x.mp4", 64, 32, 24),
    ):
        pass


def test_edges_are_white_on_black(video: Path, tmp_path: Path) -> None:
    canny(video, tmp_path / "edge.mp4", 200, 300)
    assert is_plain(tmp_path / "edge.mp4")
    assert tags(tmp_path / "edge.mp4")["nb_read_frames"] == str(FRAMES)
    for number, found in enumerate(decode(tmp_path / "edge.mp4", WIDTH, HEIGHT, "gray")):
        columns = found.mean(axis=0)
        assert set(np.argsort(columns)[-2:]) <= {
            side + step for side in (number * 20, number * 20 + 19) for step in (-1, 0, 1, 2)
        }
        assert found[:, number * 20 + 8 : number * 20 + 12].max() < 30


def test_a_higher_threshold_draws_less(video: Path, tmp_path: Path) -> None:
    amounts = []
    for low, high in ((20, 50), (100, 200), (300, 400)):
        canny(video, tmp_path / "edge.mp4", low, high)
        amounts.append(next(decode(tmp_path / "edge.mp4", WIDTH, HEIGHT, "gray")).mean())
    assert amounts[0] > amounts[1] > amounts[2] > 0


@pytest.mark.parametrize(
    "options",
    [("-pix_fmt", "yuvj420p"), ("-pix_fmt", "yuv444p"), ("-c:v", "ffv1", "-f", "matroska")],
)
def test_conform_makes_what_engines_read(
    tmp_path: Path, an_ffmpeg: str, options: tuple[str, ...]
) -> None:
    heard: list[tuple[int, int]] = []
    odd = made(tmp_path / "odd.mp4", *options)
    conform(
        odd, tmp_path / "new.mp4", 640, 352, 23.976, 40, report=lambda *said: heard.append(said)
    )
    said = tags(tmp_path / "new.mp4")
    assert is_plain(tmp_path / "new.mp4")
    assert (said["width"], said["height"], said["nb_read_frames"]) == (640, 352, "40")
    assert said["r_frame_rate"] == said["avg_frame_rate"] == "24000/1001"
    assert heard[-1] == (40, 40)


def test_conform_keeps_what_is_not_asked(video: Path, tmp_path: Path) -> None:
    conform(video, tmp_path / "same.mp4")
    said = tags(tmp_path / "same.mp4")
    assert (said["width"], said["height"], said["nb_read_frames"]) == (WIDTH, HEIGHT, str(FRAMES))
    pairs = zip(
        decode(video, WIDTH, HEIGHT), decode(tmp_path / "same.mp4", WIDTH, HEIGHT), strict=True
    )
    assert all(np.abs(a.astype(int) - b).mean() < 3 for a, b in pairs)


def test_conform_refuses_to_invent_frames(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(MediaError, match="has 12 frames, 13 are needed"):
        conform(video, out / "x.mp4", frames=13)
    with pytest.raises(MediaError, match="odd side"):
        conform(video, out / "x.mp4", width=319)
    assert not out.exists()


@pytest.mark.parametrize("kind", ["gray8", "gray16", "rgb8", "rgb16", "rgba8"])
def test_white_stays_white_in_every_kind_of_png(tmp_path: Path, an_ffmpeg: str, kind: str) -> None:
    import cv2

    folder = tmp_path / "100%d of it"
    folder.mkdir()
    bits = 65535 if "16" in kind else 255
    shape = {"g": (32, 64), "rgb": (32, 64, 3), "rgba": (32, 64, 4)}
    key = "g" if kind[0] == "g" else kind.rstrip("0123456789")
    white = np.full(shape[key], bits, np.uint16 if bits > 255 else np.uint8)
    for number in (9, 10):
        (folder / f"color.{number}.png").write_bytes(cv2.imencode(".png", white)[1].tobytes())
    video = tmp_path / "v.mp4"
    files = [folder / f"color.{number}.png" for number in (9, 10)]
    track = Track(Modality.COLOR, "png", 64, 32, video)
    encode([Strip((track,), lambda at: {Modality.COLOR: files[at].read_bytes()})], 2, 24)
    assert is_plain(video) and tags(video)["nb_read_frames"] == "2"
    assert min(int(one.min()) for one in decode(video, 64, 32)) >= 252


def test_a_failure_is_told_in_ffmpegs_words(tmp_path: Path, an_ffmpeg: str) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing like a video" * 100)
    with pytest.raises(MediaError) as caught:
        ffmpeg.run([*ffmpeg.source(tmp_path / "x.mp4"), "-f", "null", "-"])
    assert "moov" in caught.value.message or "Invalid data" in caught.value.message
    with pytest.raises(MediaError, match="no_such_coder") as caught:
        ffmpeg.run(["-f", "lavfi", "-i", "color", "-c:v", "no_such_coder", str(tmp_path / "y.mp4")])
    assert "H.264" in caught.value.hint


def test_one_that_fails_ends_the_others(tmp_path: Path, an_ffmpeg: str) -> None:
    endless = ["-f", "lavfi", "-i", "testsrc2", "-f", "null", "-"]
    before, start = _children(), time.monotonic()
    with pytest.raises(MediaError):
        ffmpeg.run_together([ffmpeg.Command(endless), ffmpeg.Command(["-i", "file:/no/such"])])
    assert time.monotonic() - start < 20
    assert _children() <= before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_called_so(an_ffmpeg: str) -> None:
    args = ["-f", "lavfi", "-i", "testsrc2=d=2", "-f", "rawvideo", "file:/dev/full"]
    with pytest.raises(MediaError, match="no space left"):
        ffmpeg.run(args)


def test_a_playlist_may_not_reach_beyond_files(tmp_path: Path, an_ffmpeg: str) -> None:
    (tmp_path / "v.m3u8").write_text(
        "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(MediaError):
        list(decode(tmp_path / "v.m3u8", 32, 32))


def test_where_ffmpeg_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_FFMPEG", str(tmp_path / "nope"))
    with pytest.raises(ConfigError, match="COSMOS_FFMPEG"):
        ffmpeg.executable()
    monkeypatch.delenv("COSMOS_FFMPEG")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)  # as if it were not installed
    with pytest.raises(MissingExtra) as caught:
        ffmpeg.executable()
    assert caught.value.exit_code == 8 and "cosmos-workflow[ffmpeg]" in caught.value.hint


def test_a_contact_sheet(video: Path, tmp_path: Path) -> None:
    from PIL import Image

    conform(video, tmp_path / "short.mp4", frames=7)
    videos = {"color": video, "output": video, "edge": tmp_path / "short.mp4"}
    contact_sheet(videos, tmp_path / "s.png", title="a\nlong " * 60, columns=5, width=1200)
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.width == 1200
        picture = np.asarray(sheet.convert("RGB"))
    bright = (picture.min(axis=2) > 240).sum(axis=1) > 30
    rows = int(np.diff(np.flatnonzero(np.diff(bright.astype(int)) == 1)).size) + 1
    assert rows == 3
    with pytest.raises(MediaError, match="at least one"):
        contact_sheet({}, tmp_path / "s.png", title="")


def _children() -> set[str]:
    """This process's children that run."""
    if not Path("/proc/self/task").exists():
        return set()
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= set((task / "children").read_text().split())
    return found


def test_killing_nothing_but_our_own(tmp_path: Path, an_ffmpeg: str) -> None:
    """An ffmpeg that somebody else runs is none of our business."""
    other = subprocess.Popen(
        [
            an_ffmpeg,
            "-v",
            "quiet",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2",
            "-f",
            "null",
            os.devnull,
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        with pytest.raises(MediaError):
            ffmpeg.run(["-i", "file:/no/such"])
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
