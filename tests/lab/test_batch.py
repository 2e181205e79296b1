"""Many runs through the command line: models loaded once, and each result the right one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from batches import QUICK, items, jobs, right, spec, told
from project import Project

from cosmos_workflow.events import Used
from cosmos_workflow.runs.queue import State
from cosmos_workflow.runs.store import RunFolder


def test_those_that_can_share_a_model_do(gpu: Project) -> None:
    depth = [spec(gpu, f"street {n}", n) for n in range(4)]
    edge = [spec(gpu, f"street {n}", n, "edge=1") for n in range(2)]
    gpu.cosmos("batch", *depth, *edge)
    runs = [right(gpu, one) for one in (*depth, *edge)]
    assert len(jobs(gpu, depth)) == 1 and len(jobs(gpu, edge)) == 1
    assert jobs(gpu, depth) != jobs(gpu, edge)
    used = [run.used for run in runs]
    assert all(used)
    spans = sorted((one.since, one.until) for one in used if isinstance(one, Used))
    assert all(a[1] <= b[0] for a, b in pairwise(spans)), "no second twice"


def test_results_come_home_while_the_job_goes_on(gpu: Project) -> None:
    first = spec(gpu, "quick", 1)
    last = spec(gpu, "slow [[slow=6]]", 2)
    gpu.cosmos("batch", first, last)
    ends = [right(gpu, one).ended or 0.0 for one in (first, last)]
    assert ends[1] - ends[0] > 4


def test_a_blocked_one_costs_only_itself(gpu: Project) -> None:
    good = [spec(gpu, f"street {n}", n) for n in range(3)]
    bad = spec(gpu, "a [[block]] street", 7)
    unseen = spec(gpu, "a [[blockvideo]] street", 8)
    said = gpu.cosmos("batch", good[0], bad, good[1], unseen, good[2], code=6)
    assert "2 of 5 runs did not succeed" in said.stderr
    for one in good:
        right(gpu, one)
    assert items(gpu)[bad].state is items(gpu)[unseen].state is State.BLOCKED
    assert len(jobs(gpu, good)) == 1


@pytest.mark.parametrize("fault", ["crash", "exit=3"])
def test_a_crash_costs_only_the_one_that_crashed(gpu: Project, fault: str) -> None:
    before, bad, after = (
        spec(gpu, "one", 1), spec(gpu, f"two [[{fault}]]", 2), spec(gpu, "three", 3),
    )  # fmt: skip
    gpu.cosmos("batch", before, bad, after, code=6)
    assert right(gpu, before).id == f"{before}.1", "it was done, and is not done again"
    assert right(gpu, after).id == f"{after}.2"
    assert RunFolder(gpu.root / "outputs" / f"{after}.1").run().cause == "not_begun"
    item = items(gpu)[bad]
    assert (item.state, item.run) == (State.FAILED, f"{bad}.1")


def test_a_queue_is_filled_listed_and_worked_through(gpu: Project) -> None:
    specs = [spec(gpu, f"street {n}", n) for n in range(3)]
    added = gpu.json("queue", "add", *specs, "--label", "night")[-1]
    assert len(added["added"]) == 3
    assert gpu.json("queue", "add", specs[0])[-1]["already"] == [specs[0]]
    listed = gpu.json("queue", "list")
    assert [row["spec"] for row in listed] == specs
    gpu.cosmos("queue", "move", specs[2], "--first")
    gpu.cosmos("queue", "cancel", specs[1])
    ended = gpu.json("queue", "work", "--idle-stop", "1s")[-1]
    assert (ended["done"], ended["cancelled"]) == (2, 1)
    for one in (specs[0], specs[2]):
        right(gpu, one)
    order = RunFolder(gpu.root / "outputs" / f"{specs[2]}.1").job().outputs
    assert list(order) == [f"{specs[2]}.1", f"{specs[0]}.1"]


def test_what_had_succeeded_is_not_run_again(gpu: Project) -> None:
    one = spec(gpu, "street", 1)
    gpu.cosmos("run", one)
    gpu.cosmos("batch", one)
    assert items(gpu)[one].run == f"{one}.1"
    assert not (gpu.root / "outputs" / f"{one}.2").exists()
    gpu.cosmos("batch", one, "--again")
    assert right(gpu, one).id == f"{one}.2"


def test_a_run_that_nobody_follows_is_adopted(gpu: Project) -> None:
    one = spec(gpu, "street [[slow=2]]", 1)
    gpu.cosmos("run", one, "--detach")
    gpu.cosmos("batch", one)
    assert right(gpu, one).id == f"{one}.1"


def test_on_idle_is_run_once_all_is_home(gpu: Project) -> None:
    one = spec(gpu, "street", 1)
    gpu.cosmos("queue", "add", one)
    gpu.cosmos("queue", "work", "--idle-stop", "0.5s", "--on-idle", "cp -r outputs seen")
    assert list((gpu.root / "seen" / f"{one}.1").glob("*.mp4"))


def test_a_budget_stops_what_was_not_begun(gpu: Project) -> None:
    text = (gpu.root / "config.toml").read_text()
    gpu.configure(text.replace("gpu_enabled = false", "gpu_enabled = false\nprice_per_hour = 3600"))
    specs = [
        spec(gpu, f"street {n} [[slow=1]]", n, f"{c}=1") for n, c in enumerate(("depth", "edge"))
    ]
    weights = ("--weight", "depth=1", "--weight", "edge=1")
    third = gpu.spec("street", *weights, "--steps", "1", engine="transfer25")
    gpu.cosmos("batch", *specs, third, "--budget", "1", code=None)
    states = [items(gpu)[one].state for one in (*specs, third)]
    assert states[0] is State.DONE and states[2] is State.WAITING


# -- Transfer1: one file of lines -----------------------------------------------------------------


def street(project: Project, words: str, depth: float, *more: str) -> str:
    return project.spec(words, "--weight", f"depth={depth}", *more)


def test_transfer1_takes_many_in_one_job(remote: Project) -> None:
    remote.configure((remote.root / "config.toml").read_text() + QUICK)
    good = [street(remote, f"street {n}", 0.2 * (n + 1)) for n in range(3)]
    bad = street(remote, "a [[block]] street", 0.5)
    seed = street(remote, "street 0", 0.5, "--seed", "9")
    remote.cosmos("batch", good[0], good[1], bad, good[2], seed, code=6)
    for number, one in enumerate(good):
        item = items(remote)[one]
        assert item.state is State.DONE, item
        folder = RunFolder(remote.root / "outputs" / item.run)
        said = told(folder.path / folder.run().outputs[0].path)
        assert said["prompt"] == f"street {number}"
        assert said["hints"]["depth"]["control_weight"] == pytest.approx(0.2 * (number + 1))
    assert items(remote)[bad].state is State.BLOCKED
    assert items(remote)[good[2]].run == f"{good[2]}.2", "it was not begun, and waited once more"
    assert jobs(remote, good[:2]) != jobs(remote, [seed]), "a batch has one seed"
    assert len(jobs(remote, good[:2])) == 1


def test_transfer1_results_are_told_apart_by_their_words(remote: Project) -> None:
    """Whatever number they lie under."""
    same = [street(remote, "the same words", weight) for weight in (0.3, 0.6)]
    remote.cosmos("batch", *same)
    for one, weight in zip(same, (0.3, 0.6), strict=True):
        folder = RunFolder(remote.root / "outputs" / items(remote)[one].run)
        said = told(folder.path / folder.run().outputs[0].path)
        assert said["hints"]["depth"]["control_weight"] == weight
