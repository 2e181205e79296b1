"""``cosmos sweep`` as it is typed, with real videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project


@pytest.fixture
def prompt(project: Project) -> str:
    controls = ("--input-video", "shot/color.mp4", "--control-inputs", "depth:shot/depth.mp4")
    return str(project.json("create-spec", "street", "a {weather} street", *controls)[-1]["id"])


def sweep(project: Project, prompt: str, *args: str) -> dict[str, Any]:
    return project.json("sweep", prompt, *args)[0]


def specs(project: Project, ids: list[str]) -> list[dict[str, Any]]:
    files = {
        p.stem.rpartition("_rs_")[2]: p for p in (project.root / "inputs/runs").rglob("*.json")
    }
    return [dict(json.loads(files[one[3:]].read_text())) for one in ids]


def test_a_grid_over_a_template(project: Project, prompt: str) -> None:
    said = sweep(project, prompt, "--vary", "weather=wet,dry", "--vary", "seed=1..3",
                 "--vary", "depth=0.2,0.4")  # fmt: skip
    assert len(said["runs"]) == 12 and said["prompts"] == 2
    made = specs(project, said["runs"])
    assert made[0]["origin"] == {
        "sweep": said["sweep"], "number": 1, "point": {"weather": "wet", "seed": 1, "depth": 0.2},
    }  # fmt: skip
    assert {one["parameters"]["seed"] for one in made} == {1, 2, 3}
    words = project.json("show", made[0]["prompt_spec_id"])[-1]
    assert words["prompt"] == "a wet street" and words["parent"] == prompt
    assert words["control_inputs"] == {"depth": "shot/depth.mp4"}
    again = sweep(project, prompt, "--vary", "weather=wet,dry", "--vary", "seed=1..3",
                  "--vary", "depth=0.2,0.4")  # fmt: skip
    assert again == said
    assert len(list((project.root / "inputs" / "runs").rglob("*.json"))) == 12
    assert len(list((project.root / "inputs" / "sweeps").rglob("*.json"))) == 1
    listed = project.json("list", "sweeps")[-1]
    shown = project.json("show", listed["id"])[-1]
    assert shown["states"] == {"never run": 12} and shown["axes"][0] == "weather=wet,dry"


def test_a_sweep_is_run_by_its_name(project: Project, prompt: str) -> None:
    said = sweep(project, prompt, "--vary", "weather=wet", "--vary", "seed=1,2", "--name", "two")
    project.cosmos("batch", "two")
    assert project.json("show", said["sweep"])[-1]["states"] == {"success": 2}


def test_prompts_from_files(project: Project, prompt: str) -> None:
    (project.root / "words.txt").write_text("a red car\n\n# no\na {weather} blue car\n")
    (project.root / "words.csv").write_text("prompt,weather\na {weather} sea,calm\n,rough\n")
    (project.root / "words.jsonl").write_text(
        '{"prompt": "a cat", "negative_prompt": "dogs"}\n"b"\n'
    )
    for file, words in (
        ("words.csv", ["a calm sea", "a rough street"]), ("words.jsonl", ["a cat", "b"]),
    ):  # fmt: skip
        said = sweep(project, prompt, "--prompts", file, "--vary", "seed=1,2")
        made = specs(project, said["runs"])
        found = [project.json("show", one["prompt_spec_id"])[-1]["prompt"] for one in made]
        assert found == [words[0], words[0], words[1], words[1]]
    said = sweep(project, prompt, "--prompts", "words.txt", "--vary", "weather=wet")
    assert said["prompts"] == 2


def test_braces_that_nobody_speaks_of_stay(project: Project, prompt: str) -> None:
    said = sweep(project, prompt, "--vary", "seed=1,2")
    assert specs(project, said["runs"])[0]["prompt_spec_id"] == prompt


@pytest.mark.parametrize(("args", "words"), [
    (("--vary", "sed=1"), "did you mean 'seed'"),
    (("--vary", "whether=wet"), "no prompt has {whether}"),
    (("--vary", "guidance=3,99"), "at guidance=99"),
    (("--vary", "depth=2"), "at depth=2"),
    (("--vary", "keypoint=0.5"), "keypoint"),
    (("--vary", "guidance~uniform(3,7)"), "say how often"),
    (("--vary", "seed=1", "--budget", "3"), "nobody knows what this costs"),
    (("--vary", "seed=1", "--until", "25:70"), "is no time of day"),
    (("--prompts", "gone.txt"), "cannot read the prompts"),
])  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_written(
    project: Project, prompt: str, args: tuple[str, ...], words: str
) -> None:
    said = project.cosmos("sweep", prompt, *args, code=3)
    assert words in said.stderr
    assert not (project.root / "inputs" / "runs").exists()
    assert not (project.root / "inputs" / "sweeps").exists()


def test_limits_and_what_they_leave_out(project: Project, prompt: str) -> None:
    project.configure("[targets.gpu]\nkind = 'local'\nlauncher = 'shell'\nprice_per_hour = 36\n"
                      "slots = 2\n[defaults]\ntarget = 'gpu'\n")  # fmt: skip
    first = sweep(project, prompt, "--vary", "seed=77")
    project.cosmos("batch", first["sweep"])
    dry = sweep(project, prompt, "--vary", "seed=1..10", "--dry-run")
    assert dry["cost"] == pytest.approx(dry["gpu_seconds"] / 100)
    assert dry["seconds"] == pytest.approx(dry["gpu_seconds"] / 2)
    assert len(list((project.root / "inputs" / "runs").rglob("*.json"))) == 1, "it is a dry run"
    half = str(dry["cost"] * 0.55)
    said = sweep(project, prompt, "--vary", "seed=1..10", "--budget", half, "--limit", "9")
    assert said["left_out"] == {"--limit": 1, "--budget": 4} and len(said["runs"]) == 5


def test_draws_stay_in_the_engines_range(project: Project, prompt: str) -> None:
    said = sweep(
        project, prompt, "--vary", "guidance~normal(10,30)", "--sample", "20", "--seed", "4"
    )
    assert said["clipped"]["guidance"] > 0 and said["same"] > 0
    made = specs(project, said["runs"])
    assert all(0 <= one["parameters"]["guidance"] <= 20 for one in made)


def test_what_was_there_before_has_no_origin(project: Project, tmp_path: Path) -> None:
    one = project.spec("a street", engine="preview")
    file = next((project.root / "inputs" / "runs").rglob("*.json"))
    data = json.loads(file.read_text())
    assert data.pop("origin") is None
    file.write_text(json.dumps(data))
    assert project.json("show", one)[-1]["id"] == one
