"""The same files and wishes a second time are the shot that is there; anything else is not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from shots import save, scene, shot

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import BlurStrength, Modality
from cosmos_workflow.workflows.prepare import Wishes, prepare

WISHES = Wishes(no_ai=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shot(tmp_path / "renders" / "comp", 3, (32, 32))


def test_nothing_is_read_again(settings: Settings, folder: Path) -> None:
    first = prepare(settings, folder, WISHES)
    heard: list[str] = []
    said: list[str] = []
    again = prepare(
        settings, folder, WISHES, say=said.append, report=lambda stage, _: heard.append(stage)
    )
    assert again == first and not heard
    assert said == [f"already prepared: inputs/videos/{first.name}"]
    assert prepare(settings, folder, replace(WISHES, again=True)) != first


OTHERS = {
    "name": replace(WISHES, name="other"),
    "fps": replace(WISHES, fps=25),
    "description": replace(WISHES, description="a hall"),
    "frames": replace(WISHES, reading=Reading(frames=FrameRange((1, 2)))),
    "make": replace(WISHES, make=(Modality.VIS,)),
    "blur": replace(WISHES, make=(Modality.VIS,), blur_strength=BlurStrength.LOW),
    "masters": replace(WISHES, masters=True),
    "engine": replace(WISHES, engine="preview"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_wishes_are_another_shot(settings: Settings, folder: Path, other: Wishes) -> None:
    first = prepare(settings, folder, WISHES)
    second = prepare(settings, folder, other)
    assert second != first
    assert prepare(settings, folder, other) == second
    assert prepare(settings, folder, WISHES) == first


def test_other_files_are_another_shot(settings: Settings, folder: Path) -> None:
    first = prepare(settings, folder, WISHES)
    facts = (folder / "color.0002.png").stat()
    os.utime(folder / "color.0002.png", ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000))
    second = prepare(settings, folder, WISHES)
    assert second != first
    (folder / "_cosmos_error.json").write_text("{}")
    (folder / "notes.txt").write_text("these are no frames")
    assert prepare(settings, folder, WISHES) == second
    save(folder / "vis.0001.png", scene(0, 32, 32))
    for number in (2, 3):
        save(folder / f"vis.{number:04d}.png", scene(number, 32, 32))
    assert prepare(settings, folder, WISHES) not in (first, second)


def test_a_shot_that_lost_something_is_made_again(settings: Settings, folder: Path) -> None:
    first = prepare(settings, folder, WISHES)
    (first / "depth.mp4").write_bytes(b"short")
    second = prepare(settings, folder, WISHES)
    assert second != first
    (second / "color.mp4").unlink()
    assert prepare(settings, folder, WISHES) not in (first, second)


def test_shots_of_before_and_odd_files_are_no_hindrance(settings: Settings, folder: Path) -> None:
    old = settings.videos_dir / "old_20260101_120000"
    old.mkdir(parents=True)
    (old / "metadata.json").write_bytes(b"\xff\xfe not text")
    first = prepare(settings, folder, WISHES)
    assert prepare(settings, folder, WISHES) == first


def test_the_latest_version_has_its_parents_name(settings: Settings, folder: Path) -> None:
    for version in ("v2", "v10"):
        shot(folder / version, 2, (32, 32))
    wishes = replace(WISHES, reading=Reading(latest=True))
    made = prepare(settings, folder, wishes)
    facts = ShotMetadata.load(made)
    assert facts.name == "comp_v10" and facts.source == "renders/comp/v10"
    assert prepare(settings, folder, wishes) == made
    shot(folder / "v11", 2, (32, 32))
    assert ShotMetadata.load(prepare(settings, folder, wishes)).name == "comp_v11"


def test_some_frames_and_how_they_are_told(settings: Settings, folder: Path) -> None:
    shot(folder, 12, (32, 32))
    wishes = replace(WISHES, reading=Reading(frames=FrameRange((4, 6)), handles=1))
    facts = ShotMetadata.load(prepare(settings, folder, wishes))
    assert facts.frame_count == 4 and facts.frame_range is not None
    assert facts.frame_range.model_dump() == {
        "first": 2, "last": 8, "step": 2, "handles": 1, "numbers": "",
    }  # fmt: skip
