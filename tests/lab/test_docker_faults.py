"""What a real Docker engine does when something is missing, too small, or killed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from uuid import uuid4

import pytest
from dockerd import Docker
from nvidia import H100, fake_nvidia_smi

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.execution import DockerCommandBuilder
from cosmos_workflow.execution.docker import DockerLauncher, container_name
from cosmos_workflow.execution.job import Arg, CommandJob
from cosmos_workflow.execution.launcher import Site, State

LAUNCHER = DockerLauncher()
RUN = "rs_1f2e3d4c.1"


def run(argv: Sequence[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(argv), capture_output=True, text=True, timeout=60, env={**os.environ, **env}
    )


@pytest.fixture
def site(tmp_path: Path, plain_image: str) -> Site:
    return Site(str(tmp_path), image=plain_image)


@pytest.fixture
def make(site: Site, docker: Docker) -> Iterator[Callable[..., CommandJob]]:
    """A job with its workspace; its container is removed afterwards."""
    names = []

    def one(*argv: Arg, **changes: object) -> CommandJob:
        job = CommandJob(f"{RUN}-{uuid4().hex[:6]}", "any", argv, {RUN: ()})
        workspace = Path(site.workspace(job.name))
        workspace.mkdir(parents=True)
        script = resources.files("cosmos_workflow.scripts") / "run-job.sh"
        (workspace / "run-job.sh").write_bytes(script.read_bytes())
        names.append(container_name(job.name))
        return replace(job, **changes)  # type: ignore[arg-type]

    yield one
    docker.remove(*names)


def refused(job: CommandJob, site: Site, **env: str) -> SubmissionRejected:
    done = run(LAUNCHER.start(job, site), **env)
    assert done.returncode, "it was started"
    return LAUNCHER.rejection(done.stderr, done.returncode)


def state(job: CommandJob, site: Site) -> tuple[State, bool]:
    done = run(LAUNCHER.state(job.name, "", site))
    return LAUNCHER.read_state(done.stdout), done.returncode == 0


def over(job: CommandJob, site: Site) -> State:
    end = time.monotonic() + 30
    while state(job, site)[1]:
        assert time.monotonic() < end
        time.sleep(0.05)
    return state(job, site)[0]


Make = Callable[..., CommandJob]


def test_an_image_that_is_not_there_is_refused_at_once(make: Make, site: Site) -> None:
    error = refused(make("true"), replace(site, image="nowhere.invalid/cosmos:9"))
    assert error.message == "the image nowhere.invalid/cosmos:9 is not on the host"
    assert "docker pull nowhere.invalid/cosmos:9" in error.hint


def test_no_engine(make: Make, site: Site) -> None:
    error = refused(make("true"), site, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert error.message == "Docker is not running on the host"


def test_no_docker_program(make: Make, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("sh", "sleep"):
        (folder / program).symlink_to(f"/bin/{program}")
    assert "not installed" in refused(make("true"), site, PATH=str(folder)).message


def test_a_folder_that_is_not_there_is_named(make: Make, site: Site, tmp_path: Path) -> None:
    weights = tmp_path / "my weights, old"
    error = refused(make("true"), replace(site, checkpoints=str(weights)))
    assert error.message == f"the folder {weights} is not on the host"


def test_no_gpu_is_said_clearly_and_nothing_stands_in_the_way(
    make: Make, site: Site, docker: Docker
) -> None:
    job = make("true", gpus=1)
    assert "cannot give GPUs" in refused(job, site).message
    assert not docker("ps", "-aq", "--filter", f"name={container_name(job.name)}")
    started = run(LAUNCHER.start(job, replace(site, gpu_enabled=False)))
    assert started.returncode == 0
    assert over(job, site).exit_code == 0


@pytest.mark.parametrize(
    ("gpus", "request_"),
    [
        (None, "[{ -1 [] [[gpu]] map[]}]"),
        (2, "[{ 2 [] [[gpu]] map[]}]"),
        ("0,3", "[{ 0 [0 3] [[gpu]] map[]}]"),
    ],
)
def test_docker_reads_our_gpu_flags(
    docker: Docker, plain_image: str, gpus: int | str | None, request_: str
) -> None:
    argv = DockerCommandBuilder(plain_image).with_gpu(gpus).set_command("true").build()
    container = docker("create", *argv[2:])
    try:
        assert docker.inspect(container, "{{.HostConfig.DeviceRequests}}") == request_
    finally:
        docker.remove(container)


def test_docker_reads_our_mounts(docker: Docker, plain_image: str, tmp_path: Path) -> None:
    odd = tmp_path / "a, \"b\":c='d' ünï $(x)"
    odd.mkdir()
    argv = DockerCommandBuilder(plain_image).add_volume(str(odd), "/in, here", read_only=True)
    container = docker("create", *argv.set_command("true").build()[2:])
    try:
        mount = "{{range .Mounts}}{{.Source}}|{{.Destination}}|{{.RW}}{{end}}"
        assert docker.inspect(container, mount) == f"{odd}|/in, here|false"
    finally:
        docker.remove(container)


def test_labels_and_shared_memory(make: Make, site: Site, docker: Docker) -> None:
    job = make("sleep", "5")
    run(LAUNCHER.start(job, site))
    other = make("sleep", "5")
    run(LAUNCHER.start(other, replace(site, shm_size="99m")))
    name = container_name(job.name)
    labels = '{{index .Config.Labels "cosmos.run"}} {{index .Config.Labels "cosmos.job"}} '
    labels += '{{index .Config.Labels "cosmos.attempt"}}'
    assert docker.inspect(name, labels) == f"{RUN} {job.name} 1"
    assert docker.inspect(name, "{{.HostConfig.IpcMode}} {{.HostConfig.Init}}") == "host true"
    size = docker.inspect(container_name(other.name), "{{.HostConfig.ShmSize}}")
    assert size == str(99 * 1024**2)


def test_out_of_host_memory(make: Make, site: Site, docker: Docker) -> None:
    job = make("true")
    argv = list(LAUNCHER.start(job, site))[5:]
    eat = "head -c 300m /dev/zero | tail -c 290m | wc -c"
    at = argv.index("--init")
    argv[at:at] = ["--memory=32m", "--memory-swap=32m"]
    done = run([*argv[: argv.index("--", 5)], "--", "sh", "-c", f"exec sh -c '{eat}; exit 137'"])
    assert done.returncode == 0, done.stderr
    ended = over(job, site)
    assert ended.oom, ended


def test_a_container_that_was_made_but_never_ran_is_started(
    make: Make, site: Site, docker: Docker
) -> None:
    job = make("echo", "ran")
    argv = list(LAUNCHER.start(job, site))
    create = [arg for arg in argv[7:] if arg != "--detach"]
    container = docker("create", *create)
    assert state(job, site) == (State("running", None), True)
    assert LAUNCHER.ref(run(argv).stdout) == container
    assert over(job, site).exit_code == 0
    assert (Path(site.workspace(job.name)) / "job.log").read_text() == "ran\n"


def test_a_container_started_again_by_hand_does_not_run_twice(
    make: Make, site: Site, docker: Docker
) -> None:
    job = make("sh", "-c", "echo ran; exit 3")
    run(LAUNCHER.start(job, site))
    over(job, site)
    docker("start", "-a", container_name(job.name), check=False)
    workspace = Path(site.workspace(job.name))
    assert (workspace / "job.log").read_text() == "ran\n"
    assert (workspace / "exit_code").read_text() == "3\n"


def test_an_engine_that_does_not_answer_is_not_the_end_of_a_job(make: Make, site: Site) -> None:
    job = make("true")
    done = run(LAUNCHER.state(job.name, "", site), DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (done.stdout, done.returncode) == ("unknown\n", 0)
    (Path(site.workspace(job.name)) / "exit_code").write_text("0\n")
    done = run(LAUNCHER.state(job.name, "", site), DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 1


def test_a_job_that_ignores_term_is_stopped_within_docker_stops_patience(
    make: Make, site: Site
) -> None:
    job = make("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    run(LAUNCHER.start(job, site))
    workspace = Path(site.workspace(job.name))
    end = time.monotonic() + 10
    while not (workspace / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    assert run(LAUNCHER.stop(job.name, "", site)).returncode == 0
    assert over(job, site).exit_code == 143
    assert (workspace / "exit_code").read_text() == "143\n"


def test_the_probe_in_one_command(
    make: Make, site: Site, docker: Docker, plain_image: str, tmp_path: Path
) -> None:
    weights = tmp_path / "w"
    weights.mkdir()
    (weights / "good one.pt").write_bytes(b"x" * 2000)
    (weights / "stub.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    fake_nvidia_smi(tmp_path / "bin", [H100, ("NVIDIA A100", 40960, 100)])
    job = make("sleep", "20")
    assert run(LAUNCHER.start(job, site)).returncode == 0
    asked = replace(
        site, checkpoints=str(weights), images={"other": "not/here:1"}, root=f"{tmp_path}/new/one"
    )
    argv = LAUNCHER.probe(asked, ["good one.pt", "stub.pt", "gone.pt"])
    done = run(argv, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    facts = LAUNCHER.read_probe(done.stdout)
    assert facts.docker is not None and facts.docker.server
    assert not facts.docker.error
    assert {image.name: bool(image.id) for image in facts.images} == {
        plain_image: True, "not/here:1": False,
    }  # fmt: skip
    assert (container_name(job.name), RUN) in [(one.name, one.run) for one in facts.containers]
    assert [gpu.memory_free for gpu in facts.gpus] == [81047, 40860]
    kinds = [(one.path, one.kind) for one in facts.checkpoints]
    assert kinds == [("good one.pt", "file"), ("stub.pt", "pointer"), ("gone.pt", "missing")]
    assert facts.disk is not None and facts.disk.path == str(tmp_path)
    assert facts.clock is not None and abs(facts.clock - time.time()) < 10
    assert facts.cpus >= 1 and "mkfifo" in facts.programs


def test_the_probe_without_an_engine(site: Site) -> None:
    done = run(LAUNCHER.probe(site), DOCKER_HOST="unix:///nowhere/docker.sock")
    docker_facts = LAUNCHER.read_probe(done.stdout).docker
    assert docker_facts is not None and docker_facts.server == ""
    assert "Cannot connect" in docker_facts.error
