"""Controls that were not rendered: made from color by the presets, and told in the metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from shots import save, scene, shot

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.prompts.enums import CANNY_PAIRS, BlurStrength, CannyThreshold, Modality
from cosmos_workflow.video.controls import BLURS, blur
from cosmos_workflow.video.frames import Encoder, decode
from cosmos_workflow.workflows.prepare import Wishes, prepare

SIZE = (96, 64)


def made(tmp_path: Path, folder: Path, **wishes: Any) -> tuple[Path, ShotMetadata]:
    done = prepare(Settings(root=tmp_path), folder, Wishes(no_ai=True, **wishes))
    return done, ShotMetadata.load(done)


@pytest.mark.parametrize("level", CannyThreshold)
def test_edges_by_each_threshold(tmp_path: Path, level: CannyThreshold) -> None:
    folder = shot(tmp_path / "renders", 3, SIZE)
    done, facts = made(tmp_path, folder, make=(Modality.EDGE,), canny_threshold=level)
    low, high = CANNY_PAIRS[level]
    for color, edge in zip(
        decode(done / "color.mp4", *SIZE), decode(done / "edge.mp4", *SIZE, "gray"), strict=True
    ):
        expected = cv2.Canny(color, low, high)
        assert np.mean((edge > 127) == (expected > 127)) > 0.999
        assert expected.any() or level is CannyThreshold.VERY_HIGH
    assert facts.passes[Modality.EDGE].made == {
        "recipe": "canny", "preset": level, "low": low, "high": high, "from": "color"
    }  # fmt: skip
    assert facts.control_inputs[Modality.EDGE].endswith("/edge.mp4")
    assert "edge.mp4" in facts.files and facts.modalities[-1] is Modality.EDGE


def test_each_blur_is_another(tmp_path: Path) -> None:
    """The presets differ from each other, and take away more the stronger they are."""
    source = tmp_path / "color.mp4"
    with Encoder(source, 192, 128, 24) as encoder:
        encoder.write(scene(0, 192, 128))
    seen = []
    for level in BlurStrength:
        blur(source, tmp_path / f"{level}.mp4", BLURS[level])
        (frame,) = decode(tmp_path / f"{level}.mp4", 192, 128, "gray")
        seen.append(frame)
    detail = [float(cv2.Laplacian(frame, cv2.CV_64F).std()) for frame in seen]
    first, second, third, fourth, fifth = detail
    assert min(first, second) > third > max(fourth, fifth)
    for n, one in enumerate(seen):
        for other in seen[n + 1 :]:
            assert np.abs(one.astype(int) - other).max() > 3


def test_blur_and_edges_at_once(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 2, SIZE)
    wishes = {"make": (Modality.VIS, Modality.EDGE), "blur_strength": BlurStrength.HIGH}
    done, facts = made(tmp_path, folder, **wishes)
    assert facts.modalities == tuple(map(Modality, ("color", "depth", "seg", "edge", "vis")))
    assert facts.passes[Modality.VIS].made["diameter"] == 50
    for name in ("vis", "edge"):
        assert len(list(decode(done / f"{name}.mp4", *SIZE))) == 2


def test_what_was_rendered_is_not_made(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 1, SIZE)
    save(folder / "edge.0001.png", scene(0, *SIZE))
    with pytest.raises(MediaError, match=r"has its own edge \(edge.####.png\)") as caught:
        made(tmp_path, folder, make=(Modality.EDGE,))
    assert "out of --make" in caught.value.hint
    with pytest.raises(MediaError, match="depth cannot be made"):
        made(tmp_path, folder, make=(Modality.DEPTH,))
    assert not (tmp_path / "inputs").exists()
