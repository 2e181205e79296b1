"""Inspect on a real ffmpeg: a video, and a prepared shot with a video that was changed."""

import cv2
import numpy as np
import pytest

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.workflows.inspect import inspect
from cosmos_workflow.workflows.prepare import Wishes, prepare


@pytest.fixture
def settings(tmp_path):
    return Settings(root=tmp_path)


@pytest.fixture
def shot(settings, tmp_path):
    folder = tmp_path / "renders"
    folder.mkdir()
    for number in range(1, 4):
        for name in ("color", "edge"):
            picture = np.full((32, 64, 3), 40 * number, np.uint8)
            cv2.imwrite(str(folder / f"{name}.{number}.png"), picture)
    return prepare(settings, folder, Wishes(name="shot", no_ai=True))


def test_a_video(settings, shot):
    seen = inspect(settings, shot / "color.mp4")
    assert (seen.media.width, seen.media.height, seen.media.frames) == (64, 32, 3)
    assert seen.problems == ()


def test_a_video_that_not_every_engine_reads(settings, shot, tmp_path):
    other = tmp_path / "other.mkv"
    ffmpeg.run(["-i", str(shot / "color.mp4"), "-c:v", "ffv1", "-pix_fmt", "yuv444p", str(other)])
    seen = inspect(settings, other)
    assert "ffv1 yuv444p" in seen.problems[0]
    assert seen.as_json()["path"] == str(other)


def test_a_prepared_shot(settings, shot):
    for path in (shot, shot / "metadata.json"):
        seen = inspect(settings, path)
        assert seen.shot.name == "shot"
        assert set(seen.videos) == {"color", "edge"}
        assert seen.problems == ()
        assert seen.as_json()["videos"]["edge"]["frames"] == 3


def test_a_prepared_shot_that_was_changed(settings, shot):
    (shot / "edge.mp4").unlink()
    ffmpeg.run(
        ["-y", "-f", "lavfi", "-i", "testsrc=size=64x32:rate=24", "-frames:v", "2",
         "-pix_fmt", "yuv420p", str(shot / "color.mp4")]
    )  # fmt: skip
    said = inspect(settings, shot).problems
    assert said[0].startswith("color: color.mp4 has 2 frames of 64x32")
    assert said[1].startswith("edge: cannot read")


def test_a_file_that_is_nothing(settings, tmp_path):
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(MediaError, match=r"notes\.txt cannot be read as a video"):
        inspect(settings, tmp_path / "notes.txt")
