"""The highest version that holds frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.versions import latest, versions_in


def make(root: Path, *names: str, empty: tuple[str, ...] = ()) -> Path:
    for name in (*names, *empty):
        (root / name).mkdir(parents=True)
        if name not in empty:
            (root / name / "color.0001.png").touch()
    return root


def holds(folder: Path) -> bool:
    return any(folder.iterdir())


@pytest.mark.parametrize(
    "names", [("v1", "v2", "v10"), ("v001", "v010"), ("shot_v3", "shot_v10"), ("V9", "v10")]
)
def test_the_highest_by_number_not_by_letters(tmp_path: Path, names: tuple[str, ...]) -> None:
    make(tmp_path, *names, "notes", "v", "vx")
    assert latest(tmp_path, holds) == tmp_path / names[-1]


def test_an_empty_one_does_not_count(tmp_path: Path) -> None:
    make(tmp_path, "v1", "v2", empty=("v3",))
    assert latest(tmp_path, holds).name == "v2"


def test_beside_a_version_are_those_of_the_same_thing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "comp_v3", "comp_v4", "light_v7")
    assert latest(tmp_path / "comp_v3", holds).name == "comp_v4"
    monkeypatch.chdir(tmp_path / "comp_v3")
    assert latest(Path(), holds) == tmp_path / "comp_v4"


def test_files_are_no_versions(tmp_path: Path) -> None:
    (tmp_path / "v3").touch()
    assert versions_in(tmp_path) == ()


@pytest.mark.parametrize(
    ("names", "empty", "said"),
    [
        ((), (), "has no versions"),
        (("v3", "v003"), (), "v003 and v3 in"),
        (("comp_v1", "light_v2"), (), "several things: comp_v#, light_v#"),
        ((), ("v1", "v2"), "no version holds frames: v1, v2"),
    ],
)
def test_what_cannot_be_told(
    tmp_path: Path, names: tuple[str, ...], empty: tuple[str, ...], said: str
) -> None:
    make(tmp_path, *names, empty=empty)
    with pytest.raises(MediaError, match=said):
        latest(tmp_path, holds)
