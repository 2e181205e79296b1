"""Many runs in one job of each model, and one of them refused, broken or killed at any place: it
costs only itself, what was done is fetched and not made again, the rest is run without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import images
import pytest
from batches import QUICK, items, told
from dockerd import Docker
from project import Project, remote_config
from scene import until
from sshd import Sshd

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.queue import State
from cosmos_workflow.runs.store import RunFolder

Making = Callable[[Docker], str]


@dataclass(frozen=True)
class Model:
    """A stand-in: its image, how a small run of it is asked for, and whether it goes on after a
    refusal in the same job."""

    name: str
    image: Making
    args: tuple[str, ...]
    goes_on: bool


MODELS = [
    Model("transfer1", images.model, ("--weight", "depth=0.5"), False),
    Model("transfer25", images.transfer25, ("--weight", "depth=0.5", "--steps", "1"), True),
    Model("cosmos3", images.cosmos3, ("--steps", "1", "--option", "num_frames=5",
                                      "--option", "resolution=256"), True),
]  # fmt: skip


@pytest.fixture(params=MODELS, ids=lambda model: str(model.name))
def model(request: pytest.FixtureRequest) -> Model:
    assert isinstance(request.param, Model)
    return request.param


@pytest.fixture
def gpu(
    project: Project, shared_sshd: Sshd, docker: Docker, model: Model, tmp_path: Path
) -> Project:
    """A project whose target is behind SSH, with Docker and the stand-in."""
    image = model.image(docker)
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", image) + QUICK)
    return project


def specs(project: Project, model: Model, words: Sequence[str]) -> list[str]:
    """A RunSpec for each; those of Cosmos 3 from words alone: it does not look at a transfer."""
    if model.name != "cosmos3":
        return [project.spec(text, *model.args, engine=model.name) for text in words]
    prompts = [project.json("create-spec", "words", text)[-1]["id"] for text in words]
    made = (project.json("create-run", one, "--engine", "cosmos3", *model.args) for one in prompts)
    return [str(one[-1]["id"]) for one in made]


def attempts(project: Project, spec: str) -> list[RunFolder]:
    return list(project.store.attempts(spec))


def ends(folder: RunFolder) -> list[ExecutionStatus]:
    """Every final status that was recorded."""
    said = (event.status for event, _ in folder.events())
    return [status for status in said if status and status.final]


def is_right(project: Project, spec: str) -> RunFolder:
    """Done once, by its last attempt, with a video that was made from its own words."""
    last = attempts(project, spec)[-1]
    assert items(project)[spec].state is State.DONE
    assert ends(last) == [ExecutionStatus.SUCCESS]
    assert told(last.path / last.run().outputs[0].path)["prompt"] == last.prompt().prompt
    for earlier in attempts(project, spec)[:-1]:
        assert ends(earlier) == [ExecutionStatus.FAILED], "what is done is not made again"
    return last


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_refusal_costs_only_itself(gpu: Project, model: Model, place: int) -> None:
    words = ["street one", "street two", "street three"]
    words[place] = "a [[block]] street"
    all_of = specs(gpu, model, words)
    gpu.cosmos("batch", *all_of, code=6)
    bad = all_of.pop(place)
    (only,) = attempts(gpu, bad)
    assert items(gpu)[bad].state is State.BLOCKED and ends(only) == [ExecutionStatus.BLOCKED]
    for number, spec in enumerate(all_of):
        last = is_right(gpu, spec)
        waited = not model.goes_on and number >= place
        assert last.id == f"{spec}.{2 if waited else 1}"
        if waited:
            assert attempts(gpu, spec)[0].run().cause == "not_begun"
            assert bad not in str(last.job().outputs), "it is not sent along again"


def test_a_crash_costs_only_itself(gpu: Project, model: Model) -> None:
    before, bad, after, last = specs(gpu, model, ["one", "two [[exit=5]]", "three", "four"])
    gpu.cosmos("batch", before, bad, after, last, code=6)
    assert is_right(gpu, before).id == f"{before}.1"
    assert is_right(gpu, after).id == f"{after}.2" and is_right(gpu, last).id == f"{last}.2"
    assert after in str(attempts(gpu, last)[1].job().outputs), "the rest shares a job once more"
    item = items(gpu)[bad]
    assert (item.state, item.run) == (State.FAILED, f"{bad}.1")
    assert "exit code 5" in item.message


def test_a_killed_container_loses_nothing(gpu: Project, model: Model, docker: Docker) -> None:
    words = ["one", "two [[slow=8]]", "three", *(["a [[block]] street"] if model.goes_on else [])]
    before, hit, after, *bad = specs(gpu, model, words)
    batch = gpu.begin("batch", *bad, before, hit, after)
    try:
        until(lambda: any(map(ends, attempts(gpu, before))), "the first is not home")
        runs = attempts(gpu, before)
        job = runs[0].job().name
        name = next(n for n in docker("ps", "--format", "{{.Names}}").split() if job in n)
        docker("kill", name)
        said, _ = batch.communicate(timeout=120)
    finally:
        batch.kill()
    assert batch.returncode == (6 if bad else 0), said
    for one in bad:
        (only,) = attempts(gpu, one)
        assert ends(only) == [ExecutionStatus.BLOCKED], "it was refused before, and stays so"
    assert is_right(gpu, before).id == f"{before}.1", "it was home before"
    assert is_right(gpu, hit).id == f"{hit}.2" and is_right(gpu, after).id == f"{after}.2"
    assert [one.run().cause for one in (attempts(gpu, hit)[0], attempts(gpu, after)[0])] == [
        "killed", "not_begun",
    ]  # fmt: skip


# -- without a GPU --------------------------------------------------------------------------------


def test_previews_share_a_job_on_this_machine(project: Project) -> None:
    project.configure('[defaults]\ntarget = "local"\nengine = "preview"\n' + QUICK)
    all_of = [
        project.spec("a wet street", "--seed", str(seed), engine="preview") for seed in range(3)
    ]
    project.cosmos("batch", *all_of)
    runs = [attempts(project, spec)[0] for spec in all_of]
    assert len({folder.job().name for folder in runs}) == 1
    for seed, folder in enumerate(runs):
        assert ends(folder) == [ExecutionStatus.SUCCESS]
        echo = next(folder.path.rglob("echo.json"))
        assert json.loads(echo.read_text())["parameters"]["seed"] == seed
