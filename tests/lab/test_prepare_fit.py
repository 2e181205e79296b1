"""A shot for an engine: held to its size, or brought to it, and what that did is told."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import IDS, shot
from two_ffmpegs import an_ffmpeg

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError, MediaError
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import decode
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.prepare import Wishes, prepare
from cosmos_workflow.workflows.prepare_wishes import FitBy

__all__ = ["an_ffmpeg"]

WIDE = (1280, 704)


def colours(path: Path) -> set[tuple[int, ...]]:
    """Every colour of a lossless video."""
    argv = [ffmpeg.executable(), "-v", "error", "-i", str(path), "-f", "rawvideo"]
    done = subprocess.run([*argv, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    pixels = np.frombuffer(done.stdout, np.uint8).reshape(-1, 3)
    return {tuple(map(int, one)) for one in np.unique(pixels, axis=0)}


def prepared(tmp_path: Path, folder: Path, **wishes: Any) -> tuple[Path, ShotMetadata, list[str]]:
    said: list[str] = []
    made = prepare(Settings(root=tmp_path), folder, Wishes(no_ai=True, **wishes), say=said.append)
    return made, ShotMetadata.load(made), said


def test_another_size_is_one_error_with_every_way_out(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 2, (192, 108))
    with pytest.raises(MediaError, match="transfer1 cannot take") as caught:
        prepared(tmp_path, folder, engine="transfer1")
    assert "works at 1280x704, and this shot is 192x108" in caught.value.message
    assert "--fit crop   cuts 2.2% away: 8 pixels at the top and at the bottom" in caught.value.hint
    assert "--fit pad    adds black bars, 2.2% of it: 14 pixels left and right" in caught.value.hint
    assert "--fit resize stretches it 2.3% wider" in caught.value.hint
    assert not (tmp_path / "inputs").exists()


def test_an_odd_side_loses_its_last_row_and_column(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 2, (33, 17))
    with pytest.raises(MediaError, match="render at 32x16, or --resize"):
        prepared(tmp_path, folder)
    made, facts, said = prepared(tmp_path, folder, resize=True, masters=True)
    assert facts.resolution == (32, 16) and "color: cut to 32x16" in said
    assert probe(made / "depth.mp4").width == 32
    assert prepared(tmp_path, folder, resize=True, engine="preview")[1].resolution == (32, 16)
    assert colours(made / "masters" / "segmentation.mkv") <= set(IDS)


def test_a_single_pixel_is_no_video(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 1, (1, 1))
    with pytest.raises(MediaError, match="1x1 is less than a video can hold"):
        prepared(tmp_path, folder, resize=True)


def test_the_right_size_is_told_how_long_it_is(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 1, WIDE)
    _, facts, said = prepared(tmp_path, folder, engine="transfer1", fit="crop")
    assert said[0].startswith("transfer1: 1 frames in 1 chunk")
    assert facts.prepared_for == "transfer1" and not facts.resized


@pytest.mark.parametrize(
    ("by", "words"), [("crop", "cut"), ("pad", "black"), ("resize", "lanczos")]
)
def test_every_pass_comes_to_the_size(
    tmp_path: Path, an_ffmpeg: str, by: FitBy, words: str
) -> None:
    folder = shot(tmp_path / "renders", 1, (192, 108))
    made, facts, said = prepared(tmp_path, folder, engine="transfer1", fit=by, masters=True)
    assert facts.resolution == WIDE and set(facts.resized) == set(facts.modalities)
    assert words in facts.resized[Modality.COLOR] and "nearest" in facts.resized[Modality("seg")]
    assert f"color: {facts.resized[Modality.COLOR]}" in said
    for one in facts.modalities:
        for path in (made / f"{one}.mp4", made / "masters" / f"{one}.mkv"):
            media = probe(path)
            assert (media.width, media.height, media.frames) == (*WIDE, 1)
    bars = {(0, 0, 0)} if by == "pad" else set()
    assert colours(made / "masters" / "segmentation.mkv") == {*IDS, *bars}
    assert probe(made / "masters" / "depth.mkv").pix_fmt == "gray16le"
    first = next(iter(decode(made / "color.mp4", *WIDE)))
    left, top = float(first[:, :10].max()), float(first[:4].max())
    assert (left < 8) == (by == "pad") and top > 20


def test_passes_of_other_sizes(tmp_path: Path, an_ffmpeg: str) -> None:
    sizes = {"depth": (48, 32), "segmentation": (192, 128)}
    folder = shot(tmp_path / "renders", 2, (96, 64), sizes)
    with pytest.raises(MediaError, match="mixed sizes"):
        prepared(tmp_path, folder)
    made, facts, said = prepared(tmp_path, folder, resize=True, masters=True)
    assert facts.resized == {
        Modality.DEPTH: "48x32 to 96x64 (bicubic)",
        Modality.SEGMENTATION: "192x128 to 96x64 (nearest)",
    }
    assert "depth: 48x32 to 96x64 (bicubic)" in said
    assert colours(made / "masters" / "segmentation.mkv") == set(IDS)
    for one in facts.modalities:
        assert (probe(made / f"{one}.mp4").width, probe(made / f"{one}.mp4").height) == (96, 64)


def test_grey_ids_stay_what_they_are(tmp_path: Path, an_ffmpeg: str) -> None:
    import cv2

    folder = shot(tmp_path / "renders", 1, (96, 64), {"segmentation": (48, 32)})
    grey = np.random.default_rng(3).choice([0, 771, 40_000, 65_535], (32, 48)).astype(np.uint16)
    cv2.imwrite(str(folder / "segmentation.0001.png"), grey)
    made, _, _ = prepared(tmp_path, folder, resize=True, masters=True)
    argv = [ffmpeg.executable(), "-v", "error", "-i", str(made / "masters" / "segmentation.mkv")]
    argv += ["-pix_fmt", "gray16le", "-f", "rawvideo", "-"]
    done = subprocess.run(argv, capture_output=True, check=True)
    assert set(np.frombuffer(done.stdout, np.uint16)) == set(np.unique(grey))


def test_too_many_frames_are_a_fault(tmp_path: Path) -> None:
    from cosmos_workflow.houdini.png_reel import PngReel
    from cosmos_workflow.houdini.shot import Shot
    from cosmos_workflow.workflows.prepare_fit import framed

    paths = tuple(Path(f"color.{n}.png") for n in range(6000))
    whole = Shot(Path("renders"), (PngReel(Modality.COLOR, paths, 100, 100),), tuple(range(6000)),
                 100, 100)  # fmt: skip
    with pytest.raises(MediaError) as caught:
        framed(whole, Wishes(engine="transfer1"))
    assert "6000 frames are more than" in caught.value.message
    assert "works at 960x960" in caught.value.message
    assert "--fit crop   loses nothing; enlarges it 9.6 times" in caught.value.hint


def test_what_makes_no_sense(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 1)
    with pytest.raises(MediaError, match="needs an engine"):
        prepared(tmp_path, folder, fit="crop")
    with pytest.raises(ConfigError, match="no engine named 'transfer9'"):
        prepared(tmp_path, folder, engine="transfer9")
