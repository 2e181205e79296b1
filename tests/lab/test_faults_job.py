"""The job itself goes wrong on its host: each end has its status, its cause, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from need import need
from scene import Scene, said

from cosmos_workflow.events import ExecutionStatus, Submitted

FAILED, BLOCKED = ExecutionStatus.FAILED, ExecutionStatus.BLOCKED


@pytest.mark.parametrize(
    ("words", "cause", "message", "hint"),
    [
        ("[[oom]]", "out_of_memory", "CUDA out of memory", "offload_diffusion_transformer=true"),
        ("[[nooutput]]", "no_output", "without outputs/output.mp4", "cosmos logs"),
        ("[[badvideo]]", "bad_output", "cannot be read", "it is kept at"),
        ("[[halfvideo]]", "bad_output", "cannot be read", "it is kept at"),
        ("[[exit=3]]", "engine", "exit code 3", "cosmos logs"),
        ("[[fulldisk]]", "engine", "the disk of the host is full", "cosmos clean"),
    ],
)
def test_a_job_that_fails(scene: Scene, words: str, cause: str, message: str, hint: str) -> None:
    spec = scene.project.spec(f"a wet street {words}")
    done = scene.project.cosmos("run", spec, code=6)
    assert f"FAILED ({cause})" in done.stdout
    run = scene.ended(spec, FAILED, cause)
    assert message in run.message and message in done.stderr
    assert hint in run.hint and hint in done.stderr
    assert scene.project.run(spec).log_file.read_text() == scene.host_log(spec)


@pytest.mark.parametrize("words", ["[[block]]", "[[blockvideo]]"])
def test_a_guardrail_is_not_a_failure(scene: Scene, words: str) -> None:
    spec = scene.project.spec(f"a wet street {words}")
    done = scene.project.cosmos("run", spec, code=6)
    assert "BLOCKED by" in done.stdout
    scene.ended(spec, BLOCKED, "blocked")
    listed = scene.project.json("list", "runs", "--status", "blocked")
    assert [row["id"] for row in listed] == [f"{spec}.1"]


def test_a_container_that_is_killed(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[hang]]")
    client = scene.project.begin("run", spec)
    scene.until_log(spec, "Starting diffusion sampling")
    scene.docker("kill", *scene.containers(spec))
    text = said(client, 6)
    assert "FAILED (killed)" in text
    run = scene.ended(spec, FAILED, "killed")
    assert "137" in run.message and f"cosmos run {spec}" in run.hint
    assert scene.project.run(spec).log_file.read_text() == scene.host_log(spec)


def test_a_container_that_is_removed(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[hang]]")
    client = scene.project.begin("run", spec)
    scene.until_log(spec, "Starting diffusion sampling")
    scene.docker("rm", "-f", *scene.containers(spec))
    assert "FAILED (lost)" in said(client, 6)
    scene.ended(spec, FAILED, "lost")


def test_the_machine_is_out_of_memory(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=1.5]] [[hostoom]]")
    client = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    limit = ("--memory=200m", "--memory-swap=200m")
    scene.docker("update", *limit, *scene.containers(spec))
    text = said(client, 6)
    run = scene.project.run(spec).run()
    assert run.cause in ("host_memory", "out_of_memory"), text
    scene.ended(spec, FAILED, run.cause)
    assert "memory" in run.message and "main memory" in run.hint


@pytest.mark.parametrize("words", ["[[hang]]", "[[stubborn]]"])
def test_a_job_past_its_time_limit(scene: Scene, words: str) -> None:
    spec = scene.project.spec(f"a wet street {words}")
    client = scene.project.begin("run", spec, "--time-limit", "3")
    scene.until_log(spec, "Starting diffusion sampling")
    container = scene.containers(spec)[0]
    pids = scene.docker("top", container, "-eo", "pid").split()[1:]
    assert len(pids) > 2
    assert "FAILED (timeout)" in said(client, 6)
    run = scene.ended(spec, FAILED, "timeout")
    assert "limit of 3 s" in run.message and "--time-limit" in run.hint
    assert scene.docker.inspect(container, "{{.State.Running}}") == "false"
    assert not [pid for pid in pids if Path("/proc", pid).exists()]


# -- the job cannot start ------------------------------------------------------------------------


def test_an_image_that_is_not_there(scene: Scene) -> None:
    spec = scene.project.spec("a wet street")
    scene.configure(image="nowhere.invalid/cosmos:9")
    done = scene.project.cosmos("run", spec, code=6)
    assert "docker pull nowhere.invalid/cosmos:9" in done.stderr
    run = scene.ended(spec, FAILED, "submission")
    assert run.message == "the image nowhere.invalid/cosmos:9 is not on the host"
    scene.configure()
    scene.project.cosmos("run", spec)
    scene.came_home(spec, attempt=2)


def test_docker_is_not_running(fragile: Scene) -> None:
    spec = fragile.project.spec("a wet street")
    fragile.sshd.options = ["SetEnv DOCKER_HOST=unix:///nowhere/docker.sock"]
    fragile.sshd.restart()
    done = fragile.project.cosmos("run", spec, code=6)
    assert "sudo systemctl start docker" in done.stderr
    run = fragile.ended(spec, FAILED, "submission")
    assert run.message == "Docker is not running on the host"
    fragile.sshd.options = []
    fragile.sshd.restart()
    fragile.project.cosmos("run", spec)
    fragile.came_home(spec, attempt=2)


def test_docker_is_not_installed(fragile: Scene, tmp_path: Path) -> None:
    need("rsync")
    spec = fragile.project.spec("a wet street")
    fragile.host_without("docker")
    fragile.project.cosmos("run", spec, code=6)
    run = fragile.ended(spec, FAILED, "submission")
    assert "not installed" in run.message
