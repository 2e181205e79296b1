"""A NIM, from the command line to a video that is home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from project import Project
from servers.nim import NimServer, nim_server

from cosmos_workflow.events import Exchanged, ExecutionStatus
from cosmos_workflow.video.probe import probe

SMALL = ("--option", "size=320x176", "--option", "duration=0.5")


@pytest.fixture
def nim() -> Iterator[NimServer]:
    with nim_server() as one:
        yield one


def variables(nim: NimServer, **more: str) -> dict[str, str]:
    return {"COSMOS_BASE_URL": nim.url, **more}


def words(project: Project, prompt: str = "a wet street", *args: str) -> str:
    """The id of a RunSpec that starts from words alone."""
    made = project.json("create-spec", "street", prompt)[-1]
    return str(project.json("create-run", made["id"], "--engine", "nim", *args)[-1]["id"])


def test_words_become_a_video_that_is_home(project: Project, nim: NimServer) -> None:
    spec = words(project, "a wet street", *SMALL, "--seed", "7")
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    folder = project.run(spec)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS, done.stdout
    assert probe(folder.path / run.outputs[0].path).frames == 12
    assert nim.asked == [{
        "prompt": "a wet street", "seed": 7, "steps": 35, "guidance_scale": 7.0,
        "video_params": {"frames_per_sec": 24, "width": 320, "height": 176, "frames_count": 12},
        "prompt_upsampling": True,
    }]  # fmt: skip
    calls = [event for event, _ in folder.events() if isinstance(event, Exchanged)]
    assert [(one.operation, one.phase, one.http_status, one.attempt) for one in calls] == [
        ("health", "answered", 200, 1), ("generate", "answered", 200, 1),
    ]  # fmt: skip
    assert calls[1].target == f"{nim.url}/v1/infer"
