"""What the tests of faults share: a project with a host, moments of a run to wait for, and what
must hold of it whatever happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dockerd import Docker
from project import Project, remote_config
from sshd import Sshd

from cosmos_workflow.events import Event, ExecutionStatus
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.probe import probe

PATIENCE_S = 30.0
FINAL = {"Succeeded", "Failed", "Blocked", "Cancelled"}


@dataclass(frozen=True)
class Scene:
    """A project, the machine that it runs on (``host``: its remote_dir), and the engine there."""

    project: Project
    host: Path
    sshd: Sshd
    docker: Docker
    image: str

    def configure(self, *, port: int = 0, image: str = "", more: str = "") -> None:
        """Write config.toml; ``more`` goes below ``[targets.gpu]``."""
        text = remote_config(self.sshd, self.host, image or self.image, port=port, more=more)
        self.project.configure(text)

    # -- moments -------------------------------------------------------------------------------

    def until_event(self, spec: str, kind: type[Event], attempt: int = 1) -> None:
        """Wait until the run has recorded such an event."""
        folder = self.project.run(spec, attempt)
        until(lambda: kind.__name__ in counted(folder), f"no {kind.__name__} in {folder.id}")

    def until_log(self, spec: str, text: str) -> None:
        """Wait until the job has written ``text``, on its host."""
        until(lambda: text in self.host_log(spec), f"no {text!r} in the job's log")

    def until_over(self, spec: str) -> None:
        """Wait until the job is over on its host, whoever knows of it."""
        until(lambda: (self.workspace(spec) / "exit_code").exists(), f"{spec} goes on")

    # -- the machine ---------------------------------------------------------------------------

    def workspace(self, spec: str, attempt: int = 1) -> Path:
        """The job's folder on the host."""
        return self.host / "runs" / self.project.run(spec, attempt).job().name

    def host_log(self, spec: str, attempt: int = 1) -> str:
        """The job's log on the host, so far."""
        if not self.project.run(spec, attempt).path.exists():
            return ""
        file = self.workspace(spec, attempt) / "job.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def containers(self, spec: str, attempt: int = 1) -> list[str]:
        """Containers of the job, running or not."""
        name = self.project.run(spec, attempt).job().name
        return self.docker("ps", "-aq", "--filter", f"label=cosmos.job={name}").split()

    def remove_containers(self) -> None:
        """All that the project's runs left behind."""
        for folder in self.project.store.folders():
            label = f"label=cosmos.job={folder.job().name}"
            found = self.docker("ps", "-aq", "--filter", label).split()
            if found:
                self.docker.remove(*found)

    def host_without(self, *programs: str) -> None:
        """Let sessions on the host find all programs but these."""
        folder = self.sshd.folder / "bin"
        folder.mkdir()
        for place in os.environ["PATH"].split(os.pathsep):
            for program in Path(place).glob("*"):
                link = folder / program.name
                if program.name not in programs and not link.is_symlink():
                    link.symlink_to(program)
        self.sshd.options = [f"SetEnv PATH={folder}"]
        self.sshd.restart()

    # -- what must hold ------------------------------------------------------------------------

    def came_home(self, spec: str, attempt: int = 1) -> RunFolder:
        """SUCCESS with nothing lost and nothing done twice."""
        folder = self.project.run(spec, attempt)
        run = self.ended(spec, ExecutionStatus.SUCCESS, attempt=attempt)
        workspace = self.workspace(spec, attempt)
        result = folder.path / run.outputs[0].path
        assert sha256_file(result) == run.outputs[0].sha256
        assert sha256_file(result) == sha256_file(workspace / "outputs" / "output.mp4")
        assert probe(result).frames == 12
        assert folder.log_file.read_bytes() == (workspace / "job.log").read_bytes()
        assert folder.log_file.read_text().count("running preprocessor") == 1
        assert len(self.containers(spec, attempt)) == 1
        assert not folder.arriving.exists()
        return folder

    def ended(
        self, spec: str, status: ExecutionStatus, cause: str = "", *, attempt: int = 1
    ) -> Run:
        """Such an end, told once; and ``cosmos show`` tells it, its cause and what to do."""
        folder = self.project.run(spec, attempt)
        kinds = counted(folder)
        assert sum(kinds[kind] for kind in FINAL) == 1, kinds
        run = folder.run()
        assert (run.status, run.cause) == (status, cause), run.message
        if cause and status is not ExecutionStatus.CANCELLED:
            shown = self.project.json("show", folder.id)[-1]
            assert (shown["execution_status"], shown["cause"]) == (status, cause)
            assert shown["message"] and shown["hint"]
        return run


def counted(folder: RunFolder) -> Counter[str]:
    """The kinds of events in a run's file; every whole line must be one."""
    if not folder.events_file.exists():
        return Counter()
    lines = folder.events_file.read_bytes().split(b"\n")[:-1]
    return Counter(json.loads(line)["event"] for line in lines)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.03)


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9, of the client and whatever it has started in its session."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def said(process: subprocess.Popen[str], code: int) -> str:
    """What a command has written, once it is over with this exit code."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code, f"exit {process.returncode}, not {code}\n{out}"
    assert "Traceback" not in out, out
    return out


def pad(video: Path, megabytes: float) -> None:
    """Make a video file bigger with a box that players skip, of bytes that do not compress."""
    body = os.urandom(int(megabytes * 1e6))
    with video.open("ab") as file:
        file.write((len(body) + 8).to_bytes(4, "big") + b"free" + body)


def facts(video: Path) -> Mapping[str, Any]:
    """What the stand-in model was given: it is written in the comment of its video."""
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "json", video],
        capture_output=True, check=True,
    )  # fmt: skip
    comment: Mapping[str, Any] = json.loads(json.loads(shown.stdout)["format"]["tags"]["comment"])
    return comment


@pytest.fixture
def scene(
    project: Project, shared_sshd: Sshd, docker: Docker, model_image: str, tmp_path: Path
) -> Iterator[Scene]:
    """A project on a server that the test leaves as it is."""
    yield from _scene(project, shared_sshd, docker, model_image, tmp_path)


@pytest.fixture
def fragile(
    project: Project, sshd: Sshd, docker: Docker, model_image: str, tmp_path: Path
) -> Iterator[Scene]:
    """A project on a server that the test may stop, restart and spoil."""
    yield from _scene(project, sshd, docker, model_image, tmp_path)


def _scene(
    project: Project, sshd: Sshd, docker: Docker, image: str, tmp_path: Path
) -> Iterator[Scene]:
    made = Scene(project, tmp_path / "host dir", sshd, docker, image)
    made.configure()
    yield made
    made.remove_containers()
