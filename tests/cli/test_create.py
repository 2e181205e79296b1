"""create-spec and create-run: what is asked is what is stored, whatever it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from tests.cli.calling import Cosmos

HOSTILE = [
    "two words",
    "it's",
    'say "x"',
    "a\nb",
    "$(touch x)",
    "a; rm -rf .",
    "夜の街",
    "-",
    "\x1b[2J",
]


def spec(cosmos: Cosmos, *argv: str) -> dict[str, Any]:
    said = cosmos("create-spec", *argv, "--json")
    assert said.code == 0, said.out
    return said.objects[0]


def made(cosmos: Cosmos, *argv: str) -> list[dict[str, Any]]:
    said = cosmos("create-run", *argv, "--engine", "transfer1", "--json")
    assert said.code == 0, said.out
    return said.objects


@pytest.fixture
def prompt(cosmos: Cosmos, shot: Path) -> dict[str, Any]:
    return spec(
        cosmos, "shot", "a street", "--input-video", "in put/color.mp4",
        "--control-inputs", "depth:in put/depth.mp4", "edge:in put/edge.mp4",
    )  # fmt: skip


def test_a_template_is_for_a_sweep(cosmos: Cosmos, shot: Path) -> None:
    words, video = "a street at {time}, {{so}}, {weather}", "in put/color.mp4"
    said = cosmos("create-spec", "street", words, "--input-video", video).out
    assert "a sweep fills {time}, {weather} in" in said
    assert "next: cosmos sweep ps_" in said and "--vary time=" in said
    argv = ["create-run", "street", "--engine", "transfer1", "--weight", "edge=1.0"]
    said = cosmos(*argv).err
    assert "warning: nothing fills {time}, {weather} in the words" in said
    said = cosmos("create-spec", "caption", '{"subjects": "none"}').out
    assert "template" not in said and "next: cosmos create-run ps_" in said


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_words_of_any_kind(cosmos: Cosmos, project: Path, text: str) -> None:
    said = cosmos("create-spec", "--json", "--", text, text)
    one = said.objects[0]
    assert one["name"] == one["prompt"] == text
    path = Path(one["path"])
    assert path.is_relative_to(project / "inputs/prompts")
    assert PromptSpec.load(path).prompt == text
    shown = cosmos("create-spec", "--", text, text).out
    assert "\x1b" not in shown and not (project / "x").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--control-inputs", "depth:in put/depth.mp4", "seg:in put/edge.mp4", "n", "a: b"],
        ["n", "a: b", "--control-inputs=depth:in put/depth.mp4", "--control-inputs",
         "seg:in put/edge.mp4"],
        ["n", "--control-inputs", "depth:in put/depth.mp4", "--control-inputs",
         "segmentation:in put/edge.mp4", "a: b"],
    ],
)  # fmt: skip
def test_controls_after_one_flag_or_several(cosmos: Cosmos, shot: Path, flags: list[str]) -> None:
    one = spec(cosmos, *flags)
    assert (one["name"], one["prompt"]) == ("n", "a: b")
    assert one["control_inputs"] == {
        "depth": "in put/depth.mp4", "segmentation": "in put/edge.mp4"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--control-inputs", "dpeth:x"], "did you mean 'depth'?"),
        (["--control-inputs", "depth"], "is not modality:path"),
        (["--control-inputs", "color:x"], "give it as --input-video"),
        (["--control-inputs", "depth:a", "depth:b"], "names depth twice"),
        (["--control-inputs", "depth:none.mp4", "--input-video", "no.mp4"], "2 files cannot be"),
        (["--input-video", "in put"], "Is a directory"),
        (["--from", "nothing"], "no prepared shot 'nothing'"),
    ],
)
def test_what_a_prompt_cannot_be(
    cosmos: Cosmos, shot: Path, flags: list[str], expected: str
) -> None:
    said = cosmos("create-spec", "n", "t", *flags)
    assert said.code == 3 and expected in said.err
    assert not (shot.parent / "inputs").exists()


def prepared(project: Path, stamp: str = "20260101_120000", fps: float = 30) -> Path:
    folder = project / "inputs/videos" / f"atrium_{stamp}"
    folder.mkdir(parents=True)
    place = folder.relative_to(project).as_posix()
    for name in ("color", "depth"):
        (folder / f"{name}.mp4").write_bytes(b"video")
    facts = {
        "id": "0123456789ab", "name": "atrium", "description": "", "frame_count": 5, "fps": fps,
        "modalities": ["color", "depth"], "video_path": f"{place}/color.mp4",
        "control_inputs": {"depth": f"{place}/depth.mp4"}, "resolution": [1280, 704],
    }  # fmt: skip
    (folder / "metadata.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def test_a_prepared_shot_brings_video_controls_and_rate(
    cosmos: Cosmos, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(project, "20250101_120000")
    newest = prepared(project)
    (project / "config.toml").touch()
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    for way in ("atrium", newest.name, str(newest), str(newest / "metadata.json")):
        one = spec(cosmos, "n", "t", "--from", way)
        assert one["input_video_path"] == f"inputs/videos/{newest.name}/color.mp4"
        assert one["control_inputs"] == {"depth": f"inputs/videos/{newest.name}/depth.mp4"}
    (run,) = made(cosmos, one["id"])
    assert run["parameters"]["fps"] == 30
    (run,) = made(cosmos, one["id"], "--fps", "25")
    assert run["parameters"]["fps"] == 25


def test_the_rate_of_a_shot_is_left_away_where_the_model_has_none(
    cosmos: Cosmos, project: Path
) -> None:
    prepared(project)
    one = spec(cosmos, "n", "t", "--from", "atrium")
    model = ("--engine", "replicate", "--option", "model=cogvideox_t2v")
    (run,) = cosmos("create-run", one["id"], *model, "--json").objects
    assert run["parameters"].get("fps") is None
    refused = cosmos("create-run", one["id"], *model, "--fps", "30")
    assert refused.code == 3 and "--fps 30" in refused.err, "asked for, it is refused"
    (run,) = cosmos("create-run", one["id"], "--engine", "cosmos3", "--json").objects
    assert run["parameters"]["fps"] == 30


def test_a_run_is_complete_and_saved(cosmos: Cosmos, prompt: dict[str, Any]) -> None:
    (run,) = made(cosmos, prompt["id"], "--seed", "7", "--guidance", "5.5")
    assert run["control_weights"] == {"depth": 0.5, "edge": 0.5}
    assert run["parameters"]["seed"] == 7 and run["parameters"]["num_steps"] == 35
    loaded = RunSpec.load(run["path"])
    assert loaded.id == run["id"] and loaded.prompt_spec_id == prompt["id"]
    assert made(cosmos, prompt["id"], "--guidance", "5.5", "--seed", "7")[0]["path"] == run["path"]


def test_weights_by_place_and_by_name(cosmos: Cosmos, prompt: dict[str, Any]) -> None:
    (run,) = made(cosmos, "shot", "--weights", "0", "0.2", "0.3", "0", "--weight", "edge=0.9")
    assert run["control_weights"] == {"edge": 0.9, "depth": 0.3}
    Path("my mask.pt").write_bytes(b"pt")
    (run,) = made(cosmos, "--weight", "depth=my mask.pt", "edge=0.1", prompt["path"])
    assert run["control_weights"] == {"depth": "my mask.pt", "edge": 0.1}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--weight", "dpeth=1"], "did you mean 'depth'?"),
        (["--weight", "depth"], "is not key=value"),
        (["--weight", "depth=none.pt"], "none.pt: No such file"),
        (["--weight", "depth=-1"], "out of range"),
        (["--weights", "0", "0", "0", "0"], "uses no control"),
        (["--steps", "0"], "out of range"),
        (["--blur-strength", "hihg"], "--blur-strength hihg: not a choice of transfer1"),
        (["--option", "use_distilled=perhaps"], "true or false is needed"),
        (["--option", "use_distiled=true"], "did you mean 'use_distilled'?"),
        (["--engine", "transfer9"], "did you mean 'transfer1'?"),
    ],
)
def test_what_a_run_cannot_be(
    cosmos: Cosmos, prompt: dict[str, Any], project: Path, flags: list[str], expected: str
) -> None:
    said = cosmos("create-run", "shot", "--engine", "transfer1", *flags)
    assert said.code in (2, 3) and expected in said.err
    assert not (project / "inputs/runs").exists()


def test_a_control_may_be_shouted_and_a_prompt_needs_words(cosmos: Cosmos, shot: Path) -> None:
    one = spec(cosmos, "n", "t", "--control-inputs", "Depth:in put/depth.mp4")
    assert one["control_inputs"] == {"depth": "in put/depth.mp4"}
    assert "the prompt has no words" in cosmos("create-spec", "n", " ").err


def test_passes_are_not_a_prepared_shot(cosmos: Cosmos, project: Path) -> None:
    (project / "renders").mkdir()
    (project / "renders/color.1001.png").touch()
    said = cosmos("create-spec", "n", "t", "--from", "renders")
    assert said.code == 3 and "cosmos prepare-inference renders" in said.err


def test_a_name_of_several_prompts_is_shown_as_that(cosmos: Cosmos, prompt: dict[str, Any]) -> None:
    spec(cosmos, "shot", "another street")
    said = cosmos("show", "shot")
    assert said.code == 3 and "'shot' fits 2 PromptSpecs" in said.err and prompt["id"] in said.err


def test_several_prompts_by_pattern_all_or_none(
    cosmos: Cosmos, prompt: dict[str, Any], project: Path
) -> None:
    other = spec(cosmos, "other", "a river", "--input-video", "in put/color.mp4",
                 "--control-inputs", "depth:in put/depth.mp4")  # fmt: skip
    pattern = "inputs/prompts/*/*.json"
    runs = made(cosmos, pattern, prompt["id"])
    assert {run["prompt_spec_id"] for run in runs} == {prompt["id"], other["id"]}
    assert "cosmos run rs_" in cosmos("create-run", pattern, "--engine", "transfer1").out
    (project / "in put/edge.mp4").unlink()
    before = sorted((project / "inputs/runs").rglob("*.json"))
    said = cosmos("create-run", pattern, "--engine", "transfer1", "--seed", "99")
    assert said.code == 3 and "edge.mp4" in said.err
    assert sorted((project / "inputs/runs").rglob("*.json")) == before
    assert "no file fits" in cosmos("create-run", "nowhere/*.json").err


def test_what_is_printed_fits_and_leads_on(cosmos: Cosmos, prompt: dict[str, Any]) -> None:
    said = cosmos("create-run", "shot", "--engine", "transfer1", "--seed", "7")
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "next: cosmos run rs_" in said.out
    rows = [line.split() for line in said.out.splitlines()]
    assert ["seed", "7", "you"] in rows and ["num_steps", "35", "default"] in rows


def test_an_edited_prompt_is_refused(cosmos: Cosmos, prompt: dict[str, Any]) -> None:
    path = Path(prompt["path"])
    path.write_text(path.read_text(encoding="utf-8").replace("street", "river"), encoding="utf-8")
    said = cosmos("create-run", "shot", "--engine", "transfer1")
    assert said.code == 3 and "was edited" in said.err


def test_engines_are_listed_and_shown(cosmos: Cosmos) -> None:
    said = cosmos("engines", "show", "transfer1")
    assert said.code == 0 and "--steps" in said.out and "1 to" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())
    (facts,) = cosmos("engines", "transfer1", "--json").objects
    assert facts["parameters"]["num_steps"]["default"] == 35
    said = cosmos("engines", "--json")
    assert {"preview", "transfer1", "upscale"} <= {facts["engine"] for facts in said.objects}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("duration=soon", "a number is needed"),
        ("timeout=soon", "a whole number is needed"),
        ("extras=[1]", 'a JSON object is needed, like {"key": 1}'),
        ("extras={a", """like --option 'extras={"key": 1}'"""),
    ],
)
def test_an_option_of_the_wrong_kind(
    cosmos: Cosmos, prompt: dict[str, Any], option: str, said: str
) -> None:
    refused = cosmos("create-run", prompt["id"], "--engine", "nim", "--option", option)
    assert refused.code == 3 and said in " ".join(refused.err.split())
