"""PromptSpec and RunSpec: strict, frozen, named by content, the same after a trip to disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import CONTROLS, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable, resolve

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = TEXT.filter(str.strip)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


def run_spec(**values: object) -> RunSpec:
    base = {"name": "n", "prompt_spec_id": "ps_0", "prompt_spec_path": "p", "engine": "e"}
    return RunSpec.create(**{**base, **values})


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    name=TEXT, prompt=WORDS, negative=TEXT,
    controls=st.dictionaries(st.sampled_from(CONTROLS), WORDS.filter(lambda p: "\0" not in p)),
    metadata=st.dictionaries(TEXT, TEXT | st.integers(-(2**53), 2**53) | st.none()),
)  # fmt: skip
def test_a_prompt_is_the_same_after_a_trip_to_disk(
    settings: Settings,
    name: str,
    prompt: str,
    negative: str,
    controls: dict[Modality, str],
    metadata: dict[str, object],
) -> None:
    spec = PromptSpec.create(
        name, prompt, negative, "in put.mp4", controls, metadata, settings=settings
    )
    path = spec.save(settings=settings)
    assert PromptSpec.load(path) == spec
    assert path.name.endswith(f"_{spec.id}.json") and path.parent.parent == settings.prompts_dir
    assert spec.save(settings=settings) == path


def test_a_run_is_the_same_after_a_trip_to_disk(settings: Settings) -> None:
    spec = run_spec(
        control_weights={"depth": 0.4, "seg": "masks/m.pt"},
        parameters={"seed": 7, "guidance": 7, "blur_strength": "high"},
        options={"a": [1, {"b": None}]},
    )
    path = spec.save(settings=settings)
    loaded = RunSpec.load(path)
    assert loaded == spec and loaded.id == spec.id
    assert loaded.control_weights[Modality.SEGMENTATION] == "masks/m.pt"


def test_an_id_names_the_content() -> None:
    one = run_spec(parameters={"seed": 1})
    assert one.id == run_spec(parameters={"seed": 1}).id
    assert one.id != run_spec(parameters={"seed": 2}).id
    assert one.id == run_spec(parameters={"seed": 1}, prompt_spec_path="elsewhere").id


def test_an_id_is_the_same_on_every_machine(tmp_path: Path) -> None:
    def made(root: Path) -> str:
        where = Settings(root=root)
        return PromptSpec.create("n", "p", "", root / "in/c.mp4", settings=where).id

    assert made(tmp_path / "a") == made(tmp_path / "b b")


def test_an_edited_file_is_told(settings: Settings) -> None:
    path = PromptSpec.create("n", "a street", settings=settings).save(settings=settings)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["prompt"] = "a river"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SpecError, match="was edited") as caught:
        PromptSpec.load(path)
    assert '"id"' in caught.value.hint
    del data["id"]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert PromptSpec.load(path).prompt == "a river"


def test_specs_do_not_change() -> None:
    with pytest.raises(ValidationError):
        run_spec().name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"promt": "x"}, "promt: unknown key; did you mean 'prompt'?"),
        ({"prompt": "  "}, "the prompt is empty"),
        ({"prompt": 3}, "prompt: Input should be a valid string"),
        ({"control_inputs": {"color": "c"}}, "color is the input video"),
        ({"control_inputs": {"dpeth": "c"}}, "control_inputs.dpeth"),
    ],
)
def test_a_wrong_prompt_file_says_which_key(
    tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"name": "n", "prompt": "p", **change}), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        PromptSpec.load(path)
    assert str(path) in caught.value.message and expected in caught.value.hint


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"sede": 1}, "did you mean 'seed'?"),
        ({"seed": "1"}, "parameters.seed"),
        ({"guidance": float("nan")}, "finite"),
        ({"blur_strength": "much"}, "parameters.blur_strength"),
    ],
)
def test_a_wrong_run_says_which_key(parameters: dict[str, object], expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        run_spec(parameters=parameters)
    assert expected in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "n"}'])
def test_what_is_no_spec_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=r"p\.json"):
        PromptSpec.load(path)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(SpecError, match="cannot read"):
            PromptSpec.load(path)


def test_a_spec_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("a file where a folder should be", encoding="utf-8")
    where = Settings(root=tmp_path)
    with pytest.raises(SpecError, match="cannot write the PromptSpec"):
        PromptSpec.create("n", "p", settings=where).save(settings=where)


def test_paths_are_stored_relative_to_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Settings(root=tmp_path / "pro ject")
    (tmp_path / "pro ject/sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "pro ject/sub")
    assert portable(Path("../in/夜.mp4"), where) == "in/夜.mp4"
    assert portable(tmp_path / "other.mp4", where) == (tmp_path / "other.mp4").as_posix()
    assert resolve("in/夜.mp4", where) == tmp_path / "pro ject/in/夜.mp4"
