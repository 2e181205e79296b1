"""The renderer as a job runs it: a process of its own, real videos in, a real video out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from need import missing

from cosmos_workflow.errors import MissingExtra
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import Encoder, decode
from cosmos_workflow.video.probe import probe

W, H, FRAMES = 320, 176, 6


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the passes of a ball that moves to the right, and two that do not fit."""
    try:
        ffmpeg.executable()
    except MissingExtra as error:
        missing(error.message)
    folder = tmp_path_factory.mktemp("shot with 'quotes' $HOME")
    y, x = np.mgrid[:H, :W]
    for name in ("color", "depth", "segmentation", "edge"):
        with Encoder(folder / f"{name}.mp4", W, H, 24) as encoder:
            for number in range(FRAMES):
                encoder.write(drawn(name, np.hypot(x - 90 - 12 * number, y - 100), y))
    for name, frames, width in (("short", FRAMES - 1, W), ("narrow", FRAMES, W // 2)):
        with Encoder(folder / f"{name}.mp4", width, H, 24) as encoder:
            for _ in range(frames):
                encoder.write(np.zeros((H, width, 3), np.uint8))
    return folder


def drawn(name: str, r: Any, y: Any) -> Any:
    ball = (r < 40)[..., None]
    ground = np.repeat((y / H)[..., None], 3, axis=2)
    if name == "color":
        picture = np.where(ball, (220, 120, 70), 220 - 120 * ground)
    elif name == "depth":
        picture = np.where(ball, 200, 160 * np.clip(ground - 0.4, 0, 1))
    elif name == "segmentation":
        picture = np.where(ball, (230, 25, 75), (0, 130, 200))
    else:
        picture = np.where((np.abs(r - 40) < 1)[..., None], (255, 255, 255), (0, 0, 0))
    return picture.astype(np.uint8)


def request_of(shot: Path, **changes: Any) -> dict[str, Any]:
    videos = {"depth": "depth", "segmentation": "segmentation", "edge": "edge"}
    return {
        "run_id": "rs_0a1b2c3d.1",
        "name": "ball",
        "engine": "preview",
        "prompt": "a rainy neon night — '$(touch x)' 雨",
        "negative_prompt": "",
        "base": {"modality": "color", "video": str(shot / "color.mp4")},
        "controls": {
            "vis": {"weight": 0.2, "video": None},
            **{
                control: {"weight": 0.4, "video": str(shot / f"{video}.mp4")}
                for control, video in videos.items()
            },
        },
        "parameters": {
            "seed": 7, "num_steps": 35, "guidance": 7.0, "sigma_max": 70.0, "fps": 12,
            "blur_strength": "low", "canny_threshold": "medium",
        },
        "options": {"depth_near": "white"},
        **changes,
    }  # fmt: skip


def rendered(folder: Path, request: Any, *more: str) -> subprocess.CompletedProcess[str]:
    spec = folder / "spec.json"
    spec.write_text(json.dumps(request), encoding="utf-8")
    return started(["-m", "cosmos_workflow.rehearsal", str(spec), str(folder / "outputs"), *more])


def started(args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=120,
        check=False,
    )


def pixels(folder: Path) -> list[Any]:
    return list(decode(folder / "outputs" / "output.mp4", W, H))


def test_renders_what_was_asked(shot: Path, tmp_path: Path) -> None:
    request = request_of(shot)
    done = rendered(tmp_path, request)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "words: rainy, neon, night" in lines
    assert [line for line in lines if line.startswith("frame ")] == [
        f"frame {number}/{FRAMES}" for number in range(1, FRAMES + 1)
    ]
    assert {path.name for path in (tmp_path / "outputs").iterdir()} == {"output.mp4", "echo.json"}
    media = probe(tmp_path / "outputs" / "output.mp4")
    assert (media.width, media.height, media.frames, media.fps) == (W, H, FRAMES, 12)
    assert media.plain

    echo = json.loads((tmp_path / "outputs" / "echo.json").read_text(encoding="utf-8"))
    for key in ("run_id", "engine", "prompt", "negative_prompt", "parameters", "options"):
        assert echo[key] == request[key]
    assert echo["preview"] is True
    assert echo["control_weights"] == {
        "vis": 0.2, "edge": 0.4, "depth": 0.4, "segmentation": 0.4,
    }  # fmt: skip
    assert sum(echo["control_shares"].values()) == pytest.approx(1, abs=1e-3)
    assert echo["made_from_base"] == ["vis"]
    assert echo["words"] == ["rainy", "neon", "night"]


def test_the_same_request_gives_the_same_pixels(shot: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    other = request_of(shot)
    other["parameters"] = {**other["parameters"], "seed": 8}
    for folder, request in zip(folders, (request_of(shot),) * 2 + (other,), strict=True):
        folder.mkdir()
        assert rendered(folder, request).returncode == 0
    one, two, three = (pixels(folder) for folder in folders)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, c) for a, c in zip(one, three, strict=True))


def test_depth_the_other_way_round(shot: Path, tmp_path: Path) -> None:
    assert rendered(tmp_path, request_of(shot, options={"depth_near": "black"})).returncode == 0
    black = pixels(tmp_path)[0].astype(int)
    assert rendered(tmp_path, request_of(shot)).returncode == 0
    assert np.abs(black - pixels(tmp_path)[0]).mean() > 5


@pytest.mark.parametrize(
    ("control", "video", "said"),
    [
        ("depth", "short.mp4", f"depth has {FRAMES - 1} frames, color has {FRAMES}"),
        ("edge", "narrow.mp4", f"edge is {W // 2}x{H}, color is {W}x{H}"),
        ("segmentation", "none.mp4", "none.mp4: No such file"),
        ("segmentation", "text.mp4", "cannot be read as a video"),
        ("depth", None, "depth has a weight but no video"),
    ],
)
def test_faults_are_told_in_a_line(
    shot: Path, tmp_path: Path, control: str, video: str | None, said: str
) -> None:
    (shot / "text.mp4").write_text("this is no video\n" * 50)
    request = request_of(shot)
    request["controls"][control]["video"] = str(shot / video) if video else None
    done = rendered(tmp_path, request)
    assert done.returncode == 7
    assert done.stderr.startswith("error: ") and said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outputs" / "output.mp4").exists()


def test_a_video_cut_short_leaves_nothing(shot: Path, tmp_path: Path) -> None:
    whole = (shot / "depth.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    request = request_of(shot)
    request["controls"]["depth"]["video"] = str(cut)
    done = rendered(tmp_path, request)
    assert done.returncode == 7 and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("outputs/*"))


def test_wrong_use(shot: Path, tmp_path: Path) -> None:
    assert rendered(tmp_path, {"engine": "preview"}).returncode == 3
    assert rendered(tmp_path, request_of(shot), "more").returncode == 2


def test_a_folder_that_cannot_be_made(shot: Path, tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file is in the way")
    done = rendered(tmp_path, request_of(shot))
    assert done.returncode == 7 and "cannot make the folder" in done.stderr


def test_one_of_several_that_fails_costs_only_itself(shot: Path, tmp_path: Path) -> None:
    bad = {"base": {"modality": "color", "video": str(shot / "gone.mp4")}}
    args = ["-m", "cosmos_workflow.rehearsal"]
    for number, changes in enumerate(({}, bad, {}), 1):
        spec = tmp_path / f"{number}.json"
        spec.write_text(json.dumps(request_of(shot, **changes)))
        args += [str(spec), str(tmp_path / "out" / f"rs_0000000{number}.1")]
    done = started(args)
    assert done.returncode != 0
    lines = done.stdout.splitlines()
    assert lines[:3] == [f"run {n}/3 is rs_0000000{n}.1" for n in (1, 2, 3)]
    assert f"run 1/3: frame {FRAMES}/{FRAMES}" in lines
    assert "run 3/3: whole: rs_00000003.1/output.mp4" in lines
    assert done.stderr.startswith("run 2/3: error: ") and "gone.mp4" in done.stderr
    made = sorted(path.parent.name for path in (tmp_path / "out").glob("*/output.mp4"))
    assert made == ["rs_00000001.1", "rs_00000003.1"]
