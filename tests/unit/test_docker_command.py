"""docker's words, both ways: the arguments we give it and the refusals it gives us."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution import DockerCommandBuilder
from cosmos_workflow.execution.docker import DockerLauncher, container_name, image_for
from cosmos_workflow.execution.docker_refusals import REFUSALS, rejection
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.launcher import Site, State

JOB = CommandJob("rs_1f2e3d4c.1-abc123", "preview", ("true",), {"rs_1f2e3d4c.1": ("x",)})
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1)


def test_the_few_lines_of_the_documentation() -> None:
    command = (
        DockerCommandBuilder("cosmos:1")
        .with_gpu()
        .add_volume("/data", "/d")
        .add_environment("A", "b c")
        .set_command("python", "-c", "print('hi')")
        .build()
    )
    assert command == [
        "docker", "run", "--gpus", "all", "--mount", "type=bind,source=/data,target=/d",
        "--env", "A=b c", "cosmos:1", "python", "-c", "print('hi')",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gpus", "said"),
    [(None, "all"), (2, "2"), ("0,1", '"device=0,1"'), ([3], '"device=3"')],
)
def test_gpus(gpus: int | str | list[int | str] | None, said: str) -> None:
    assert DockerCommandBuilder("i").with_gpu(gpus).build()[2:4] == ["--gpus", said]


@given(TEXT, TEXT)
def test_any_folder_can_be_mounted(host: str, container: str) -> None:
    mount = DockerCommandBuilder("i").add_volume(host, container, read_only=True).build()[3]
    (row,) = csv.reader([mount])
    assert row == ["type=bind", f"source={host}", f"target={container}", "readonly"]


def test_building_twice_gives_two_lists() -> None:
    builder = DockerCommandBuilder("i")
    builder.build().append("x")
    assert builder.build() == ["docker", "run", "i"]


def test_the_name_of_a_container_is_one_docker_takes() -> None:
    assert container_name("rs_1f2e3d4c.1-abc123") == "cosmos-rs_1f2e3d4c.1-abc123"
    odd, other = container_name("a b/c"), container_name("a-b c")
    assert odd.startswith("cosmos-a-b-c-") and odd != other


def test_which_image() -> None:
    assert image_for(CommandJob("n", "e", (), {}, image="own"), Site("/r")) == "own"
    site = Site("/r", image="site", images={"other": "special"})
    assert image_for(CommandJob("n", "e", (), {}, image="own"), site) == "site"
    assert image_for(CommandJob("n", "other", (), {}, image="own"), site) == "special"
    with pytest.raises(ConfigError, match="preview") as error:
        image_for(JOB, Site("/r"))
    assert "[docker] image" in error.value.hint


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("running 0 false", State("running", None)),
        ("created 0 false", State("running", None)),
        ("paused 0 false", State("running", None)),
        ("unknown", State("running", None)),
        ("exited 3 false\n", State("exited", 3)),
        ("exited 137 true", State("exited", 137, oom=True)),
        ("gone", State("gone")),
        ("", State("gone")),
    ],
)
def test_state(said: str, state: State) -> None:
    assert DockerLauncher().read_state(said) == state


DAEMON = "docker: Error response from daemon: "
SAID = {
    "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
    "daemon running?\nSee 'docker run --help'.": ("not running", "systemctl start docker"),
    "docker: permission denied while trying to connect to the Docker daemon socket at unix:///var/"
    "run/docker.sock: Head \"http://x/_ping\": dial unix /var/run/docker.sock: connect: permission "
    "denied.": ("may not talk to Docker", "usermod -aG docker"),
    "sh: 3: docker: not found": ("not installed", "install Docker"),
    f"{DAEMON}No such image: nvcr.io/me/cosmos:1\n\nRun 'docker run --help' for more information": (
        "nvcr.io/me/cosmos:1 is not on the host", "docker pull nvcr.io/me/cosmos:1"
    ),
    f'{DAEMON}could not select device driver "" with capabilities: [[gpu]].': (
        "cannot give GPUs", "NVIDIA Container Toolkit"
    ),
    f"{DAEMON}failed to create task for container: failed to create shim task: OCI runtime create "
    "failed: runc create failed: unable to start container process: error during container init: "
    "error running hook #0: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\n"
    "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown.": (
        "cannot give GPUs", "NVIDIA Container Toolkit"
    ),
    f"{DAEMON}mkdir /var/lib/docker/overlay2/1-init: no space left on device.": (
        "disk of the host is full", "docker system prune"
    ),
    f"{DAEMON}invalid mount config for type \"bind\": bind source path does not exist: "
    "/data/my weights.": ("folder /data/my weights is not", "checkpoints"),
    f'{DAEMON}Conflict. The container name "/cosmos-x" is already in use by container "12ab".': (
        "container cosmos-x", "docker rm"
    ),
    "unknown flag: --pull": ("too old", "20.10"),
    f'{DAEMON}OCI runtime create failed: exec: "sh": executable file not found in $PATH.': (
        "no shell", "sh in it"
    ),
    'invalid argument "lots" for "--shm-size" flag: invalid size': ("does not understand", "shm"),
    f"{DAEMON}the moon is in the way.": ("the moon is in the way", "cosmos doctor"),
    "": ("it said nothing", "cosmos doctor"),
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_what_docker_says_becomes_what_to_do(said: str) -> None:
    error = rejection(said, 125)
    message, hint = SAID[said]
    assert message in error.message
    assert hint in error.hint
    assert "{" not in error.message + error.hint


def test_every_refusal_is_tried() -> None:
    messages = [rejection(said, 125).message for said in SAID]
    for _, message, _ in REFUSALS:
        assert any(said.startswith(message.split("{")[0]) for said in messages), message
