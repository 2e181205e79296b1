"""Prepare on a real ffmpeg: exact videos and facts, whole or not at all, whoever interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from two_ffmpegs import an_ffmpeg, is_plain, tags

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.video.frames import decode
from cosmos_workflow.workflows.prepare import Wishes, prepare

__all__ = ["an_ffmpeg"]

PASSES = ("color", "depth", "segmentation", "edge")


def rendered(folder: Path, frames: int = 6, size: tuple[int, int] = (64, 32)) -> Path:
    """A render folder; frame n is grey of 20 * n; depth is 16-bit."""
    folder.mkdir(parents=True, exist_ok=True)
    width, height = size
    for number in range(frames):
        for name in PASSES:
            deep = name == "depth"
            shape = (height, width) if deep else (height, width, 3)
            value = 20 * number % 250
            picture = np.full(
                shape, value * 257 if deep else value, np.uint16 if deep else np.uint8
            )
            path = folder / f"{name}.{998 + number:04d}.png"
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return folder


def test_the_whole_thing(tmp_path: Path, an_ffmpeg: str) -> None:
    settings = Settings(root=tmp_path / "a project; 100%d")
    folder = rendered(settings.root / "renders" / "it's a $(shot) %04d\n夜")
    heard: list[tuple[str, float]] = []
    made = prepare(
        settings,
        folder,
        Wishes(fps=23.976, description="a modern architectural interior with stairs"),
        report=lambda stage, share: heard.append((stage, share)),
    )  # fmt: skip
    assert made.parent == settings.videos_dir
    assert made.name.startswith("modern_architectural_")
    assert len(made.name) == len("modern_architectural_20260101_120000")
    assert sorted(p.name for p in made.iterdir()) == sorted(
        ["metadata.json", *(f"{name}.mp4" for name in PASSES)]
    )
    for name in PASSES:
        said = tags(made / f"{name}.mp4")
        assert is_plain(made / f"{name}.mp4")
        assert (said["width"], said["height"], said["nb_read_frames"]) == (64, 32, "6")
        assert said["r_frame_rate"] == said["avg_frame_rate"] == "24000/1001"
        for number, frame in enumerate(decode(made / f"{name}.mp4", 64, 32)):
            assert abs(float(frame.mean()) - 20 * number) < 3
    facts = json.loads((made / "metadata.json").read_text())
    place = f"inputs/videos/{made.name}"
    assert facts == {
        "id": facts["id"], "name": "modern_architectural",
        "description": "a modern architectural interior with stairs",
        "frame_count": 6, "fps": 23.976, "modalities": list(PASSES),
        "video_path": f"{place}/color.mp4",
        "control_inputs": {name: f"{place}/{name}.mp4" for name in PASSES[1:]},
        "resolution": [64, 32], "source": f"renders/{folder.name}",
        "fingerprint": facts["fingerprint"],
        "frame_range": {"first": 998, "last": 1003, "step": 1, "handles": 0},
        "passes": {
            name: {
                "pattern": f"{name}.####.png",
                "files": [f"{name}.{number:04d}.png" for number in range(998, 1004)],
            }
            for name in PASSES
        },
        "files": {
            file.name: {"sha256": sha256_file(file), "size": file.stat().st_size}
            for file in sorted(made.glob("*.mp4"))
        },
    }  # fmt: skip
    assert heard[0][0] == "checking frames" and heard[-1] == ("encoding", 1.0)
    assert only(settings, made)


def test_the_same_shot_in_the_same_second(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    folder = rendered(tmp_path / "renders", frames=2)
    made: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: made.append(prepare(settings, folder, Wishes(name="s", again=True)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4 and only(settings, *made)
    assert len({ShotMetadata.load(one).id for one in made}) == 1
    for one in made:
        assert one.name in ShotMetadata.load(one).video_path


def test_a_faulty_folder_writes_nothing(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    folder = rendered(tmp_path / "renders")
    broken = folder / "edge.1000.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    (folder / "depth.0999.png").unlink()
    with pytest.raises(MediaError, match="2 problems"):
        prepare(settings, folder)
    assert not settings.videos_dir.exists()


@pytest.mark.parametrize("fps", [0, -1, 1000, float("nan")])
def test_a_rate_that_is_none(tmp_path: Path, fps: float) -> None:
    with pytest.raises(MediaError, match="not a rate"):
        prepare(Settings(root=tmp_path), rendered(tmp_path / "renders", 1), Wishes(fps=fps))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "inputs").touch()
    with pytest.raises(MediaError, match="cannot write in"):
        prepare(Settings(root=tmp_path), rendered(tmp_path / "renders", 1))


_CHILD = """
import sys
from pathlib import Path
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.workflows.prepare import Wishes, prepare

def say(stage, share):
    if stage == "encoding":
        print("encoding", flush=True)

prepare(Settings(root=Path(sys.argv[1])), Path(sys.argv[2]), Wishes(name="s"), report=say)
print("done", flush=True)
"""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interruption_leaves_no_half_shot(tmp_path: Path, blow: signal.Signals) -> None:
    settings = Settings(root=tmp_path)
    folder = rendered(tmp_path / "renders", frames=60, size=(1280, 704))
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path), str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "encoding\n"
    assert [p for p in settings.videos_dir.iterdir() if p.suffix == ".part"]
    os.kill(child.pid, blow)
    rest = child.stdout.read()
    assert child.wait() != 0 and "done" not in rest
    left = [path.name for path in settings.videos_dir.iterdir()]
    assert all(name.startswith(".") for name in left)
    if blow == signal.SIGINT:
        assert left == []
    made = prepare(settings, rendered(tmp_path / "other", frames=2), Wishes(name="s"))
    assert only(settings, made)


def only(settings: Settings, *made: Path) -> bool:
    """The videos folder holds these shots and nothing else, hidden or not."""
    return set(settings.videos_dir.iterdir()) == set(made)
