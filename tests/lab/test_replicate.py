"""Replicate, from the command line to a video that is home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from project import Project
from servers.replicate import TOKEN, Prediction, ReplicateServer, replicate_server
from servers.replicate_rules import LTX

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.probe import probe

CONFIG = """
[services.replicate]
dialect = "replicate"
url = "{url}"
{service}

[models.studio]
slug = "lightricks/ltx-video-0.9.7"
deployment = "studio/ltx"
inputs = {{ seed = "seed" }}
fixed = {{ num_frames = 9 }}

[models.flip]
slug = "me/flip"
prompt = "words"
video = "video"
"""
ENV = {"REPLICATE_API_TOKEN": TOKEN}


def configure(project: Project, server: ReplicateServer, service: str = "") -> None:
    project.configure(CONFIG.format(url=server.url, service=service))


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateServer]:
    """The service, configured, with its token in the environment."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    with replicate_server() as one:
        configure(project, one)
        yield one


def made(
    project: Project, model: str, *args: str, words: str = "a wet street", negative: str = ""
) -> str:
    """A small RunSpec."""
    more = ("--negative-prompt", negative) if negative else ()
    spec = project.json("create-spec", "street", words, "--input-video", "shot/color.mp4", *more)[
        -1
    ]["id"]
    frames = () if model in ("flip", "studio") else ("--option", "frames=9")
    return str(
        project.json(
            "create-run", spec, "--engine", "replicate", "--option", f"model={model}", *frames,
            *args,
        )[-1]["id"]
    )  # fmt: skip


def ran(project: Project, run: str, *args: str, code: int = 0) -> str:
    """What ``cosmos run`` says."""
    done = project.cosmos("run", run, "--target", "replicate", *args, code=code)
    return done.stdout + done.stderr


def home(project: Project, run: str, frames: int = 9) -> RunFolder:
    """The run that succeeded, its video whole and of that length."""
    folder = project.run(run)
    found = folder.run()
    assert found.status is ExecutionStatus.SUCCESS, found.message
    result = folder.path / found.outputs[0].path
    assert sha256_file(result) == found.outputs[0].sha256
    assert probe(result).frames == frames
    return folder


def asked(server: ReplicateServer) -> Prediction:
    """The one prediction that was made."""
    (one,) = server.predictions.values()
    return one


def test_words_become_a_video(project: Project, server: ReplicateServer) -> None:
    run = made(project, "ltx", "--seed", "7", "--steps", "20", negative="blurry")
    ran(project, run)
    folder, one = home(project, run), asked(server)
    assert one.body["version"] == f"lightricks/ltx-video-0.9.7:{LTX}"
    assert one.body["input"] == {
        "prompt": "a wet street", "negative_prompt": "blurry", "seed": 7,
        "num_inference_steps": 20, "guidance_scale": 3.0, "num_frames": 9, "fps": 24,
        "width": 704, "height": 480,
    }  # fmt: skip
    assert one.deadline is not None
    log = folder.log_file.read_text()
    assert log.count("| 4/4 [") == 1 and '"predict_time": 1.5' in log
    assert server.delivery.tokens == []
    assert TOKEN not in "".join(f.read_text() for f in folder.path.glob("*.json*"))
