"""``metadata.json``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.workflows.prepare import shot_name

FACTS = {
    "id": "0123456789ab",
    "name": "shot",
    "description": "",
    "frame_count": 48,
    "fps": 24,
    "modalities": ["color", "depth"],
    "video_path": "inputs/videos/shot/color.mp4",
    "control_inputs": {"depth": "inputs/videos/shot/depth.mp4"},
    "resolution": [1280, 704],
}


def test_it_is_written_as_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(FACTS))
    shot = ShotMetadata.load(tmp_path)
    assert shot.control_inputs == {Modality.DEPTH: "inputs/videos/shot/depth.mp4"}
    assert json.loads(shot.text()) == FACTS
    assert list(json.loads(shot.text())) == list(FACTS)


NEW = {
    "source": "renders/shot",
    "fingerprint": "ab" * 32,
    "frame_range": {"first": 1001, "last": 1095, "step": 2, "handles": 8},
    "passes": {
        "color": {"pattern": "shot.####.exr", "layer": "rgba", "settings": {"view": "Raw"}},
        "depth": {"pattern": "shot.####.exr", "layer": "Pz", "settings": {"near": 0.1}},
    },
    "files": {"color.mp4": {"sha256": "cd" * 32, "size": 12}},
    "masters": {"depth": "inputs/videos/shot/masters/depth.mkv"},
    "legend": "inputs/videos/shot/legend.json",
    "resized": {"depth": "640x360 to 1280x720 (bicubic)"},
    "prepared_for": "transfer1",
    "described": {"caption": "a hall", "tags": ["hall"], "objects": [], "models": {"x": "y"}},
}


def test_all_there_is_to_say_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps({**FACTS, **NEW}))
    shot = ShotMetadata.load(path)
    assert json.loads(shot.text()) == {**FACTS, **NEW}
    assert shot.files["color.mp4"].size == 12 and shot.frame_range is not None
    assert shot.passes[Modality.DEPTH].layer == "Pz" and not shot.passes[Modality.DEPTH].made


def test_a_version_is_named_after_what_it_is_of() -> None:
    assert shot_name("", "", Path("/renders/comp/v003")) == "comp_v003"
    assert shot_name("", "", Path("/renders/comp/vast")) == "vast"
    assert shot_name("", "a big hall", Path("/renders/comp/v3")) == "big_hall"


@pytest.mark.parametrize(
    "change",
    [{"id": "xyz"}, {"fps": 0}, {"frame_count": 0}, {"framecount": 3}, {"modalities": ["x"]}],
)
def test_a_wrong_file_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps({**FACTS, **change}))
    with pytest.raises(MediaError) as caught:
        ShotMetadata.load(path)
    assert next(iter(change)) in caught.value.hint


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot read"):
        ShotMetadata.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("", "a modern architectural interior with stairs", "modern_architectural"),
        ("My Shot!", "a modern interior", "my_shot"),
        ("", "The city, at night", "city_night"),
        ("", "stairs", "stairs"),
        ("", "the of", "the_of"),
        ("", "", "render_folder"),
        ("", "夜の 街", "夜の_街"),
        ("../../etc", "", "etc"),
    ],
)
def test_names(name: str, description: str, expected: str) -> None:
    assert shot_name(name, description, Path("/somewhere/Render Folder")) == expected
