"""The sample shot: true passes, the same every time, and careful with other people's frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cosmos_workflow.config.settings import Colour, Depth
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.exr import ExrFormat
from cosmos_workflow.houdini.exr_frame import Source, open_frame
from cosmos_workflow.houdini.samples import render_sample
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import Modality

SIZE = {"width": 256, "height": 140}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    heard: list[tuple[int, int]] = []
    render_sample(folder, frames=3, **SIZE, report=lambda *said: heard.append(said))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    return folder


def picture(folder: Path, name: str) -> np.ndarray:
    return cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_UNCHANGED)


def test_it_is_a_complete_shot(sample: Path) -> None:
    shot = read_shot(sample)
    assert [str(one) for one in shot.modalities] == ["color", "depth", "segmentation", "edge"]
    assert (shot.width, shot.height, shot.frames) == (256, 140, (1001, 1002, 1003))


def test_the_passes_say_the_same_of_the_scene(sample: Path) -> None:
    flat, depth, edge = (picture(sample, f"{n}.1002") for n in ("segmentation", "depth", "edge"))
    assert depth.dtype == np.uint16 and edge.ndim == 2
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) >= 12
    sky = (flat == (180, 130, 70)).all(axis=2)
    assert 0.1 < sky.mean() < 0.6 and depth[sky].max() == 0
    sphere = (flat == (240, 240, 70)).all(axis=2)
    roof = (flat == (0, 220, 220)).all(axis=2)
    assert depth[sphere].min() > depth[roof].mean()  # nearer is brighter
    border = (flat[:, 1:] != flat[:, :-1]).any(axis=2)
    assert (edge[:, 1:][border] > 60).mean() > 0.95
    assert (edge > 127).mean() < 0.2


def test_it_moves(sample: Path) -> None:
    first, last = (picture(sample, f"color.{n}").astype(int) for n in (1001, 1003))
    assert np.abs(first - last).mean() > 5
    assert 70 < first.mean() < 180 and first.std() > 30


def test_the_same_pixels_every_time(sample: Path, tmp_path: Path) -> None:
    render_sample(tmp_path, frames=3, **SIZE)
    for path in sorted(sample.glob("*.png")):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_a_complete_one_is_kept_and_a_torn_one_is_not(sample: Path) -> None:
    marked = sample / "color.1001.png"
    before = marked.read_bytes()
    stamp = marked.stat().st_mtime_ns
    render_sample(sample, frames=3, **SIZE)
    assert marked.stat().st_mtime_ns == stamp
    marked.write_bytes(b"")
    render_sample(sample, frames=3, **SIZE)
    assert marked.read_bytes() == before


def test_fewer_frames_leave_none_of_the_old(tmp_path: Path) -> None:
    render_sample(tmp_path, frames=2, **SIZE)
    render_sample(tmp_path, frames=1, **SIZE)
    assert read_shot(tmp_path).frames == (1001,)


def test_other_peoples_frames_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "color.1001.png").write_bytes(b"mine")
    with pytest.raises(MediaError, match="not the sample's"):
        render_sample(tmp_path, frames=1, **SIZE)
    assert (tmp_path / "color.1001.png").read_bytes() == b"mine"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot write the sample"):
        render_sample(tmp_path / "file" / "x", frames=1, **SIZE)


@pytest.fixture(scope="module")
def exr_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exr_sample")
    render_sample(folder, frames=2, exr=True, **SIZE)
    return folder


def test_as_exr_it_is_a_complete_shot(exr_sample: Path) -> None:
    shot = read_shot(exr_sample, Reading(colour=Colour(config="srgb")))
    assert [str(one) for one in shot.modalities] == ["color", "depth", "segmentation"]
    assert (shot.width, shot.height, shot.frames) == (256, 140, (1001, 1002))
    (reel,) = shot.reels
    assert [reel.origin(one).layer for one in shot.modalities] == ["rgba", "Pz", "crypto_object"]
    path = exr_sample / "sample.1001.exr"
    assert set(ExrFormat().layers(path)) == {"rgba", "N", "Pz", "crypto_object"}
    assert {one.name for one in exr_sample.iterdir()} == {
        ".sample.json", "sample.1001.exr", "sample.1002.exr",
    }  # fmt: skip


def test_as_exr_it_says_the_same_as_the_png_passes(sample: Path, exr_sample: Path) -> None:
    (reel,) = read_shot(exr_sample, Reading(depth=Depth(mode="log", near=3, far=120))).reels
    pixels = reel.read(0)  # both shots begin alike
    depth = picture(sample, "depth.1001").astype(int)
    assert np.abs(pixels[Modality.DEPTH].astype(int) - depth).max() < 700
    flat = picture(sample, "segmentation.1001").astype(int) @ [1, 256, 65536]
    mine = pixels[Modality.SEGMENTATION].astype(int) @ [1, 256, 65536]
    kinds = np.unique(flat)
    agree = sum(np.unique(mine[flat == kind], return_counts=True)[1].max() for kind in kinds)
    assert agree / flat.size > 0.98  # outlines differ: one has the sample, the other the share
    names = {one["name"] for one in reel.legend()["colors"]}
    assert {"/pavilion/sphere", "/pavilion/roof", "/pavilion/pool"} <= names
    shown = picture(sample, "color.1001")[..., ::-1].astype(float)
    assert np.corrcoef(shown.ravel(), pixels[Modality.COLOR].ravel())[0, 1] > 0.97


def test_exr_normals_face_the_camera(exr_sample: Path) -> None:
    frame = open_frame(exr_sample / "sample.1001.exr")
    layer = frame.layers["N"]
    found = frame.read([Source(layer.part, layer.rgb)])[layer.part]
    normals = np.stack([found[one.name] for one in layer.rgb], axis=-1).astype(float)
    length = np.linalg.norm(normals, axis=-1)
    sky = length == 0
    assert 0.1 < sky.mean() < 0.6
    assert np.abs(length[~sky] - 1).max() < 0.01
    assert (normals[-1, :, 1] == 1).mean() > 0.7  # water and stone below us face up


def test_the_same_exr_every_time_and_a_complete_one_is_kept(
    exr_sample: Path, tmp_path: Path
) -> None:
    render_sample(tmp_path, frames=2, exr=True, **SIZE)
    path = tmp_path / "sample.1002.exr"
    assert path.read_bytes() == (exr_sample / path.name).read_bytes()
    stamp = path.stat().st_mtime_ns
    render_sample(tmp_path, frames=2, exr=True, **SIZE)
    assert path.stat().st_mtime_ns == stamp


def test_one_kind_of_sample_replaces_the_other(tmp_path: Path) -> None:
    for exr, endings in ((True, {".exr"}), (False, {".png"}), (True, {".exr"})):
        render_sample(tmp_path, frames=1, exr=exr, **SIZE)
        frames = [one for one in tmp_path.iterdir() if not one.name.startswith(".")]
        assert {one.suffix for one in frames} == endings


def test_other_peoples_exr_frames_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "sample.0001.exr").write_bytes(b"mine")
    with pytest.raises(MediaError, match="not the sample's"):
        render_sample(tmp_path, frames=1, exr=True, **SIZE)
    assert (tmp_path / "sample.0001.exr").read_bytes() == b"mine"
