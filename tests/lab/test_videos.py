"""Cosmos 3 behind the videos API, from the command line to a video that is home."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from project import Project, video
from scene import facts
from servers.videos import VideosServer, videos_server
from servers.videos_rules import Flavour

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.probe import probe

CONFIG = """
[services.omni]
dialect = "videos"
url = "{url}"
{more}
"""


def configure(project: Project, server: VideosServer, more: str = "") -> None:
    project.configure(CONFIG.format(url=server.url, more=more))


@pytest.fixture
def server(project: Project) -> Iterator[VideosServer]:
    with videos_server() as one:
        configure(project, one)
        yield one


def edges(project: Project) -> str:
    """A PromptSpec with an edge control."""
    video(project.root / "shot" / "edge.mp4", "gradients", frames=13)
    spec = project.json("create-spec", "street", "rain on a red street",
                        "--control-inputs", "edge:shot/edge.mp4")  # fmt: skip
    return str(spec[-1]["id"])


def made(project: Project, prompt: str, *args: str, engine: str = "vllm_omni") -> str:
    run = project.json(
        "create-run", prompt, "--engine", engine, "--option", "resolution=256", *args
    )
    return str(run[-1]["id"])


def home(project: Project, run: str) -> tuple[RunFolder, dict[str, Any]]:
    """The run that succeeded, and what the server was asked for its video."""
    folder = project.run(run)
    found = folder.run()
    assert found.status is ExecutionStatus.SUCCESS, found.message
    result = folder.path / found.outputs[0].path
    assert sha256_file(result) == found.outputs[0].sha256
    return folder, dict(facts(result))


def test_one_control_is_uploaded_and_the_right_video_comes_home(
    project: Project, server: VideosServer
) -> None:
    run = made(project, edges(project), "--seed", "7", "--guidance", "4.5")
    project.cosmos("run", run, "--target", "omni")
    folder, asked = home(project, run)
    assert probe(folder.path / folder.run().outputs[0].path).frames == 13
    assert asked["prompt"] == "rain on a red street"
    assert (asked["seed"], asked["guidance_scale"], asked["control_type"]) == (7, 4.5, "edge")
    assert asked["control_reference"] == sha256_file(project.root / "shot" / "edge.mp4")
    extra = asked["extra_params"]
    assert asked["num_frames"] == extra["max_frames"] == extra["num_video_frames_per_chunk"] == 13
    assert extra["edge"] == {"preset_edge_threshold": "medium"}
    assert ("GET", "/openapi.json") in server.requests
    shown = project.json("show", folder.id)[-1]
    assert shown["execution_status"] == "SUCCESS"
