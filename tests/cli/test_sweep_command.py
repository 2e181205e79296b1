"""sweep: many RunSpecs from few words; told first, saved all or none, found again by any name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.config.load import load
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, Submitted, Succeeded
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.store import Store
from cosmos_workflow.workflows.sweep import run_specs_of
from tests.cli.calling import Cosmos, Said

GRID = ("--vary", "seed=1..3", "depth=0.2,0.4")


def spec(cosmos: Cosmos, name: str, text: str) -> str:
    said = cosmos(
        "create-spec", name, text, "--input-video", "in put/color.mp4",
        "--control-inputs", "depth:in put/depth.mp4", "edge:in put/edge.mp4", "--json",
    )  # fmt: skip
    return str(said.objects[0]["id"])


@pytest.fixture
def prompt(cosmos: Cosmos, shot: Path) -> str:
    return spec(cosmos, "atrium", "a sunlit atrium")


def swept(cosmos: Cosmos, *argv: str) -> dict[str, Any]:
    said = cosmos("sweep", *argv, "--json")
    assert said.code == 0, said.out
    outlook, sweep = said.objects
    assert outlook["runs"] == len(sweep["runs"])
    return sweep


def runs(project: Path, text: str) -> list[RunSpec]:
    return [RunSpec.load(path) for path in run_specs_of(load(project), text)]


def written(project: Path) -> list[str]:
    found = (project / "inputs").rglob("*.json")
    return sorted(path.relative_to(project / "inputs").parts[0] for path in found)


def test_a_dry_run_says_it_all_and_writes_nothing(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    said = cosmos("sweep", "atrium", *GRID, "guidance~uniform(3,7)", "--dry-run")
    assert said.code == 0 and said.err == ""
    assert "6 runs of preview for atrium\n" in said.out  # on a slow machine, after its progress
    rows = [line.split() for line in said.out.splitlines()]
    assert ["seed", "1..3", "3"] in rows and ["guidance", "~uniform(3,7)", "drawn"] in rows
    assert sum(line[0].startswith("rs_") for line in rows if line) == 6
    assert "time         unknown on local:" in said.out and "nothing was written" in said.out
    assert written(project) == ["prompts"]
    (outlook,) = cosmos("sweep", "atrium", *GRID, "--dry-run", "--json").objects
    assert outlook["dry_run"] and outlook["runs"] == 6 and outlook["gpu_seconds"] is None
    assert [(one["seed"], one["depth"]) for one in outlook["points"][:3]] == [
        (1, 0.2), (1, 0.4), (2, 0.2)
    ]  # fmt: skip


def test_a_sweep_is_saved_and_found_by_any_name(cosmos: Cosmos, prompt: str, project: Path) -> None:
    sweep = swept(cosmos, "atrium", *GRID, "--weight", "edge=0.1", "--steps", "20")
    assert sweep["id"].startswith("sw_") and sweep["name"] == "atrium sweep"
    assert sweep["axes"] == {"seed": "=1..3", "depth": "=0.2,0.4"}
    assert sweep["fixed"] == {"num_steps": 20, "weight": ["edge=0.1"]}
    path = Path(sweep["path"])
    assert path.parent.parent == project / "inputs/sweeps" and f"_{sweep['id']}.json" in path.name
    found = runs(project, "atrium_sweep")
    assert [one.id for one in found] == sweep["runs"]
    assert [(one.parameters.seed, one.control_weights) for one in found[:2]] == [
        (1, {"edge": 0.1, "depth": 0.2}), (1, {"edge": 0.1, "depth": 0.4})
    ]  # fmt: skip
    assert {one.parameters.num_steps for one in found} == {20}
    assert found[0].name == "atrium seed=1 depth=0.2"
    assert cosmos("show", "atrium").code == 0, "its name is the prompt's alone"
    for number, one in enumerate(found, 1):
        assert one.origin and (one.origin.sweep, one.origin.number) == (sweep["id"], number)
        assert one.prompt_spec_id == prompt
    assert found[3].origin and found[3].origin.point == {"seed": 2, "depth": 0.4}
    for text in (sweep["id"], sweep["id"][:6], sweep["path"], "atrium sweep"):
        assert run_specs_of(load(project), text) == run_specs_of(load(project), sweep["id"])


def test_the_same_words_are_the_same_sweep(cosmos: Cosmos, prompt: str, project: Path) -> None:
    words = ("atrium", *GRID, "guidance~normal(7,3)", "--sample", "20", "--seed", "7")
    first, second = swept(cosmos, *words), swept(cosmos, *words)
    assert first.pop("fresh") == 20 and second.pop("fresh") == 0 and first == second
    other = swept(cosmos, *words[:-1], "8")
    assert not set(other["runs"]) & set(first["runs"])


def test_what_is_there_already_stays(cosmos: Cosmos, prompt: str, project: Path) -> None:
    (one,) = cosmos(
        "create-run", "atrium", "--seed", "2", "--weight", "depth=0.4", "--json",
        "--name", "atrium seed=2 depth=0.4",
    ).objects  # fmt: skip
    sweep = swept(cosmos, "atrium", *GRID)
    assert sweep["fresh"] == 5 and sweep["runs"][3] == one["id"]
    assert RunSpec.load(one["path"]).origin is None
    said = cosmos("sweep", "atrium", *GRID, "--name", "again")
    assert "0 new RunSpecs; 6 there already" in said.out


def test_it_ends_with_what_comes_next(cosmos: Cosmos, prompt: str, project: Path) -> None:
    said = cosmos("sweep", "atrium", "--vary", "seed=1,2", "--name", "Night: 夜")
    assert said.out.endswith("next: cosmos batch night_夜\n")
    said = cosmos("sweep", "atrium", "--vary", "seed=1..3", "--name", "Night: 夜")
    assert "next: cosmos batch sw_" in said.out
    with pytest.raises(SpecError, match="fits 2 sweeps"):
        run_specs_of(load(project), "night_夜")


def test_the_same_night_again_is_the_newest_of_its_name(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    early = swept(cosmos, "atrium", *GRID, "--name", "night")
    said = cosmos("sweep", "atrium", *GRID, "--name", "night", "--limit", "4")
    assert early["id"] not in said.out
    path = next((project / "inputs/sweeps").rglob(f"*{early['id']}.json"))
    path.rename(path.with_name(f"night_20260101_120000_{early['id']}.json"))
    assert [one.id for one in runs(project, "night")] == early["runs"][:4]
    assert [one.id for one in runs(project, early["id"])] == early["runs"]
    (facts,) = cosmos("show", "night", "--json").objects
    assert facts["runs"] == 4


def test_points_that_are_the_same_run_are_told(cosmos: Cosmos, prompt: str) -> None:
    said = cosmos("sweep", "atrium", "--vary", "seed=1,2,1..3", "--dry-run")
    assert "3 runs of preview" in said.out
    assert "2 of 5 points give a RunSpec that is in the sweep already" in said.out
    said = cosmos("sweep", "atrium", "--vary", "fps~choice(24,25)", "--sample", "9", "--dry-run")
    assert "there are only 2 different points, not 9" in " ".join(said.out.split())


def test_draws_outside_of_the_range_are_told(cosmos: Cosmos, prompt: str) -> None:
    said = cosmos(
        "sweep", "atrium", "--vary", "guidance~normal(20,1)", "--sample", "9", "--dry-run"
    )
    assert "of 9 draws were brought into 0 to 20" in said.out


def test_bounds(cosmos: Cosmos, prompt: str, project: Path) -> None:
    sweep = swept(cosmos, "atrium", *GRID, "--limit", "4")
    assert sweep["runs"] == swept(cosmos, "atrium", *GRID)["runs"][:4]
    assert "left out     2 by --limit 4" in cosmos("sweep", "atrium", *GRID, "--limit", "4").out
    before = written(project)
    for flags in (["--budget", "40"], ["--until", "07:30"]):
        said = cosmos("sweep", "atrium", "--vary", "seed=50..60", *flags)
        assert said.code == 3 and "nobody knows how long these runs take" in said.err
        assert "run one of them first" in said.err
    said = cosmos("sweep", "atrium", *GRID, "--until", "half past")
    assert said.code == 3 and "is not a time of day" in said.err
    assert written(project) == before


# -- words ----------------------------------------------------------------------------------------


def prompts_of(project: Path, sweep: dict[str, Any]) -> list[PromptSpec]:
    found = runs(project, sweep["id"])
    return [PromptSpec.load(project / one.prompt_spec_path) for one in found]


def test_a_template_becomes_prompts_of_its_own(cosmos: Cosmos, shot: Path, project: Path) -> None:
    parent = spec(cosmos, "street", "a street in {weather}, {{literally}}")
    sweep = swept(cosmos, "street", "--vary", "weather=rain,snow", "seed=1,2")
    made = prompts_of(project, sweep)
    assert [one.prompt for one in made] == [
        "a street in rain, {literally}", "a street in rain, {literally}",
        "a street in snow, {literally}", "a street in snow, {literally}",
    ]  # fmt: skip
    assert {one.parent for one in made} == {parent} and made[0].control_inputs["depth"]  # type: ignore[index]
    assert written(project).count("prompts") == 3
    assert runs(project, sweep["id"])[2].name == "street snow seed=1"
    said = cosmos("sweep", "street", "--vary", "seed=1,2")
    assert said.code == 3 and "nothing fills {weather} in the words of street" in said.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.txt", "rain, neon\nsnow at {hour}\n"),
        ("p.csv", 'prompt,note\n"rain, neon",1\nsnow at {hour},2\n'),
        ("p.jsonl", '{"prompt": "rain, neon"}\n{"prompt": "snow at {hour}"}\n'),
    ],
)
def test_prompts_out_of_a_file(
    cosmos: Cosmos, prompt: str, project: Path, name: str, text: str
) -> None:
    (project / name).write_text(text, encoding="utf-8")
    sweep = swept(cosmos, "atrium", "--prompts", name, "--vary", "hour=6,18")
    assert [one.prompt for one in prompts_of(project, sweep)] == [
        "rain, neon", "snow at 6", "snow at 18"
    ]  # fmt: skip
    said = cosmos("sweep", "atrium", "--prompts", name, "--vary", "hour=6,18", "--dry-run")
    assert "1 of 4 points give a RunSpec that is in the sweep already" in said.out
    assert ("the column note fills nothing" in said.out) == (name == "p.csv")
    origin = runs(project, sweep["id"])[1].origin
    assert origin and origin.point["prompts"] == 2 and origin.point["hour"] == "6"


def test_columns_fill_places_and_name_prompts(cosmos: Cosmos, shot: Path, project: Path) -> None:
    spec(cosmos, "street", "a street in {weather}")
    (project / "p.csv").write_text("weather,name,negative_prompt\nrain,wet,cars\nsnow,,\n")
    one, two = prompts_of(project, swept(cosmos, "street", "--prompts", "p.csv"))
    assert (one.name, one.prompt, one.negative_prompt) == ("wet", "a street in rain", "cars")
    assert (two.name, two.negative_prompt) == ("street snow", "")


def test_several_prompts_and_words_from_the_command_line(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    other = spec(cosmos, "river", "a river")
    sweep = swept(cosmos, "atrium", "river", "--vary", "negative-prompt=people, cars|fog")
    made = prompts_of(project, sweep)
    assert [(one.parent, one.negative_prompt) for one in made] == [
        (prompt, "people, cars"), (prompt, "fog"), (other, "people, cars"), (other, "fog"),
    ]  # fmt: skip
    assert sweep["sources"] == [prompt, other]
    origin = runs(project, sweep["id"])[2].origin
    assert origin and origin.point["prompt_spec"] == other


HOSTILE = ["it's", "$(touch x)", "a; rm -rf .", "夜の街", "\x1b[2J", "../../x", "{{x}} {", "%s"]


def test_hostile_words_stay_words(cosmos: Cosmos, prompt: str, project: Path) -> None:
    texts = "|".join(HOSTILE)
    sweep = swept(cosmos, "atrium", "--vary", f"prompt={texts}", "--name", "../../$(x)")
    assert [one.prompt for one in prompts_of(project, sweep)] == [
        one.replace("{{x}}", "{x}") for one in HOSTILE
    ]
    shown = cosmos("sweep", "atrium", "--vary", f"prompt={texts}", "--dry-run").out
    assert "\x1b" not in shown and not (project / "x").exists()
    assert Path(sweep["path"]).is_relative_to(project / "inputs/sweeps")


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["atrium", "--vary", "sed=1"], "did you mean 'seed'?"),
        (["atrium", "--vary", "guidance=3,99"], "--vary guidance=3,99: guidance 99 is out of"),
        (["atrium", "--vary", "seed=1..1000000000"], "1,000,000,000 runs"),
        (["atrium", "--vary", "guidance~uniform(3,7)"], "add --sample"),
        (["atrium", "--vary", "seed=1", "seed=2"], "--vary seed is given twice"),
        (["atrium", "--vary", "depth=1", "--weight", "depth=1"], "depth is varied, and given"),
        (["atrium", "--vary", "seg=1", "--weights", "0", "0", "0", "1"], "varied, and given"),
        (["atrium", "--vary", "steps=1,2", "--steps", "3"], "num_steps is varied, and given"),
        (["atrium", "--vary", "depth_near=white", "--option", "depth_near=black"], "varied, and"),
        (["atrium", "--vary", "seed=1,2", "seg=0,0.5"], "at seed 1, segmentation 0.5:"),
        (["atrium", "--steps", "999", "--vary", "seed=1"], "at seed 1: --steps 999 is out of"),
        (["nothing", "--vary", "seed=1"], "there is no PromptSpec 'nothing'"),
        (["atrium", "--engine", "prevew"], "did you mean 'preview'?"),
        (["atrium", "--target", "moon"], "there is no target named 'moon'"),
        (["atrium", "--prompts", "none.txt"], "cannot read --prompts none.txt"),
        (["atrium", "--prompts", "seeds.csv"], "the column seed would fill {seed}"),
        (["atrium", "--prompts", "w.csv", "--vary", "w=1"], "w is varied, and a column"),
        (["atrium", "--prompts", "w.csv", "--vary", "prompt=x {w}"], "prompt is varied, and a"),
    ],
)
def test_what_no_sweep_is(
    cosmos: Cosmos, prompt: str, project: Path, argv: Sequence[str], expected: str
) -> None:
    (project / "seeds.csv").write_text("prompt,seed\na,1\n")
    (project / "w.csv").write_text("prompt,w\na {w},1\n")
    said: Said = cosmos("sweep", *argv)
    assert said.code in (2, 3) and expected in said.err and "hint: " in said.err
    assert written(project) == ["prompts"]


def test_a_run_spec_is_no_beginning(cosmos: Cosmos, prompt: str) -> None:
    (one,) = cosmos("create-run", "atrium", "--json").objects
    said = cosmos("sweep", one["id"], "--vary", "seed=1")
    assert said.code == 3 and f"its prompt is {prompt}" in said.err


# -- afterwards -----------------------------------------------------------------------------------


def test_lists_and_shows(cosmos: Cosmos, prompt: str, project: Path) -> None:
    assert "none yet: cosmos sweep" in cosmos("list", "sweeps").out
    sweep = swept(cosmos, "atrium", *GRID)
    assert [sweep["id"], "atrium_sweep", "preview", "6"] in [
        line.split()[:4] for line in cosmos("list", "sweeps").out.splitlines()
    ]
    (row,) = cosmos("list", "sweeps", "--json").objects
    assert (row["id"], row["runs"]) == (sweep["id"], 6)
    done, failed = (RunSpec.load(path) for path in run_specs_of(load(project), sweep["id"])[:2])
    finished(project, failed, False)
    finished(project, done, True)
    finished(project, done, False)
    for text in (sweep["id"], "atrium_sweep", sweep["path"]):
        (facts,) = cosmos("show", text, "--json").objects
        assert facts["so_far"] == {"PENDING": 4, "SUCCESS": 1, "FAILED": 1}
        assert facts["run_specs"] == sweep["runs"] and facts["runs"] == 6
    said = cosmos("show", sweep["id"]).out
    assert "so far            PENDING  4\n" in said and sweep["runs"][0] not in said
    shown = cosmos("show", sweep["runs"][3]).out
    assert f"sweep   {sweep['id']}" in shown and "point   seed 2, depth 0.4" in shown
    (facts,) = cosmos("show", done.id, "--json").objects
    assert facts["origin"]["point"] == {"seed": 1, "depth": 0.2}


def finished(project: Path, run: RunSpec, well: bool) -> None:
    """An attempt at ``run`` that is over."""
    prompt = PromptSpec.load(project / run.prompt_spec_path)

    def plan(run_id: str, name: str) -> CommandJob:
        return CommandJob(name, "preview", ("x",), {run_id: ("outputs/o.mp4",)})

    folder = Store(project / "outputs").create(run, prompt, plan, "local")
    folder.record(Submitted({"target": "local", "job": "x", "ref": "1"}))
    folder.record(Succeeded(()) if well else Failed("engine", "no", ""))


def test_a_run_spec_of_a_sweep_that_is_gone_is_named(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    sweep = swept(cosmos, "atrium", *GRID)
    paths = run_specs_of(load(project), sweep["id"])
    paths[2].unlink()
    with pytest.raises(SpecError, match=f"1 of 6 RunSpecs of {sweep['id']} are gone") as caught:
        run_specs_of(load(project), sweep["id"])
    assert sweep["runs"][2] in caught.value.message
    assert swept(cosmos, "atrium", *GRID)["fresh"] == 1
    with pytest.raises(SpecError, match="is a RunSpec; a sweep is needed"):
        run_specs_of(load(project), sweep["runs"][0])
    assert cosmos("show", "sw_ffffffff").code == 3


def test_what_is_made_from_a_run_of_a_sweep_is_of_no_sweep(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    sweep = swept(cosmos, "atrium", *GRID)
    (one,) = cosmos("create-run", sweep["runs"][0], "--seed", "9", "--json").objects
    assert one["origin"] is None and one["parent"] == sweep["runs"][0]


def test_the_file_is_plain_and_edited_ones_are_told(
    cosmos: Cosmos, prompt: str, project: Path
) -> None:
    path = Path(swept(cosmos, "atrium", *GRID)["path"])
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["runs"].pop()
    path.write_text(json.dumps(facts), encoding="utf-8")
    said = cosmos("show", str(path))
    assert said.code == 3 and "was edited after it was made" in said.err
