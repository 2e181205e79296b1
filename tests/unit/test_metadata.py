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
