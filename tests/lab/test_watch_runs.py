"""What follows a prepared shot, and that nothing happens twice whenever the watch is killed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hotfolder import age, begin, journal, prepared, render, states, status
from project import Project
from scene import until

from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    folder = tmp_path / "renders"
    folder.mkdir()
    return folder


def template(project: Project) -> str:
    """A RunSpec for another shot: its words, weights and seed are used."""
    return project.spec("a wet street at night", "--weight", "depth=0.7", "--seed", "9",
                        engine="preview")  # fmt: skip


def test_specs_after_a_template(project: Project, hot: Path) -> None:
    spec = template(project)
    (hot / "b").mkdir()
    (hot / "b" / "_cosmos_ready.json").write_text(json.dumps({"prompt": "snow", "fps": 25}))
    words = (hot / "b" / "_cosmos_ready.json").read_bytes()
    render(hot / "a", ready=True)
    render(hot / "b", 5)
    (hot / "b" / "_cosmos_ready.json").write_bytes(words)
    once = ("watch", str(hot), "--once", "--no-ai", "--then", "create-run")
    told = [line for line in project.json(*once, "--spec-template", spec) if line.get("shot")]
    assert [line["state"] for line in told] == ["taking", "prepared", "created"] * 2
    runs = {line["shot"]: line["spec"] for line in told if line["state"] == "created"}
    for shot, prompt, fps in (("a", "a wet street at night", 24), ("b", "snow", 25)):
        (file,) = (project.root / "inputs" / "runs").glob(f"*/*_{runs[shot]}.json")
        run = RunSpec.load(file)
        assert (run.engine, run.parameters.seed, run.parameters.fps) == ("preview", 9, fps)
        assert run.control_weights == {"depth": 0.7}
        made = PromptSpec.load(project.root / run.prompt_spec_path)
        assert made.prompt == prompt and made.input_video_path
        assert made.input_video_path.startswith(f"inputs/videos/{shot}_")
        assert set(made.control_inputs) == {"depth", "edge"}
    assert status(hot / "a")["spec"] == runs["a"]


def test_runs_follow_and_one_that_fails_costs_only_itself(project: Project, hot: Path) -> None:
    spec = template(project)
    age(render(hot / "a"))
    for name in render(hot / "b").glob("depth.*"):
        name.unlink()  # the template needs it
    age(hot / "b")
    age(render(hot / "c", shade=5))
    watch = begin(project, hot, "--then", "run", "--spec-template", spec)
    watch.until("failed    b")
    watch.until("done      a")
    watch.until("done      c")
    watch.end()
    told = status(hot / "c")
    assert told["state"] == "done" and (project.root / told["result"]).is_file()
    assert "depth has weight 0.7" in status(hot / "b")["message"]


def test_once_ends_with_an_error_when_what_follows_failed(project: Project, hot: Path) -> None:
    spec = template(project)
    for name in render(hot / "a", ready=True).glob("depth.*"):
        name.unlink()  # the template needs it
    once = ("watch", str(hot), "--once", "--no-ai", "--then", "create-run", "--spec-template", spec)
    told = project.json(*once, code=6)
    assert told[-1]["message"] == "what follows 1 shot failed"
    assert status(hot / "a")["state"] == "failed"


def test_a_job_that_fails_does_not_end_the_watch(project: Project, hot: Path) -> None:
    project.configure('[targets.local]\nkind = "local"\nlauncher = "shell"\npython = "false"\n')
    spec = template(project)
    render(hot / "a", ready=True)
    watch = begin(project, hot, "--then", "run", "--spec-template", spec)
    watch.until("failed    a")
    render(hot / "b", ready=True)
    watch.until("failed    b")
    watch.end()
    assert status(hot / "b")["run"].endswith(".1")


def test_a_run_that_is_left(project: Project, hot: Path) -> None:
    spec = template(project)
    render(hot / "a", ready=True)
    args = ("--then", "run", "--spec-template", spec)
    project.cosmos("watch", str(hot), "--once", "--no-ai", "--detach", *args)
    assert states(project, "a")[-1] == "running"
    project.cosmos("watch", str(hot), "--once", "--no-ai", *args)
    assert states(project, "a")[-1] == "done"


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--then", "run"), 3, "needs a template"),
        (("--then", "sing"), 3, "not a choice"),
        (("--then", "run", "--spec-template", "nothing"), 3, "no RunSpec 'nothing'"),
        (("--make", "depth"), 3, "choices: edge, vis"),
        (("--fit", "crop"), 7, "needs an engine"),
        (("--frames", "9-1"), 7, "ends before"),
    ],
)
def test_orders_that_make_no_sense(
    project: Project, hot: Path, args: tuple[str, ...], code: int, told: str
) -> None:
    done = project.cosmos("watch", str(hot), *args, code=code)
    assert told in done.stderr


def test_a_target_that_is_none(project: Project, hot: Path) -> None:
    args = ("--then", "run", "--spec-template", template(project), "--target", "moon")
    assert "no target named 'moon'" in project.cosmos("watch", str(hot), *args, code=2).stderr


MOMENTS = ("taking", "prepared", "created", "starting", "running")


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment(project: Project, hot: Path, seed: int) -> None:
    """However often it is killed: each shot prepared once, specified once, run once."""
    chance = random.Random(seed)
    spec = template(project)
    shots = ["a", "b"]
    for number, shot in enumerate(shots):
        age(render(hot / shot, 8, shade=number))
    args = ("--then", "run", "--spec-template", spec)
    for moment in MOMENTS:
        watch = begin(project, hot, *args)
        shot = chance.choice(shots)
        over = len(journal_of(project))

        def reached(watch=watch, moment=moment, over=over) -> bool:  # type: ignore[no-untyped-def]
            new = [line["state"] for line in journal_of(project)[over:]]
            return moment in new or finished(project, shots) or watch.process.poll() is not None

        until(reached, f"never {moment}")
        pause = chance.random() * 0.5
        until(clock(pause), "the clock stands")
        watch.kill()
    watch = begin(project, hot, *args)
    watch.until("changes are noticed")
    until(lambda: finished(project, shots), "not finished")
    watch.end()
    assert len(prepared(project)) == 2
    assert all("part" not in name for name in prepared(project))
    runs = [folder.id for folder in project.store.folders()]
    assert sorted(run.rpartition(".")[2] for run in runs) == ["1", "1"]
    for shot in shots:
        lines = [line for line in journal(project) if line["shot"] == shot]
        assert {line["take"] for line in lines} == {1}
        assert len({line["prepared"] for line in lines if line.get("prepared")}) == 1
        assert len({line["run"] for line in lines if line.get("run")}) == 1
        assert states(project, shot).count("done") == 1


def journal_of(project: Project) -> list[dict[str, object]]:
    return journal(project) if list((project.root / ".cosmos").glob("watch/*.jsonl")) else []


def finished(project: Project, shots: list[str]) -> bool:
    return all("done" in states(project, shot) for shot in shots) if journal_of(project) else False


def clock(seconds: float):  # type: ignore[no-untyped-def]
    import time

    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
