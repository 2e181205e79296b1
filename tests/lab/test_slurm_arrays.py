"""Batches on a real cluster: one array, each of its jobs a run like any other."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from need import need
from project import Project
from scene import FINAL, counted, kill, until
from slurm import Slurm
from sshd import Sshd, start_sshd
from test_slurm import configure, slow, spec, workspace

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.store import RunFolder

SMALL = 'extra = ["--mem=100"]'
LATER = 'extra = ["--mem=100", "--begin=now+1hour"]'


@pytest.fixture
def cluster(project: Project, login_node: Sshd, tmp_path: Path) -> Project:
    configure(project, login_node, tmp_path / "shared dir", slurm=SMALL)
    return project


def later(project: Project, server: Sshd, tmp_path: Path) -> None:
    """Let jobs wait until they are told to start."""
    configure(project, server, tmp_path / "shared dir", slurm=LATER)


def folders(project: Project, specs: Sequence[str]) -> list[RunFolder]:
    return [project.run(one) for one in specs]


def refs(runs: Sequence[RunFolder]) -> list[str]:
    handles = [folder.run().handle for folder in runs]
    return [handle.ref for handle in handles if handle]


def until_submitted(runs: Sequence[RunFolder]) -> str:
    """The number of the array that all of them are in."""
    until(lambda: len(refs(runs)) == len(runs), "all are submitted")
    (base,) = {ref.partition("_")[0] for ref in refs(runs)}
    return base


def succeeded(runs: Sequence[RunFolder]) -> bool:
    for folder in runs:
        assert folder.run().status is ExecutionStatus.SUCCESS, (folder.id, folder.run().message)
        kinds = counted(folder)
        assert sum(kinds[kind] for kind in FINAL) == 1, kinds
    return True


def test_a_batch_is_one_array_and_so_many_run_at_once(cluster: Project, slurm: Slurm) -> None:
    specs = [spec(cluster, seed) for seed in range(5)]
    cluster.cosmos("batch", *specs)
    runs = folders(cluster, specs)
    assert succeeded(runs)
    base = until_submitted(runs)
    # Two and two share a model: as many jobs as can run at once.
    assert sorted(refs(runs)) == [f"{base}_{place}" for place in (0, 0, 1, 1, 2)]
    assert "ArrayTaskThrottle=3" in slurm("scontrol", "show", "job", "-o", base)
    assert [counted(folder)["Submitted"] for folder in runs] == [1] * 5


def test_one_of_an_array_is_cancelled_and_the_others_go_on(
    cluster: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    later(cluster, login_node, tmp_path)
    specs = [spec(cluster, seed) for seed in range(3)]
    client = cluster.begin("batch", *specs)
    runs = folders(cluster, specs)
    base = until_submitted(runs)
    cluster.cosmos("cancel", specs[1])
    slurm("scontrol", "update", f"JobId={base}", "StartTime=now")
    out, _ = client.communicate(timeout=120)
    assert client.returncode == 6, out
    assert runs[1].run().status is ExecutionStatus.CANCELLED
    assert succeeded([runs[0], runs[2]])
    assert not (workspace(cluster, runs[1], tmp_path) / "started").exists()


def test_the_laptop_is_closed_and_the_cluster_goes_on(
    cluster: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    later(cluster, login_node, tmp_path)
    specs = [spec(cluster, seed) for seed in range(4)]
    worker = cluster.json("batch", *specs, "--detach")[-1]["worker"]
    runs = folders(cluster, specs)
    base = until_submitted(runs)
    os.kill(worker, signal.SIGKILL)
    slurm("scontrol", "update", f"JobId={base}", "StartTime=now")
    places = [workspace(cluster, folder, tmp_path) for folder in runs]
    until(lambda: all((place / "exit_code").exists() for place in places), "all ran without us")
    assert {folder.run().status for folder in runs} == {ExecutionStatus.RUNNING}
    cluster.cosmos("queue", "work", "--idle-stop", "1s")
    assert succeeded(runs)
    assert [counted(folder)["Submitted"] for folder in runs] == [1] * 4


def test_a_worker_that_is_killed_again_and_again_submits_nothing_twice(
    project: Project, fragile_slurm: Slurm, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "login", [f"SetEnv SLURM_CONF={fragile_slurm.conf}"])
    try:
        configure(project, server, tmp_path / "shared dir", slurm=SMALL)
        specs = [spec(project, seed) for seed in range(6)]
        project.cosmos("queue", "add", *specs)
        runs = folders(project, specs)
        for kind in ("Planned", "Staged", "Submitted", "Submitted", "Succeeded"):
            worker = project.begin("queue", "work")
            until(lambda kind=kind: any(counted(one)[kind] for one in runs), f"no {kind}")
            kill(worker)
        project.cosmos("queue", "work", "--idle-stop", "1s")
        assert succeeded(runs)
        ran = re.findall(r"^JobId=", (fragile_slurm.folder / "jobcomp.log").read_text(), re.M)
        assert len(ran) == len({folder.job().name for folder in runs})
    finally:
        server.stop()


def test_results_come_home_while_their_job_goes_on(
    project: Project, login_node: Sshd, tmp_path: Path
) -> None:
    configure(project, login_node, tmp_path / "shared dir", slurm=SMALL, slots=1)
    specs = [slow(project, frames=2000), *(spec(project, seed) for seed in range(2, 5))]
    client = project.begin("batch", *specs)
    runs = folders(project, specs)
    until(lambda: len(set(refs(runs))) == 1, "they share a job")
    place = workspace(project, runs[0], tmp_path)
    until(lambda: counted(runs[0])["Succeeded"] > 0, "the first one is home")
    assert not (place / "exit_code").exists()
    assert runs[3].run().status is ExecutionStatus.RUNNING
    out, _ = client.communicate(timeout=120)
    assert client.returncode == 0, out
    assert succeeded(runs)
    assert [out.count(f"done        {folder.id}") for folder in runs] == [1] * 4
    used = [run.used for folder in runs if (run := folder.run())]
    ends = [(one.since, one.until) for one in used if one]
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


SBATCH = """#!/bin/sh
# The real one; but the first time, what has asked it is killed before it hears the answer.
said=$({sbatch} "$@") || exit
if mkdir "{mark}" 2>/dev/null; then
  asking=$(cut -d ' ' -f 4 "/proc/$PPID/stat")
  kill -9 -- "-$(cut -d ' ' -f 5 "/proc/$asking/stat")"
