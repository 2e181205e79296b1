"""Sequences and videos by hand: what is whole, what is made, and nothing half."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from cosmos_workflow.config.settings import LocalModels
from cosmos_workflow.errors import MediaError
from cosmos_workflow.local_ai import VideoMetadataExtractor, VideoProcessor
from cosmos_workflow.video.frames import decode
from cosmos_workflow.video.probe import probe

PROCESSOR = VideoProcessor()


def picture(path: Path, grey: int = 100, size: tuple[int, int] = (32, 16), bits: int = 8) -> Path:
    width, height = size
    pixels = np.full((height, width, 3), grey * (257 if bits == 16 else 1), f"uint{bits}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


@pytest.mark.parametrize(
    "pattern",
    ["frame_{:03d}.png", "image_{}.png", "color.{:04d}.png", "shot-{:02d}.jpg", "{:05d}.png"],
)
def test_a_whole_sequence_is_valid(pattern: str, tmp_path: Path) -> None:
    for number in range(12):
        picture(tmp_path / pattern.format(number))
    found = PROCESSOR.validate_sequence(tmp_path)
    assert found["valid"] is True and found["issues"] == [] and found["missing"] == []
    assert (found["frame_count"], found["first"], found["last"]) == (12, 0, 11)
    assert found["resolution"] == [32, 16] and found["sequences"] == []
    assert "####" in found["pattern"]


def test_gaps_are_named(tmp_path: Path) -> None:
    for number in (1001, 1002, 1005, 1007):
        picture(tmp_path / f"color.{number}.png")
    found = PROCESSOR.validate_sequence(str(tmp_path))
    assert found["valid"] is False
    assert found["missing"] == [1003, 1004, 1006] and found["frame_count"] == 4
    assert found["issues"] == ["color.####.png: frames missing: 1003-1004, 1006"]


def test_mixed_resolutions_are_named(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / f"image_{number}.png", size=(32, 16) if number else (64, 32))
    found = PROCESSOR.validate_sequence(tmp_path)
    assert found["valid"] is False and found["resolution"] is None
    assert found["issues"] == ["image_####.png: mixed resolutions: 32x16 (3 files), 64x32 (1 file)"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"frame_{number:03d}.png")
    whole = (tmp_path / "frame_000.png").read_bytes()
    (tmp_path / "frame_001.png").write_bytes(whole[:-20])
    (tmp_path / "frame_002.png").write_bytes(b"")
    issues = PROCESSOR.validate_sequence(tmp_path)["issues"]
    assert issues == ["frame_001.png is cut short", "frame_002.png is empty"]


def test_passes_side_by_side_are_compared(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"color.{number:04d}.png")
        picture(tmp_path / f"depth.{number:04d}.png", size=(16, 16))
    (tmp_path / "depth.0001.png").unlink()
    found = PROCESSOR.validate_sequence(tmp_path)
    assert found["pattern"] == "color.####.png" and found["missing"] == []
    assert found["issues"] == [
        "depth.####.png: frames missing: 1",
        "mixed resolutions: color.####.png 32x16, depth.####.png 16x16",
    ]
    assert [one["frame_count"] for one in found["sequences"]] == [3, 2]


def test_numbers_twice_and_of_mixed_widths(tmp_path: Path) -> None:
    for name in ("a.1.png", "a.0001.png", "b.0001.png", "b.002.png"):
        picture(tmp_path / name)
    issues = PROCESSOR.validate_sequence(tmp_path)["issues"]
    assert "a.####.png: there twice: 1" in issues
    assert "b.####.png: numbers of mixed widths: 0001 among 3 digits" in issues


def test_nothing_to_validate(tmp_path: Path) -> None:
    assert PROCESSOR.validate_sequence(tmp_path)["valid"] is False
    nowhere = PROCESSOR.validate_sequence(tmp_path / "nowhere")
    assert nowhere["frame_count"] == 0 and "No such file" in nowhere["issues"][0]


def test_frames_become_a_video_in_the_order_given(tmp_path: Path) -> None:
    paths = [
        picture(tmp_path / "b.png", 200),
        picture(tmp_path / "a %d.png", 20, bits=16),
        picture(tmp_path / "it's 夜.png", 120),
    ]
    heard: list[tuple[int, int]] = []
    made = PROCESSOR.create_video_from_frames(
        frame_paths=paths, output_path=tmp_path / "new" / "v.mp4", fps=12,
        report=lambda done, total: heard.append((done, total)),
    )  # fmt: skip
    media = probe(made)
    assert (media.width, media.height, media.frames, media.fps) == (32, 16, 3, 12.0)
    assert media.plain and heard == [(1, 3), (2, 3), (3, 3)]
    greys = [int(frame.mean()) for frame in decode(made, 32, 16, "gray")]
    assert greys == pytest.approx([200, 20, 120], abs=4)


def test_a_video_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    good, other = picture(tmp_path / "1.png"), picture(tmp_path / "2.png", size=(64, 32))
    odd = picture(tmp_path / "3.png", size=(31, 16))
    broken = tmp_path / "4.png"
    broken.write_bytes(b"no picture")
    dest = tmp_path / "out" / "v.mp4"
    for paths, message in (
        ([], "no frames"),
        ([good, other], "2.png is 64x32, and 1.png 32x16"),
        ([odd], "odd side"),
        ([good, broken], "4.png is not a picture"),
        ([good, tmp_path / "none.png"], "cannot read .*none.png"),
    ):
        with pytest.raises(MediaError, match=message):
            PROCESSOR.create_video_from_frames(paths, dest)
        assert not dest.parent.exists() or list(dest.parent.iterdir()) == []
    with pytest.raises(MediaError, match="not a rate"):
        PROCESSOR.create_video_from_frames([good], dest, fps=0)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    paths = [picture(tmp_path / f"in.{n}.png", 20 * n) for n in range(10)]
    return PROCESSOR.create_video_from_frames(paths, tmp_path / "v.mp4")


def test_frames_out_and_in_again(video: Path, tmp_path: Path) -> None:
    paths = PROCESSOR.extract_frames(video, tmp_path / "frames")
    assert [path.name for path in paths] == [f"frame_{n:04d}.png" for n in range(10)]
    assert PROCESSOR.validate_sequence(tmp_path / "frames")["valid"] is True
    greys = [int(cv2.imread(str(path)).mean()) for path in paths]
    assert greys == pytest.approx([20 * n for n in range(10)], abs=4)
    third = PROCESSOR.extract_frames(video, tmp_path / "third", every=3)
    assert [int(cv2.imread(str(path)).mean()) for path in third] == greys[::3]
    again = PROCESSOR.create_video_from_frames(paths, tmp_path / "again.mp4")
    assert probe(again).frames == 10


def test_frames_never_mix_with_what_is_there(video: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert len(PROCESSOR.extract_frames(video, tmp_path / "empty", every=5)) == 2
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MediaError, match="is not empty"):
        PROCESSOR.extract_frames(video, tmp_path / "empty")
    with pytest.raises(MediaError, match="cannot be had"):
        PROCESSOR.extract_frames(video, tmp_path / "x", every=0)
    with pytest.raises(MediaError):
        PROCESSOR.extract_frames(tmp_path / "in.1.png.txt", tmp_path / "x")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_video_is_brought_to_a_rate_and_a_size(video: Path, tmp_path: Path) -> None:
    made = PROCESSOR.standardise_video(video, tmp_path / "s.mp4", fps=30, width=64, height=48)
    media = probe(made)
    assert (media.width, media.height, media.fps, media.frames) == (64, 48, 30.0, 10)
    assert media.plain
    with pytest.raises(MediaError, match="odd side"):
        PROCESSOR.standardise_video(video, tmp_path / "odd.mp4", width=63)


def test_facts_of_a_video_without_models(video: Path) -> None:
    found = VideoMetadataExtractor(use_ai=False).extract_metadata(str(video))
    assert (found.width, found.height, found.fps, found.frames) == (32, 16, 24.0, 10)
    assert found.seconds == pytest.approx(10 / 24) and found.codec == "h264"
    assert found.size == video.stat().st_size
    assert (found.ai_caption, found.ai_tags, found.detected_objects) == ("", (), ())
    assert found.missing == () and found.suggested_name == ""


def test_missing_models_are_said_and_the_facts_are_there(video: Path) -> None:
    models = LocalModels(caption_model="./a", tags_model="./b", objects_model="./c")
    said: list[str] = []
    found = VideoMetadataExtractor(models=models, say=said.append).extract_metadata(video)
    assert found.frames == 10 and found.ai_caption == ""
    assert len(found.missing) == 3 and len(said) == 3 and "caption_model = './a'" in said[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        VideoMetadataExtractor(models=models).extract_metadata(video)
    assert [str(warning.message) for warning in caught] == said
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.raises(MediaError):
        VideoMetadataExtractor(models=models).extract_metadata(video.with_name("none.mp4"))
