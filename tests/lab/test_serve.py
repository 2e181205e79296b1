"""A model's server on an SSH host with a real Docker: started, used, looked at, ended."""

from __future__ import annotations

import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import images
import pytest
from dockerd import Docker
from project import Project, remote_config, video
from scene import counted, facts, until
from slowlink import SlowLink
from sshd import Sshd, free_port

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import sha256_file

HERE = Path(__file__).parent
TOKEN = {"HF_TOKEN": "hf_lab_token"}


def _add(tar: tarfile.TarFile) -> None:
    for file in sorted((HERE / "servers").glob("*.py")):
        if file.name in ("__init__.py", "forms.py", "videos.py", "videos_rules.py"):
            tar.add(file, f"opt/lab/servers/{file.name}")
    for program in ("vllm", "sglang"):
        info = tar.gettarinfo(HERE / "standin" / "videos" / program, f"usr/local/bin/{program}")
        info.mode = 0o755
        with (HERE / "standin" / "videos" / program).open("rb") as source:
            tar.addfile(info, source)
    images._add_standin(tar)  # its entry point, which a server's image may have as well


@pytest.fixture(scope="session")
def server_image(docker: Docker) -> str:
    """The image of a server: both programs, and the contract server behind them."""
    folders = [HERE / "servers", HERE / "standin" / "videos", HERE / "standin" / "program"]
    return images._layered(docker, "videos", folders, _add)


@dataclass(frozen=True)
class Place:
    """A project with an SSH host that has Docker; a port that is free."""

    project: Project
    docker: Docker
    host: Path
    port: int

    def serve(self, action: str, *args: str, code: int = 0, more: tuple[str, ...] = ()) -> str:
        """``cosmos serve``; what it said."""
        words = ["--target", "gpu", "--port", str(self.port), *args, "--", *more]
        done = self.project.cosmos("serve", action, *words, code=code, env=TOKEN)
        return done.stdout + done.stderr

    def boxes(self) -> list[str]:
        """Containers of servers, running or not."""
        jobs = [folder.name for folder in self.host.glob("runs/serve-*")]
        shown = [self.docker("ps", "-aq", "--filter", f"label=cosmos.job={job}") for job in jobs]
        return [box for line in shown for box in line.split()]


@pytest.fixture
def place(
    project: Project, shared_sshd: Sshd, docker: Docker, server_image: str, tmp_path: Path
) -> Iterator[Place]:
    made = Place(project, docker, tmp_path / "host dir", free_port())
    more = f'images = {{ vllm_omni = "{server_image}", sglang = "{server_image}" }}\n'
    more += 'secrets = ["HF_TOKEN"]'
    project.configure(remote_config(shared_sshd, made.host, "an/image:of-another-model", more=more))
    yield made
    if boxes := made.boxes():
        docker.remove(*boxes)


def made(project: Project) -> str:
    """A RunSpec with two controls."""
    for name in ("edge", "depth"):
        video(project.root / "shot" / f"{name}.mp4", "gradients")
    spec = project.json("create-spec", "street", "rain", "--control-inputs",
                        "edge:shot/edge.mp4", "depth:shot/depth.mp4")[-1]["id"]  # fmt: skip
    run = project.json("create-run", spec, "--engine", "vllm_omni", "--weight", "edge=0.6",
                       "--weight", "depth=0.2", "--option", "resolution=256")  # fmt: skip
    return str(run[-1]["id"])


def test_started_used_and_ended(place: Place) -> None:
    said = place.serve("start", "--save")
    assert "omni on gpu: ready, nvidia/Cosmos3-Nano 0.28.1" in said
    table = tomllib.loads((place.project.root / "config.toml").read_text())["services"]["omni"]
    assert table == {
        "dialect": "videos", "url": f"http://127.0.0.1:{place.port}", "via": "gpu"
    }  # fmt: skip
    run = made(place.project)
    place.project.cosmos("run", run, "--target", "omni", env=TOKEN)
    folder = place.project.run(run)
    asked = facts(folder.path / folder.run().outputs[0].path)
    for name in ("edge", "depth"):
        sha256 = sha256_file(place.project.root / "shot" / f"{name}.mp4")
        path = asked["extra_params"][name]["control_path"]
        assert path == f"{place.host}/inputs/{sha256}/{name}.mp4", "the same path in the container"
        assert asked["controls"][name] == sha256
    again = place.serve("start")
    assert "running already" in again and "ready" in again
    assert len(place.boxes()) == 1
    assert f"port {place.port}" in place.project.cosmos("serve", "status", "-t", "gpu").stdout
    refused = place.serve("start", "--model", "super", code=6)
    assert "already, with nvidia/Cosmos3-Nano" in refused
    (box,) = place.boxes()
    shown = place.docker("inspect", box)
    assert TOKEN["HF_TOKEN"] not in shown and '"NetworkMode": "host"' in shown
    (workspace,) = place.host.glob("runs/serve-omni-*")
    log = (workspace / "job.log").read_text()
    assert TOKEN["HF_TOKEN"] not in log and "token ************" in log
    assert "omni is stopped" in place.serve("stop")
    assert place.docker("ps", "-aq", "--filter", f"id={box}") == ""
    assert not workspace.exists()
    assert "was not running" in place.serve("stop")
    assert "not running" in place.serve("status")


def test_it_can_be_started_again_after_it_died(place: Place) -> None:
    place.serve("start")
    (box,) = place.boxes()
    place.docker("kill", box)
    assert "not running" in place.serve("status")
    assert "ready" in place.serve("start")
    assert place.boxes() != [box]


SLOW = ("--lab-seconds", "600")


