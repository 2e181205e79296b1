"""What the tests of batches and of the queue share: a project on the stand-in of Transfer2.5, and
what must hold of every item that is done."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import images
import pytest
from dockerd import Docker
from need import need
from project import Project, remote_config
from sshd import Sshd

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder

QUICK = "\n[queue]\nretry_pause = 0.1\n"


@pytest.fixture(scope="session")
def transfer25_image(docker: Docker) -> str:
    return images.transfer25(docker)


@pytest.fixture
def gpu(project: Project, shared_sshd: Sshd, transfer25_image: str, tmp_path: Path) -> Project:
    """A project whose target is behind SSH, with Docker and the stand-in of Transfer2.5."""
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", transfer25_image) + QUICK)
    return project


def told(path: Path) -> dict[str, Any]:
    """What the stand-in was told, from the comment of its video."""
    argv = [need("ffprobe"), "-v", "error", "-show_entries", "format_tags=comment", "-of", "json"]
    done = subprocess.run([*argv, str(path)], capture_output=True, text=True, check=True)
    return dict(json.loads(json.loads(done.stdout)["format"]["tags"]["comment"]))


def spec(project: Project, prompt: str, seed: int, control: str = "depth=0.4") -> str:
    return project.spec(
        prompt, "--weight", control, "--seed", str(seed), "--steps", "1", engine="transfer25"
    )


def queue(project: Project) -> Queue:
    return Queue(project.root / "outputs" / ".queue" / "queue.sqlite")


def items(project: Project) -> dict[str, Item]:
    latest = sorted(queue(project).items(), key=lambda item: item.id)
    return {item.spec: item for item in latest}


def right(project: Project, spec_id: str) -> Run:
    """The item is done, its run a success whose video is of its own prompt and seed."""
    item = items(project)[spec_id]
    assert item.state is State.DONE, (item.state, item.cause, item.message)
    folder = RunFolder(project.root / "outputs" / item.run)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS
    said, asked = told(folder.path / run.outputs[0].path), folder.spec()
    assert said["prompt"] == folder.prompt().prompt
    assert said["seed"] == asked.parameters.seed
    assert said["name"] == run.id
    return run


def jobs(project: Project, specs: Sequence[str]) -> set[str]:
    """The jobs that the last runs of these were in."""
    found = items(project)
    return {RunFolder(project.root / "outputs" / found[one].run).job().name for one in specs}
