"""Probing: the same facts with and without ffprobe, and every way a file can be no video."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from two_ffmpegs import FRAMES, HEIGHT, WIDTH, an_ffmpeg, made, video

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import check_readable, probe

__all__ = ["an_ffmpeg", "video"]


def test_the_facts_of_our_own_video(video: Path) -> None:
    facts = Media(WIDTH, HEIGHT, 24.0, FRAMES, "h264", "yuv420p", False)
    assert probe(video) == facts
    assert check_readable(video) == facts
    assert facts.plain and facts.seconds == 0.5


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.mp4", ["-r", "30000/1001"], (30000 / 1001, 60, "h264", False)),
        ("b.mp4", ["-pix_fmt", "yuvj420p"], (25, 50, "h264", True)),
        ("c.mkv", ["-c:v", "ffv1", "-pix_fmt", "yuv444p10le"], (25, 50, "ffv1", False)),
        ("d.avi", ["-c:v", "mpeg4"], (25, 50, "mpeg4", False)),
        ("e.mov", ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], (25, 50, "mjpeg", True)),
        ("f.ts", ["-c:v", "mpeg2video"], (25, 50, "mpeg2video", False)),
    ],
)
def test_many_kinds(
    tmp_path: Path, an_ffmpeg: str, name: str, options: list[str],
    expected: tuple[float, int, str, bool],
) -> None:  # fmt: skip
    media = probe(made(tmp_path / name, *options))
    assert (media.fps, media.frames, media.codec, media.full_range) == (
        pytest.approx(expected[0]), *expected[1:],
    )  # fmt: skip
    assert (media.width, media.height) == (320, 240)
    assert check_readable(tmp_path / name) == media


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "git-LFS pointer"),
        (b"only some words\n" * 50, "text file|cannot be read as a video"),
        (b"\x00\x01\x02" * 400, "cannot be read as a video"),
    ],
)
@pytest.mark.parametrize("name", ["x.mp4", "x.txt"])
def test_what_is_no_video(
    tmp_path: Path, an_ffmpeg: str, content: bytes, said: str, name: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=said):
        probe(tmp_path / name)


def test_files_that_are_not_there_or_hold_only_sound(tmp_path: Path, an_ffmpeg: str) -> None:
    with pytest.raises(MediaError, match="No such file"):
        probe(tmp_path / "nope.mp4")
    with pytest.raises(MediaError, match="Is a directory"):
        probe(tmp_path)
    sound = ["-f", "lavfi", "-i", "sine=d=1", str(tmp_path / "s.wav")]
    subprocess.run([an_ffmpeg, "-v", "error", *sound], check=True, stdin=subprocess.DEVNULL)
    with pytest.raises(MediaError, match="has no video in it"):
        probe(tmp_path / "s.wav")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_short_is_found(video: Path, share: float) -> None:
    whole = video.read_bytes()
    video.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(MediaError, match=r"is damaged|cannot be read|has no frames"):
        check_readable(video)


def test_a_hole_in_the_middle_is_found(video: Path) -> None:
    whole = bytearray(video.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 4096] = bytes(4096)
    video.write_bytes(whole)
    with pytest.raises(MediaError, match="is damaged"):
        check_readable(video)


def test_the_wheel_alone_is_enough(
    video: Path, an_ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an ffprobe beside it the same ffmpeg gives the same facts."""
    alone = tmp_path / "bin" / "ffmpeg-alone"
    alone.parent.mkdir()
    alone.symlink_to(an_ffmpeg)
    beside = probe(video)
    monkeypatch.setenv("COSMOS_FFMPEG", str(alone))
    assert ffmpeg.ffprobe() is None
    assert probe(video) == beside
