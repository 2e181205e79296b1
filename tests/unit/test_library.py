"""Finding specs by path, id, start of an id and name, from file names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


def put(settings: Settings, name: str, digits: str, stamp: str = "20260101_120000") -> Path:
    folder = settings.prompts_dir / "2026-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_{stamp}_ps_{digits}.json"
    path.touch()
    return path


def fault(settings: Settings, text: str, kind: library.Kind = "prompt") -> str:
    with pytest.raises(SpecError) as caught:
        library.find(settings, kind, text)
    return f"{caught.value.message}\n{caught.value.hint}"


def test_every_way_to_name_one(settings: Settings) -> None:
    path = put(settings, "wet_street_夜", "1f2e3d4c")
    put(settings, "other", "aaaaaaaa")
    relative = str(path.relative_to(settings.root))
    for text in (
        str(path), relative, "ps_1f2e3d4c", "1f2e3d4c", "ps_1f", "1F2E", "wet_street_夜",
        "Wet street 夜",
    ):  # fmt: skip
        assert library.find(settings, "prompt", text) == path, text


def test_what_was_saved_is_found(settings: Settings) -> None:
    prompt = PromptSpec.create("a  $(b); 'c'", "x", settings=settings)
    path = prompt.save(settings=settings)
    assert library.find(settings, "prompt", prompt.id) == path
    assert library.find(settings, "prompt", prompt.name) == path
    assert library.all_prompts(settings)[0].id == prompt.id


def test_an_exact_name_wins_over_a_start_of_an_id(settings: Settings) -> None:
    put(settings, "other", "face0000")
    named = put(settings, "face", "12345678")
    assert library.find(settings, "prompt", "face") == named
    assert library.find(settings, "prompt", "ps_face").name.startswith("other")


def test_several_that_fit_are_listed_newest_first(settings: Settings) -> None:
    for number in range(7):
        put(settings, "shot", f"1f00000{number}", f"20260101_12000{number}")
    said = fault(settings, "shot")
    assert "fits 7 PromptSpecs" in said and "and 2 more" in said
    assert said.index("ps_1f000006") < said.index("ps_1f000002")
    assert "ps_1f000001" not in said
    assert "fits 7" in fault(settings, "1f")


def test_two_files_of_one_id_are_the_newest(settings: Settings) -> None:
    put(settings, "shot", "1f000000", "20260101_120000")
    newest = put(settings, "shot", "1f000000", "20260102_120000")
    assert library.find(settings, "prompt", "shot") == newest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wet_stret", "did you mean 'wet_street'?"),
        ("street", "did you mean 'wet_street'?"),
        ("ps_ffff", "cosmos list prompts"),
        ("rs_1f2e3d4c", "is a RunSpec; a PromptSpec is needed"),
        ("nowhere/x.json", "no PromptSpec file nowhere/x.json"),
        ("inputs/prompts", "is a folder"),
        ("", "no PromptSpec is named"),
        ("a\0b", "there is no PromptSpec"),
        ("x" * 5000, "there is no PromptSpec"),
    ],
)
def test_what_is_not_there(settings: Settings, text: str, expected: str) -> None:
    put(settings, "wet_street", "1f2e3d4c")
    assert expected in fault(settings, text)


def test_an_empty_project_says_how_to_begin(settings: Settings) -> None:
    assert "cosmos create-spec" in fault(settings, "x")
    assert "cosmos create-run" in fault(settings, "x", "run")


def test_ten_thousand_are_listed(settings: Settings) -> None:
    for number in range(10_000):
        put(settings, f"shot_{number % 50}", f"{number:08x}")
    assert len(library.all_prompts(settings)) == 10_000
    assert library.find(settings, "prompt", "ps_0000270f").name.startswith("shot_")
