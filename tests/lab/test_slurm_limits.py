"""A cluster that allows less than we would like: less time, or no job of that kind at all."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from project import Project
from scene import until
from slurm import Slurm
from sshd import Sshd
from test_slurm import configure, slow, spec, workspace
from test_slurm_arrays import folders, refs, succeeded

from cosmos_workflow.events import ExecutionStatus

LATER = '"--mem=100", "--begin=now+1hour"'


def limit_of(slurm: Slurm, ref: str) -> str:
    return slurm("squeue", "-h", "-j", ref, "-o", "%l").splitlines()[0]


@pytest.mark.parametrize(
    ("partition", "seconds", "allowed"),
    [
        ('partition = "short"', 21600, "7:00"),
        ('partition = "short,urgent"', 21600, "6:05:00"),  # one of them allows it
        ("", 21600, "6:05:00"),
        ("", 200_000, "1-00:00:00"),  # the cluster's own, gpu
        ('partition = "urgent"', 0, "1-00:00:00"),
    ],
)
def test_a_partition_is_asked_for_no_more_time_than_it_allows(
    project: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path,
    partition: str, seconds: int, allowed: str,
) -> None:  # fmt: skip
    settings = f"extra = [{LATER}]\n{partition}"
    configure(project, login_node, tmp_path / "shared dir", slurm=settings)
    one = spec(project)
    project.cosmos("run", one, "--detach", "--time-limit", str(seconds))
    (ref,) = refs([project.run(one)])
    assert limit_of(slurm, ref) == allowed
    project.cosmos("cancel", one)


def test_sbatchs_own_words_for_a_partition_are_left_to_it(
    project: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    settings = f'extra = ["-p", "urgent", "--time=20:00:00", {LATER}]'
    configure(project, login_node, tmp_path / "shared dir", slurm=settings)
    one = spec(project)
    project.cosmos("run", one, "--detach")
    (ref,) = refs([project.run(one)])
    assert limit_of(slurm, ref) == "20:00:00"
    project.cosmos("cancel", one)


def test_a_run_that_its_cluster_left_no_time_is_tried_again(
    project: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    text = 'extra = ["--mem=100"]'
    configure(project, login_node, tmp_path / "shared dir", slurm=text, slots=1)
    specs = [slow(project, frames=4000), *(spec(project, seed) for seed in range(2, 5))]
    client = project.begin("batch", *specs)
    runs = folders(project, specs)
    until(lambda: len(set(refs(runs))) == 1, "they share a job")
    place = workspace(project, runs[0], tmp_path)
    until(lambda: (place / "outputs" / runs[1].id).is_dir(), "the second one is at work")
    slurm("scontrol", "update", f"JobId={refs(runs)[0]}", "EndTime=now+1")
    out, _ = client.communicate(timeout=240)
    assert client.returncode == 0, out
    done = [folder.run().status is ExecutionStatus.SUCCESS for folder in runs].count(True)
    causes = [folder.run().cause for folder in runs]
    assert done and causes == [""] * done + ["killed"] + ["not_begun"] * (len(runs) - done - 1)
    assert "no more time" in runs[done].run().message
    assert succeeded([project.run(one, 2) for one in specs[done:]])


def test_what_never_begins_says_so_and_is_taken_back(
    project: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    settings = 'extra = ["--mem=100", "--time=3-0"]\npatience = 1'
    configure(project, login_node, tmp_path / "shared dir", slurm=settings)
    one = spec(project)
    project.cosmos("queue", "add", one)
    worker = project.begin("queue", "work")
    folder = project.run(one)
    until(lambda: folder.path.is_dir() and "never begins" in folder.run().stage, "it is told")
    listed, seen = (
        project.cosmos("queue", *words).stdout for words in (["list"], ["watch", "--once"])
    )
    why = "PartitionTimeLimit: it never begins; cancel it, give a lower --time-limit"
    assert f"1: in the queue of the cluster ({why})" in " ".join(listed.split())
    assert "1 in the cluster's queue" in seen and f"queued there: {why}" in " ".join(seen.split())
    until(lambda: folder.run().status.final, "it is taken back")
    run = folder.run()
    assert (run.status, run.cause) == (ExecutionStatus.FAILED, "submission")
    assert run.message == f"taken back from the cluster: {why}"
    until(lambda: limit_gone(slurm, refs([folder])[0]), "nothing of it is left in the queue")
    worker.send_signal(signal.SIGINT)
    out, _ = worker.communicate(timeout=60)
    assert f"warning: cluster: {folder.id}" in out


def limit_gone(slurm: Slurm, ref: str) -> bool:
    return not slurm("squeue", "-h", "-j", ref, "-o", "%i", check=False)