fi
printf '%s\\n' "$said"
"""


def test_an_array_whose_number_was_lost_is_found_in_the_queue(
    project: Project, slurm: Slurm, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    mark = tmp_path / "was lost"
    (programs / "sbatch").write_text(SBATCH.format(sbatch=need("sbatch"), mark=mark))
    (programs / "sbatch").chmod(0o755)
    path = f"SetEnv PATH={programs}:{os.environ['PATH']} SLURM_CONF={slurm.conf}"
    server = start_sshd(tmp_path / "login", [path])
    try:
        later(project, server, tmp_path)
        specs = [spec(project, seed) for seed in range(3)]
        client = project.begin("batch", *specs)
        runs = folders(project, specs)
        base = until_submitted(runs)
        assert mark.exists()
        name = runs[0].job().name
        assert slurm("squeue", "-h", "-n", name, "-o", "%F").split() == [base]
        slurm("scontrol", "update", f"JobId={base}", "StartTime=now")
        client.communicate(timeout=120)
        assert succeeded(runs)
    finally:
        server.stop()


def test_one_of_an_array_that_is_queued_again_has_its_own_attempts(
    cluster: Project, slurm: Slurm, tmp_path: Path
) -> None:
    specs = [slow(cluster, frames=4000), spec(cluster, 2)]
    client = cluster.begin("batch", *specs)
    runs = folders(cluster, specs)
    until_submitted(runs)
    places = [workspace(cluster, folder, tmp_path) for folder in runs]
    until(lambda: all((place / "started").exists() for place in places), "both run")
    ref = refs(runs)[0]
    slurm("scontrol", "requeue", ref)
    until(lambda: "Restarts=1" in slurm("scontrol", "show", "job", "-o", ref), "again")
    until(
        lambda: (
            not slurm("scontrol", "update", f"JobId={ref}", "StartTime=now", check=False)
            and (places[0] / "attempt").exists()
        ),
        "its second attempt",
    )
    client.communicate(timeout=240)
    assert succeeded(runs)
    first, second = (folder.log_file.read_text() for folder in runs)
    assert "slurm-job: attempt 2, on gpu" in first and "attempt" not in second


def test_with_a_budget_no_more_is_in_the_queue_than_runs_at_once(cluster: Project) -> None:
    specs = [spec(cluster, seed) for seed in range(5)]
    cluster.cosmos("batch", *specs, "--budget", "100")
    runs = folders(cluster, specs)
    assert succeeded(runs)
    sent = [ref.partition("_")[0] for ref in set(refs(runs))]
    assert max(sent.count(number) for number in sent) <= 3


SLOW = """#!/bin/sh
# The real one; but the first time it is as if its answer did not come in time.
said=$({sbatch} "$@") || exit
! mkdir "{mark}" 2>/dev/null || exit 124
printf '%s\\n' "$said"
"""


def test_an_sbatch_that_ran_out_of_time_is_asked_for_what_it_has_done(
    project: Project, slurm: Slurm, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    mark = tmp_path / "was late"
    (programs / "sbatch").write_text(SLOW.format(sbatch=need("sbatch"), mark=mark))
    (programs / "sbatch").chmod(0o755)
    path = f"SetEnv PATH={programs}:{os.environ['PATH']} SLURM_CONF={slurm.conf}"
    server = start_sshd(tmp_path / "login", [path])
    try:
        later(project, server, tmp_path)
        one = spec(project)
        client = project.begin("run", one, "--detach")
        client.communicate(timeout=60)
        (number,) = refs([project.run(one)])
        assert mark.exists()
        name = project.run(one).job().name
        assert slurm("squeue", "-h", "-n", name, "-o", "%F").split() == [number]
        project.cosmos("cancel", one)
    finally:
        server.stop()
