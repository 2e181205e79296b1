"""Runs on a service from the command line: left, killed, ended from elsewhere; nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from films import SIGNATURE, TOKEN, installed
from project import Project, video
from scene import counted, kill, pad, until
from servers import faults
from servers.faults import FaultsServer, faults_server
from slowlink import SlowLink

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.store import RunFolder

CONFIG = """
[services.lab]
dialect = "{dialect}"
url = "{url}"
silence = 5
"""


@dataclass
class Stage:
    """A project with a service."""

    project: Project
    server: FaultsServer
    env: dict[str, str]

    def configure(self, url: str = "", dialect: str = "films", more: str = "") -> None:
        """Write config.toml."""
        text = CONFIG.format(url=url or self.server.url, dialect=dialect)
        self.project.configure(text + more)

    def spec(self, engine: str = "films") -> str:
        """The id of a RunSpec."""
        made = self.said(
            "create-spec", "street", "rain", "--input-video", "shot/color.mp4", "--json"
        )
        spec = json.loads(made.splitlines()[-1])["id"]
        run = self.said("create-run", spec, "--engine", engine, "--json")
        return str(json.loads(run.splitlines()[-1])["id"])

    def said(self, *args: str, code: int = 0) -> str:
        """All that a command has to say."""
        done = self.project.cosmos(*args, code=code, env=self.env)
        return done.stdout + done.stderr

    def begin(self, *args: str) -> subprocess.Popen[str]:
        """Start a command."""
        return self.project.begin(*args, env=self.env)

    def home(self, spec: str, *, attempt: int = 1) -> RunFolder:
        """The run that came home, of the one job that there is."""
        folder = self.project.run(spec, attempt)
        run = folder.run()
        assert run.status is ExecutionStatus.SUCCESS, run.message
        assert (folder.path / run.outputs[0].path).read_bytes() == self.server.film
        assert len(self.server.jobs) == 1
        assert not folder.arriving.exists()
        return folder


@pytest.fixture
def stage(project: Project, tmp_path: Path) -> Iterator[Stage]:
    film = video(tmp_path / "film.mp4", "mandelbrot", frames=4)
    pad(film, 3)
    with faults_server(film.read_bytes()) as server:
        one = Stage(project, server, installed(tmp_path / "site"))
        one.configure()
        yield one


def interrupted(client: subprocess.Popen[str]) -> str:
    """What it says to Ctrl-C."""
    client.send_signal(signal.SIGINT)
    out, _ = client.communicate(timeout=30)
    assert client.returncode == 130 and "Traceback" not in out, out
    return out


def recorded(folder: RunFolder, operation: str) -> list[str]:
    """The phases of its calls of one kind."""
    lines = [json.loads(line) for line in folder.events_file.read_text().splitlines()]
    return [one["phase"] for one in lines if one.get("operation") == operation]


def test_a_run(stage: Stage) -> None:
    spec = stage.spec()
    said = stage.said("run", spec, "--target", "lab")
    folder = stage.home(spec)
    assert "uploading" in said and "downloading" in said
    assert recorded(folder, "create") == ["asked", "answered"]
    assert recorded(folder, "look") == ["answered"] and recorded(folder, "download") == ["answered"]
    assert "Exchanged" not in said
    shown = stage.said("show", spec, "-v")
    assert "create answered 201, 0." in shown and f"{stage.server.url}/jobs" in shown
    assert "create answered" not in stage.said("show", spec)


# -- Ctrl-C and kill -9 ----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["films", "unlisted"])
def test_ctrl_c_during_the_upload(stage: Stage, engine: str) -> None:
    """The service has not got all of it, and that is known: the next command sends it at once."""
    pad(stage.project.root / "shot" / "color.mp4", 20)
    with SlowLink(stage.server.server_address[1], bytes_per_s=4e6) as link:
        stage.configure(f"http://127.0.0.1:{link.port}", engine)
        spec = stage.spec(engine)
        client = stage.begin("run", spec, "--target", "lab")
        until(lambda: link.bytes_up > 2e6, "nothing is uploaded")
        interrupted(client)
        assert recorded(stage.project.run(spec), "create") == ["asked", "failed"]
        link.bytes_per_s = 0
        assert "it may do so yet" not in stage.said("run", spec, "--target", "lab")
    stage.home(spec)


def test_killed_during_the_upload(stage: Stage) -> None:
    """Nobody knows how far it came: the service is asked, and given time to list the job."""
    pad(stage.project.root / "shot" / "color.mp4", 20)
    with SlowLink(stage.server.server_address[1], bytes_per_s=4e6) as link:
        stage.configure(f"http://127.0.0.1:{link.port}")
        spec = stage.spec()
        client = stage.begin("run", spec, "--target", "lab")
        until(lambda: link.bytes_up > 2e6, "nothing is uploaded")
        kill(client)
        link.bytes_per_s = 0
        stage.said("run", spec, "--target", "lab")
    stage.home(spec)
    assert stage.server.count("GET", "/jobs") > 0


def test_killed_between_the_request_and_its_record(stage: Stage) -> None:
    """The answer came, and the one who got it is dead: the job is found, not made again."""
    stage.server.looks = 10**6
    spec = stage.spec()
    folder = stage.project.run(spec)
    client = stage.begin("run", spec, "--target", "lab")
    until(lambda: counted(folder)["Submitted"] > 0, "never submitted")
    kill(client)
    lines = folder.events_file.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if '"Submitted"' in line)
    folder.events_file.write_text("".join(lines[:cut]))
    assert folder.run().status is ExecutionStatus.PENDING
    for job in stage.server.jobs.values():
        job.looks = 0
    stage.said("run", spec, "--target", "lab")
    stage.home(spec)
    assert stage.server.count("POST", "/jobs") == 1


def test_cancelled_after_such_a_death(stage: Stage) -> None:
    stage.server.looks = 10**6
    spec = stage.spec()
    folder = stage.project.run(spec)
    client = stage.begin("run", spec, "--target", "lab")
    until(lambda: counted(folder)["Submitted"] > 0, "never submitted")
    kill(client)
    lines = folder.events_file.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if '"Submitted"' in line)
    folder.events_file.write_text("".join(lines[:cut]))
    stage.said("cancel", spec)
    assert [job.status for job in stage.server.jobs.values()] == ["cancelled"]
    assert folder.run().status is ExecutionStatus.CANCELLED


def test_cancelled_where_nobody_can_say_whether_it_began(stage: Stage) -> None:
    pad(stage.project.root / "shot" / "color.mp4", 20)
    with SlowLink(stage.server.server_address[1], bytes_per_s=4e6) as link:
        stage.configure(f"http://127.0.0.1:{link.port}", "unlisted")
        spec = stage.spec("unlisted")
        client = stage.begin("run", spec, "--target", "lab")
        until(lambda: link.bytes_up > 2e6, "nothing is uploaded")
        kill(client)
        stage.said("cancel", spec)
    run = stage.project.run(spec).run()
    assert run.status is ExecutionStatus.CANCELLED and "is not known" in run.message


@pytest.mark.parametrize("how", ["ctrl-c", "kill -9"])
def test_ended_during_the_download(stage: Stage, how: str) -> None:
    with SlowLink(stage.server.server_address[1], bytes_per_s=1e6) as link:
        stage.configure(f"http://127.0.0.1:{link.port}")
        stage.server.elsewhere = f"http://127.0.0.1:{link.port}"
        spec = stage.spec()
        client = stage.begin("run", spec, "--target", "lab")
        part = stage.project.run(spec).arriving / "outputs" / ".output.mp4.part"
        until(lambda: part.exists() and part.stat().st_size > 300_000, "nothing comes")
        if how == "kill -9":
            kill(client)
        else:
            interrupted(client)
        link.bytes_per_s = 0
        stage.said("follow", spec)
    stage.home(spec)
    (*_, last) = (call for call in stage.server.requests if "/film" in call.path)
    assert int(last.headers["range"][6:-1]) > 250_000


# -- from elsewhere --------------------------------------------------------------------------------


def test_two_follow_and_a_third_cancels(stage: Stage) -> None:
    stage.server.looks = 10**6
    spec = stage.spec()
    folder = stage.project.run(spec)
    first = stage.begin("run", spec, "--target", "lab")
    until(lambda: counted(folder)["Submitted"] > 0, "never submitted")
    second = stage.begin("follow", spec)
    stage.said("cancel", spec)
    for client in (first, second):
        out, _ = client.communicate(timeout=30)
        assert "CANCELLED" in out.upper() and "Traceback" not in out, out
    assert [job.status for job in stage.server.jobs.values()] == ["cancelled"]
    assert counted(folder)["Cancelled"] == 1


# -- what is told ----------------------------------------------------------------------------------


def test_a_lost_answer_without_a_list(stage: Stage) -> None:
    stage.configure(dialect="unlisted")
    stage.server.on("create", faults.done_but(faults.hang_up))
    spec = stage.spec("unlisted")
    said = stage.said("run", spec, "--target", "lab", code=6)
    assert "whether it began the job is not known" in " ".join(said.split())
    folder = stage.project.run(spec)
    assert folder.run().cause == "submission" and len(stage.server.jobs) == 1
    assert recorded(folder, "create") == ["asked", "lost"]


def test_a_refusal_leaves_its_calls(stage: Stage) -> None:
    stage.server.on("create", faults.refuse(429, {}, Retry_After=0), faults.refuse(422))
    spec = stage.spec()
    assert "it is 422" in stage.said("run", spec, "--target", "lab", code=6)
    assert recorded(stage.project.run(spec), "create") == ["asked", "repeated", "answered"]


def test_nothing_secret_is_kept_or_said(stage: Stage) -> None:
    stage.server.on("create", faults.echo(401))
    spec = stage.spec()
    said = stage.said("run", spec, "--target", "lab", code=4)
    assert "bad credentials" in said and "cosmos doctor" in said
    stage.server.on("film", faults.echo(500))
    said += stage.said("run", spec, "--target", "lab", "--json")
    for command in (["show", spec], ["logs", spec], ["targets", "--json"], ["doctor"],
                    ["run", spec, "--target", "lab", "--dry-run"]):  # fmt: skip
        said += stage.said(*command, *(["--target", "lab"] if command == ["doctor"] else []))
    stage.home(spec)
    for file in (one for one in stage.project.root.rglob("*") if one.is_file()):
        data = file.read_bytes()
        assert TOKEN.encode() not in data and SIGNATURE.encode() not in data, file
    assert TOKEN not in said and SIGNATURE not in said


def test_doctor_and_status(stage: Stage) -> None:
    assert "ready" in stage.said("doctor", "--target", "lab", "--engine", "films")
    stage.server.on("probe", faults.refuse(503, {"error": "loading the model"}))
    assert "loading the model" in stage.said("status", "--target", "lab", "--engine", "films")
    stage.server.on("probe", faults.echo(401))
    said = stage.said("doctor", "--target", "lab", "--engine", "films", code=4)
    assert "refuses us (HTTP 401)" in said and TOKEN not in said
    stage.server.on("probe", faults.words(b"<html>log in", "text/html"))
    assert "web page" in stage.said("doctor", "--target", "lab", "--engine", "films", code=4)
    del stage.env["FILMS_TOKEN"]
    said = stage.said("doctor", "--target", "lab", "--engine", "films", code=4)
    assert "FILMS_TOKEN" in said and "export FILMS_TOKEN" in said
    stage.configure("http://127.0.0.1:9")
    stage.env["FILMS_TOKEN"] = TOKEN
    said = stage.said("status", "--target", "lab", "--engine", "films", code=4)
    assert "no connection to lab" in said


def test_a_plan_sends_nothing(stage: Stage) -> None:
    spec = stage.spec()
    said = stage.said("run", spec, "--target", "lab", "--dry-run")
    assert "POST" in said and "<the file: color.mp4>" in said
    assert stage.server.requests == []