def words_alone(project: Project, engine: str) -> str:
    """A RunSpec of words."""
    spec = project.json("create-spec", "words", "a wet street")[-1]["id"]
    made = project.json("create-run", spec, "--engine", engine, "--option", "frames=5",
                        "--option", "resolution=256")  # fmt: skip
    return str(made[-1]["id"])


def told(project: Project, run: str, event: str, times: int = 1) -> None:
    """Wait until the run has recorded such an event so often."""
    folder = project.run(run)
    until(lambda: folder.path.exists() and counted(folder)[event] >= times, f"no {event}")


@pytest.mark.parametrize(
    ("engine", "name", "end"), [("vllm_omni", "omni", "kill"), ("sglang", "sglang", "stop")]
)
def test_a_job_is_lost_with_its_server(place: Place, engine: str, name: str, end: str) -> None:
    place.serve("start", "--engine", engine, "--save", more=SLOW)
    project, run = place.project, words_alone(place.project, engine)
    follower = project.begin("run", run, "--target", name)
    told(project, run, "Submitted")
    if end == "kill":
        place.docker("kill", *place.boxes())
    else:
        place.serve("stop", "--engine", engine)
    said, _ = follower.communicate(timeout=60)
    assert follower.returncode == 6, said
    found = project.run(run).run()
    assert (found.status, found.cause) == (ExecutionStatus.FAILED, "lost")
    assert f"the server of {name} on gpu does not run any more" in " ".join(said.split())
    again = f"cosmos serve start --target gpu --engine {engine} --name {name} --port {place.port}"
    assert f"{again}, then cosmos run {run}" in found.hint


def test_a_run_is_cancelled_although_its_server_is_gone(place: Place) -> None:
    place.serve("start", "--save", more=SLOW)
    project, run = place.project, words_alone(place.project, "vllm_omni")
    project.cosmos("run", run, "--target", "omni", "--detach")
    place.serve("stop")
    project.cosmos("cancel", run)
    assert project.run(run).run().status is ExecutionStatus.CANCELLED
    hint = "does its server run? cosmos serve status --target gpu --name omni"
    assert hint in project.cosmos("status", "--target", "omni", code=4).stderr


def test_a_server_on_a_host_that_is_away_is_waited_for(place: Place, shared_sshd: Sshd) -> None:
    """What is lost is told by its machine alone, and one that does not answer tells nothing."""
    place.serve("start", "--save", more=SLOW)
    project, run = place.project, words_alone(place.project, "vllm_omni")
    config = project.root / "config.toml"
    with SlowLink(shared_sshd.port) as link:
        shared_sshd.trust(link.port)
        text = config.read_text()
        config.write_text(text.replace(f"port = {shared_sshd.port}", f"port = {link.port}"))
        follower = project.begin("run", run, "--target", "omni")
        told(project, run, "Submitted")
        link.refuse()
        place.docker("kill", *place.boxes())
        told(project, run, "Disconnected")
        assert project.run(run).run().status is ExecutionStatus.RUNNING
        link.accept()
        said, _ = follower.communicate(timeout=90)
    assert project.run(run).run().cause == "lost", said


def test_sglang(place: Place) -> None:
    assert "sglang on gpu: ready" in place.serve("start", "--engine", "sglang", "--save")
    project, run = place.project, words_alone(place.project, "sglang")
    project.cosmos("run", run, "--target", "sglang")
    assert project.run(run).run().status == "SUCCESS"


@pytest.mark.parametrize(
    ("args", "more", "env", "said"),
    [
        ((), (), {"HF_TOKEN": "hf_another"}, "accept the licence"),
        (("--model", "super"), (), TOKEN, "--quantization"),
        (("--model", "lab/none"), (), TOKEN, "valid model identifier"),
        ((), ("--no-such-flag",), TOKEN, "unrecognized arguments: --no-such-flag"),
    ],
    ids=["gated", "memory", "model", "flag"],
)
def test_why_it_did_not_come_up(
    place: Place, args: tuple[str, ...], more: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    done = place.project.cosmos(
        "serve", "start", "--target", "gpu", "--port", str(place.port), *args, "--", *more,
        code=6, env=env,
    )  # fmt: skip
    assert said in done.stderr and "did not come up" in done.stderr, done.stderr


def test_more_of_the_servers_own(place: Place) -> None:
    said = place.serve("start", "--model", "super", "--no-guardrails",
                       more=("--quantization", "fp8", "--vae-use-tiling"))  # fmt: skip
    assert "ready, nvidia/Cosmos3-Super" in said
    assert f'[services.omni]\ndialect = "videos"\nurl = "http://127.0.0.1:{place.port}"' in said


def test_what_cannot_be_started(place: Place) -> None:
    assert "docker pull" in place.serve("start", "--image", "an/image:not-there", code=6)
    assert "SSH target" in place.serve("start", "--target", "local", code=2)
    assert "letters, digits" in place.serve("start", "--name", "a b", code=2)
    assert "machine of that name" in place.serve("start", "--name", "gpu", "--save", code=2)
    with (place.project.root / "config.toml").open("a") as config:
        config.write('\n[services.dream]\ndialect = "luma"\n')
    before = (place.project.root / "config.toml").read_text()
    refused = place.serve("start", "--name", "dream", "--save", code=2)
    assert "[services.dream] in config.toml is another service (luma)" in refused
    assert (place.project.root / "config.toml").read_text() == before and not place.boxes()
    assert "no such action" in place.serve("begin", code=3)
    assert "starts no server" in place.serve("start", "--engine", "transfer1", code=2)
    assert "not a model" in place.serve("start", "--model", "nanno", code=3)
