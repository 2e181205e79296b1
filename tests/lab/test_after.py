"""Runs that begin only once another one has succeeded: held by a cluster, or by the queue."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from project import Project
from scene import until
from slurm import Slurm
from sshd import Sshd
from test_slurm import configure, slow, spec
from test_slurm_arrays import LATER, SMALL, folders, refs, succeeded, until_submitted

from cosmos_workflow.events import ExecutionStatus, Progress
from cosmos_workflow.runs.store import RunFolder


@pytest.fixture
def first(project: Project, login_node: Sshd, tmp_path: Path) -> RunFolder:
    """A run that waits in the cluster's queue; what comes after it does not wait by itself."""
    configure(project, login_node, tmp_path / "shared dir", slurm=LATER)
    one = spec(project)
    project.cosmos("run", one, "--detach")
    configure(project, login_node, tmp_path / "shared dir", slurm=SMALL)
    return project.run(one)


def release(slurm: Slurm, run: RunFolder) -> None:
    slurm("scontrol", "update", f"JobId={refs([run])[0]}", "StartTime=now")


def test_a_run_waits_in_the_cluster_until_another_has_succeeded(
    project: Project, first: RunFolder, slurm: Slurm
) -> None:
    two = spec(project, 2)
    client = project.begin("run", two, "--after", first.id)
    second = project.run(two)
    until(lambda: second.path.exists() and any(
        isinstance(e, Progress) and "(Dependency)" in e.stage for e, _ in second.events()
    ), "why it waits")  # fmt: skip
    release(slurm, first)
    client.communicate(timeout=90)
    assert succeeded([second])
    project.cosmos("follow", first.id)
    used = [folder.run().used for folder in (first, second)]
    assert used[0] and used[1] and used[0].until <= used[1].since


def test_what_can_never_begin_is_told_and_not_waited_for(
    project: Project, first: RunFolder
) -> None:
    specs = [spec(project, seed) for seed in (2, 3)]
    alone = spec(project, 4)
    project.cosmos("run", alone, "--after", first.id, "--detach")
    client = project.begin("batch", *specs, "--after", first.id)
    runs = folders(project, specs)
    until_submitted(runs)
    project.cosmos("cancel", first.id)
    client.communicate(timeout=120)
    project.cosmos("follow", alone, code=6)
    for folder in (*runs, project.run(alone)):
        run = folder.run()
        assert (run.status, run.cause) == (ExecutionStatus.FAILED, "dependency"), run.message
    again = project.cosmos("run", spec(project, 5), "--after", first.id, code=3)
    assert "did not succeed (cancelled)" in again.stderr


def test_the_queue_holds_a_run_back_where_the_place_cannot(project: Project) -> None:
    project.configure('[defaults]\nengine = "preview"\n')
    one, two = slow(project), spec(project, 2)
    project.cosmos("run", one, "--detach")
    first, second = folders(project, [one, two])
    said = project.cosmos("run", two, "--after", one, code=3)
    assert "local cannot hold a run back" in said.stderr
    assert f"cosmos queue add RUN_SPEC --after {first.id}" in said.stderr
    project.cosmos("queue", "add", two, "--after", one)
    worker = project.begin("queue", "work", "--idle-stop", "1s")
    project.cosmos("follow", one)
    worker.communicate(timeout=60)
    assert succeeded([first, second])
    used = [folder.run().used for folder in (first, second)]
    assert used[0] and used[1] and used[0].until <= used[1].since


def test_one_that_waits_itself_can_be_waited_for(project: Project) -> None:
    project.configure('[defaults]\nengine = "preview"\n')
    one, two, three = slow(project), spec(project, 2), spec(project, 3)
    said = project.cosmos("queue", "add", two, "--after", one, code=3)
    assert f"{one} was never run" in said.stderr
    project.cosmos("queue", "add", one)
    project.cosmos("queue", "add", two, "--after", one, "--first")
    project.cosmos("queue", "add", three, "--after", two, "--first")
    itself = project.cosmos("queue", "add", spec(project, 4), two, "--after", two, code=3)
    assert "cannot wait for itself" in itself.stderr
    project.cosmos("queue", "work", "--idle-stop", "6s")
    used = [folder.run().used for folder in folders(project, [one, two, three])]
    ends = [(one.since, one.until) for one in used if one]
    assert len(ends) == 3 and ends == sorted(ends)
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


def test_what_waits_for_one_that_fails_is_told(project: Project) -> None:
    project.configure('[defaults]\nengine = "preview"\n')
    one, two = slow(project), spec(project, 2)
    project.cosmos("queue", "add", one)
    project.cosmos("queue", "add", two, "--after", one)
    project.cosmos("queue", "cancel", "1")
    project.cosmos("queue", "work", "--idle-stop", "1s")
    [item] = [row for row in project.json("queue", "list") if row.get("spec") == two]
    assert (item["state"], item["cause"]) == ("failed", "dependency")
    assert "neither in the queue nor was it run" in item["message"]
