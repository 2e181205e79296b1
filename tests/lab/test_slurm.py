"""Runs on a real cluster, through the command line and a real login node."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from project import Project, video
from scene import counted, kill, until
from slurm import Slurm
from sshd import Sshd, start_sshd

from cosmos_workflow.events import ExecutionStatus, Progress
from cosmos_workflow.runs.store import RunFolder

CONFIG = """
[defaults]
target = "cluster"
engine = "preview"

[queue]
retry_pause = 0.1

[targets.cluster]
launcher = "slurm"
host = "{host}"
user = "{user}"
port = {port}
ssh_key = "{key}"
ssh_config = "{config}"
known_hosts = "{known_hosts}"
remote_dir = "{folder}"
python = "{python}"
slots = {slots}
{more}
[targets.cluster.slurm]
gres = "gpu:{{gpus}}"
{slurm}
"""


def configure(
    project: Project, server: Sshd, folder: Path, more: str = "", slurm: str = "",
    python: str = sys.executable, slots: int = 3,
) -> None:  # fmt: skip
    login = {
        name: getattr(server, name)
        for name in ("host", "user", "port", "key", "config", "known_hosts")
    }
    text = CONFIG.format(**login, folder=folder, python=python, more=more, slurm=slurm, slots=slots)
    project.configure(text)


@pytest.fixture
def cluster(project: Project, login_node: Sshd, tmp_path: Path) -> Project:
    configure(project, login_node, tmp_path / "shared dir")
    return project


def spec(project: Project, seed: int = 1) -> str:
    return project.spec("a wet street", "--seed", str(seed), engine="preview")


def workspace(project: Project, folder: RunFolder, tmp_path: Path) -> Path:
    return tmp_path / "shared dir" / "runs" / folder.job().name


def test_a_run_goes_through_the_queue_and_comes_home(cluster: Project, slurm: Slurm) -> None:
    one = spec(cluster)
    cluster.cosmos("run", one)
    run = cluster.run(one).run()
    assert run.status is ExecutionStatus.SUCCESS
    assert run.handle is not None and run.handle.ref.isdigit()
    assert "JobState=COMPLETED" in slurm("scontrol", "show", "job", "-o", run.handle.ref)
    assert run.used is not None and run.used.gpu_seconds > 0


def test_a_batch_is_in_the_queue_at_once(cluster: Project) -> None:
    specs = [spec(cluster, seed) for seed in range(4)]
    cluster.cosmos("batch", *specs)
    assert all(cluster.run(one).run().status is ExecutionStatus.SUCCESS for one in specs)


def test_why_it_waits_is_told_and_a_waiting_run_can_be_cancelled(
    cluster: Project, slurm: Slurm, login_node: Sshd, tmp_path: Path
) -> None:
    configure(cluster, login_node, tmp_path / "shared dir", slurm='extra = ["--begin=now+1hour"]')
    one = spec(cluster)
    client = cluster.begin("run", one)
    folder = cluster.run(one)
    until(lambda: folder.path.exists() and any(
        isinstance(e, Progress) and "in the queue of the cluster" in e.stage
        for e, _ in folder.events()
    ), "it is told that it waits")  # fmt: skip
    cluster.cosmos("cancel", one)
    client.communicate(timeout=30)
    run = folder.run()
    assert run.status is ExecutionStatus.CANCELLED and run.used is None
    handle = run.handle
    assert handle is not None
    assert "CANCELLED" in slurm("scontrol", "show", "job", "-o", handle.ref)


def slow(project: Project, frames: int = 400) -> str:
    """A run of some seconds: a quick machine paints some 400 frames in one."""
    video(project.root / "shot" / "color.mp4", "testsrc2", frames=frames)
    video(project.root / "shot" / "depth.mp4", "gradients", frames=frames)
    return spec(project)


def until_working(project: Project, one: str, tmp_path: Path) -> Path:
    folder = project.run(one)
    until(lambda: folder.path.exists() and folder.run().handle is not None, "it is submitted")
    place = workspace(project, folder, tmp_path)
    until(lambda: "frame 3/" in (place / "job.log").read_text() if (place / "job.log").exists()
          else False, "it works")  # fmt: skip
    return place


def test_a_running_one_can_be_cancelled(cluster: Project, tmp_path: Path) -> None:
    one = slow(cluster, frames=4000)
    cluster.cosmos("run", one, "--detach")
    until_working(cluster, one, tmp_path)
    cluster.cosmos("cancel", one)
    run = cluster.run(one).run()
    assert run.status is ExecutionStatus.CANCELLED
    assert run.used is not None


def test_a_client_that_dies_is_followed_by_another(cluster: Project, tmp_path: Path) -> None:
    one = slow(cluster)
    client = cluster.begin("run", one)
    until_working(cluster, one, tmp_path)
    kill(client)
    cluster.cosmos("follow", one)
    folder = cluster.run(one)
    assert folder.run().status is ExecutionStatus.SUCCESS
    assert counted(folder)["Submitted"] == 1
    place = workspace(cluster, folder, tmp_path)
    assert folder.log_file.read_bytes() == (place / "job.log").read_bytes()


def test_a_time_limit_is_told_as_one(cluster: Project, login_node: Sshd, tmp_path: Path) -> None:
    python = tmp_path / "slow python"
    python.write_text(f'#!/bin/sh\nsleep 60\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    configure(cluster, login_node, tmp_path / "shared dir", python=str(python))
    one = spec(cluster)
    cluster.cosmos("run", one, "--time-limit", "2", code=6)
    assert cluster.run(one).run().cause == "timeout"


def test_a_preempted_run_starts_again_and_its_log_goes_on(
    cluster: Project, slurm: Slurm, tmp_path: Path
) -> None:
    one = slow(cluster, frames=2000)
    cluster.cosmos("run", one, "--detach")
    place = until_working(cluster, one, tmp_path)
    ref = (place / "slurm_id").read_text().strip()
    urgent = slurm("sbatch", "--parsable", "-p", "urgent", "-N3", "--exclusive", "--mem=0",
                   "--output=/dev/null", "--wrap", "sleep 1")  # fmt: skip
    until(lambda: "Restarts=1" in slurm("scontrol", "show", "job", "-o", ref), "it was preempted")
    assert not (place / "exit_code").exists()
    slurm("scancel", urgent, check=False)
    slurm("scontrol", "update", f"JobId={ref}", "StartTime=now", check=False)
    cluster.cosmos("follow", one)
    folder = cluster.run(one)
    assert folder.run().status is ExecutionStatus.SUCCESS, folder.run().message
    assert "slurm-job: attempt 2, on gpu" in folder.log_file.read_text()
    assert cluster.json("show", one)[-1]["cluster_attempts"] == 2
    assert counted(folder)["Submitted"] == 1


def test_a_cluster_that_does_not_answer_for_a_while(
    project: Project, fragile_slurm: Slurm, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "login", [f"SetEnv SLURM_CONF={fragile_slurm.conf}"])
    try:
        configure(project, server, tmp_path / "shared dir")
        one = slow(project, frames=1500)
        client = project.begin("run", one)
        until_working(project, one, tmp_path)
        fragile_slurm.stop_controller()
        until(lambda: project.run(one).log_file.read_text().count("frame ") > 60, "it goes on")
        assert project.run(one).run().status is ExecutionStatus.RUNNING
        fragile_slurm.start_controller()
        client.communicate(timeout=60)
        assert project.run(one).run().status is ExecutionStatus.SUCCESS
    finally:
        server.stop()


def test_a_node_that_fails_starts_its_job_on_another(
    project: Project, fragile_slurm: Slurm, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "login", [f"SetEnv SLURM_CONF={fragile_slurm.conf}"])
    try:
        configure(project, server, tmp_path / "shared dir")
        one = slow(project, frames=2000)
        project.cosmos("run", one, "--detach")
        place = until_working(project, one, tmp_path)
        ref = (place / "slurm_id").read_text().strip()
        node = fragile_slurm("squeue", "-h", "-j", ref, "-o", "%N")
        fragile_slurm.stop_node(int(node.removeprefix("gpu")))
        fragile_slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        until(lambda: "Restarts=1" in fragile_slurm("scontrol", "show", "job", "-o", ref), "again")
        fragile_slurm("scontrol", "update", f"JobId={ref}", "StartTime=now", check=False)
        project.cosmos("follow", one)
        assert project.run(one).run().status is ExecutionStatus.SUCCESS
    finally:
        server.stop()


def test_an_attempt_on_a_node_that_is_cut_off_ends_itself(
    project: Project, fragile_slurm: Slurm, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "login", [f"SetEnv SLURM_CONF={fragile_slurm.conf}"])
    python = tmp_path / "python of a node"
    python.write_text(
        '#!/bin/sh\n[ "$COSMOS_ATTEMPT" != 0 ] || { trap "" TERM; echo "frame 3/9"; sleep 900; }\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    try:
        configure(project, server, tmp_path / "shared dir", python=str(python))
        one = spec(project)
        project.cosmos("run", one, "--detach")
        place = until_working(project, one, tmp_path)
        ref = (place / "slurm_id").read_text().strip()
        node = fragile_slurm("squeue", "-h", "-j", ref, "-o", "%N")
        fragile_slurm.cut_off(number := int(node.removeprefix("gpu")))
        fragile_slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        until(lambda: "Restarts=1" in fragile_slurm("scontrol", "show", "job", "-o", ref), "again")
        assert fragile_slurm.processes(number), "the first attempt lives on"
        fragile_slurm("scontrol", "update", f"JobId={ref}", "StartTime=now", check=False)
        project.cosmos("follow", one)
        folder = project.run(one)
        assert folder.run().status is ExecutionStatus.SUCCESS, folder.run().message
        assert not fragile_slurm.processes(number)
        said = folder.log_file.read_text()
        assert said.startswith("frame 3/9\nslurm-job: attempt 2, on gpu"), said
    finally:
        server.stop()


def test_what_slurm_refuses_is_told(cluster: Project, login_node: Sshd, tmp_path: Path) -> None:
    configure(cluster, login_node, tmp_path / "shared dir", slurm='partition = "none"')
    one = spec(cluster)
    said = cluster.cosmos("run", one, code=6)
    assert "Slurm did not take the job: " in said.stderr and "Invalid partition" in said.stderr
    assert "[targets.NAME.slurm]" in said.stderr


def without_slurm(server: Sshd) -> None:
    folder = server.folder / "bin"
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name not in ("sbatch", "squeue", "scontrol", "scancel"):
            (folder / program.name).symlink_to(program)
    server.options = [f"SetEnv PATH={folder}"]
    server.restart()


def test_a_login_node_without_slurm_is_told(
    project: Project, shared_sshd: Sshd, sshd: Sshd, tmp_path: Path
) -> None:
    without_slurm(sshd)
    configure(project, sshd, tmp_path / "shared dir")
    said = project.cosmos("run", spec(project), code=6)
    assert "is Slurm on that machine?" in said.stderr


def test_a_secret_waits_in_a_file_of_ours_alone_and_goes_with_the_job(
    cluster: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    configure(cluster, login_node, tmp_path / "shared dir", more='secrets = ["HF_TOKEN"]',
              slurm='extra = ["--hold"]')  # fmt: skip
    one = spec(cluster)
    token = "hf_verysecret"
    cluster.cosmos("run", one, "--detach", env={"HF_TOKEN": token})
    folder = cluster.run(one)
    place = workspace(cluster, folder, tmp_path)
    file = place / "secrets"
    assert file.is_file() and file.stat().st_mode & 0o777 == 0o600
    handle = folder.run().handle
    assert handle is not None
    assert token not in slurm("scontrol", "show", "job", "-o", handle.ref)
    slurm("scontrol", "release", handle.ref)
    cluster.cosmos("follow", one, env={"HF_TOKEN": token})
    assert folder.run().status is ExecutionStatus.SUCCESS, folder.run().message
    assert not file.exists()
    assert not any(token.encode() in p.read_bytes() for p in place.rglob("*") if p.is_file())


def test_doctor_knows_what_a_cluster_needs(
    cluster: Project, project: Project, sshd: Sshd, tmp_path: Path
) -> None:
    checks = {one["name"]: one for one in cluster.json("doctor", code=None)[-1]["checks"]}
    assert checks["reachable"]["level"] == "ok"
    assert not [name for name, one in checks.items() if one["level"] == "fail"], checks
    without_slurm(sshd)
    configure(project, sshd, tmp_path / "shared dir")
    said = project.cosmos("doctor", code=4).stdout
    assert "sbatch" in said and "install Slurm" in said


def test_status_shows_partitions_and_what_of_ours_is_in_the_queue(
    cluster: Project, login_node: Sshd, slurm: Slurm, tmp_path: Path
) -> None:
    configure(cluster, login_node, tmp_path / "shared dir", slurm='extra = ["--begin=now+1hour"]')
    one, two = spec(cluster), spec(cluster, 2)
    cluster.cosmos("run", one, "--detach")
    worker = cluster.json("batch", two, spec(cluster, 3), "--detach")[-1]["worker"]
    handle = cluster.run(one).run().handle
    assert handle is not None
    until(lambda: cluster.run(two).run().handle is not None, "the batch is submitted")
    kill_worker(worker)
    shown = cluster.cosmos("status", env={"COLUMNS": "80"}).stdout
    assert max(map(len, shown.splitlines())) <= 80, shown
    assert "gpu:2" in shown and "BeginTime" in shown and "2 jobs" in shown, shown
    told = cluster.json("status")[-1]["facts"]["cluster"]
    assert {p["name"]: p["idle"] + p["mixed"] + p["allocated"] for p in told["partitions"]} == {
        "gpu": 3, "urgent": 3, "short": 3,
    }  # fmt: skip
    assert {job["number"]: job["count"] for job in told["jobs"]}[handle.ref] == 1
    for folder in cluster.store.folders():
        cluster.cosmos("cancel", folder.id)


def kill_worker(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_doctor_tells_a_partition_that_is_not_there_and_a_cluster_that_is_away(
    project: Project, fragile_slurm: Slurm, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "login", [f"SetEnv SLURM_CONF={fragile_slurm.conf}"])
    try:
        configure(project, server, tmp_path / "shared dir", slurm='partition = "h100"')
        said = project.cosmos("doctor", code=4).stdout
        assert "there is no h100; there are gpu, urgent" in said
        fragile_slurm.stop_controller()
        said = project.cosmos("doctor", code=4).stdout
        assert "fail  slurm: " in said and "is slurmctld up?" in said, said
        fragile_slurm.start_controller()
    finally:
        server.stop()
