"""Replicate as an engine: what becomes of wishes, and of every way in which a prediction ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.config.settings import ModelSettings, Settings
from cosmos_workflow.engines.luma import Luma
from cosmos_workflow.engines.replicate import Replicate
from cosmos_workflow.engines.replicate_models import MODELS
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, RemoteFile, Succeeded
from cosmos_workflow.execution.job import Attached, Derived
from tests.engine_samples import prompt_spec, request, smaller

ENGINE = Replicate()
VIDEO = (RemoteFile("outputs/output.mp4", 0, ""),)


def log(**told: Any) -> list[str]:
    return ["some words", f"answer: {json.dumps(told)}"]


def verdict(ended: JobEnded, **told: Any) -> Any:
    return ENGINE.verdict("rs_00000000.1", ended, log(**told))


# -- wishes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "run", "said"),
    [
        ({}, {"options": {"model": "ltxx"}}, "no such model"),
        ({}, {"options": {"model": "wan_t2v", "still": 0}}, "begins with no picture"),
        ({}, {"options": {"still": 0, "image": "a.png"}}, "both give the first frame"),
        ({}, {"options": {"image": "a.mp4"}}, "no picture by its ending"),
        ({}, {"options": {"frames": 100}}, "makes 8n"),
        ({}, {"options": {"model": "cogvideox_t2v"}, "parameters": {"fps": 8}}, "has no fps"),
        ({"video": False}, {"options": {"still": 0}}, "has no input video"),
        ({"video": False}, {"options": {"model": "wan_i2v"}}, "needs a first frame"),
        ({"negative": "blurry"}, {"options": {"model": "wan_t2v"}}, "takes none"),
    ],
)
def test_wishes_that_cannot_be_kept(prompt: dict[str, Any], run: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said) as refused:
        request(ENGINE, prompt_spec(**prompt), **run)
    assert refused.value.hint


def test_a_frame_that_the_input_does_not_have() -> None:
    asked = request(ENGINE, prompt_spec(), options={"still": 200})
    with pytest.raises(SpecError, match="has 121 frames"):
        ENGINE.plan([asked])


def test_an_input_video_that_is_a_picture_is_the_first_frame() -> None:
    asked = request(ENGINE, prompt_spec(), options={"model": "wan_i2v"})
    (made,) = ENGINE.plan([asked]).inputs
    assert made.source == Derived("still", asked.input_video, {"frame": 0})  # type: ignore[arg-type]


def test_a_model_of_the_config() -> None:
    mine = ModelSettings(
        slug="me/flip", prompt="words", video="clip", deployment="me/fast", inputs={"seed": "s"}
    )
    engine = ENGINE.configured(Settings(root=Path(), models={"flip": mine}))
    odd = {"color": smaller(pix_fmt="yuv444p")}
    asked = request(engine, prompt_spec(), options={"model": "flip"}, media=odd)
    job = engine.plan([asked])
    assert job.route == "deployments/me/fast" and job.requires == ("models/me/flip",)
    clip = Attached("video", "url")
    assert job.body == {"input": {"words": "a wet street at night", "s": 1, "clip": clip}}
    assert isinstance(job.inputs[0].source, Derived), "coded as every decoder reads it"
    with pytest.raises(SpecError, match="works on a video"):
        request(engine, prompt_spec(video=False), options={"model": "flip"})
    assert set(engine.models) == {*MODELS, "flip"}


def test_what_a_person_adds_wins() -> None:
    wished = {"inputs": '{"guidance_scale": 2, "width": 960}'}
    asked = request(ENGINE, prompt_spec(), parameters={"guidance": 4.0}, options=wished)
    job = ENGINE.plan([asked])
    assert job.body["input"]["guidance_scale"] == 2 and job.body["input"]["width"] == 960
    assert job.parameters[asked.run_id]["guidance"] == 2


# -- how far, and how it ends ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        (" 25%|##5       | 5/20 [00:05<00:15,  1.0it/s]", 0.25),
        ("100%|██████████| 20/20 [00:20<00:00]", 1.0),
        ("0%|          | 0/20 [00:00<?, ?it/s]", 0.0),
    ],
)
def test_bars(line: str, fraction: float) -> None:
    found = ENGINE.progress(line)
    assert isinstance(found, Progress) and found.fraction == fraction


@pytest.mark.parametrize("line", ["", "Using seed: 25%", "50% done", "5%|#| 1/0 ["])
def test_no_bars(line: str) -> None:
    assert ENGINE.progress(line) is None


def test_a_video() -> None:
    assert isinstance(verdict(JobEnded(0, "exited", VIDEO), status="succeeded"), Succeeded)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({"status": "succeeded", "data_removed": True}, "expired"),
        ({"status": "succeeded"}, "no_output"),
    ],
)
def test_done_without_a_video(told: dict[str, Any], cause: str) -> None:
    found = verdict(JobEnded(0, "exited"), **told)
    assert isinstance(found, Failed) and found.cause == cause and found.hint


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({"status": "aborted"}, "timeout"),
        ({"status": "canceled", "by_deadline": True}, "timeout"),
        ({"status": "failed", "error": "CUDA out of memory."}, "out_of_memory"),
        ({"status": "failed", "error": "safetensors header is wrong"}, "engine"),
        ({"status": "failed", "error": None}, "engine"),
    ],
)
def test_failures(told: dict[str, Any], cause: str) -> None:
    found = verdict(JobEnded(1, "exited"), **told)
    assert isinstance(found, Failed) and found.cause == cause and found.message and found.hint


@pytest.mark.parametrize(
    "error",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. Please try again. (E005)",
        "Prompt not allowed because of moderation",
    ],
)
def test_refusals(error: str) -> None:
    found = verdict(JobEnded(1, "exited"), status="failed", error=error)
    assert isinstance(found, Blocked) and found.message == error and found.hint


def test_what_is_echoed() -> None:
    lines = log(model="lightricks/ltx-video-0.9.7", input={"seed": 3, "fps": 24, "width": 704})
    assert ENGINE.echoed(lines, {}) == {"seed": 3, "fps": 24}
    assert ENGINE.echoed(log(model="somebody/else", input={"seed": 3}), {}) == {}
    assert ENGINE.echoed(["cut"], {}) == {}


def test_luma_says_what_it_leaves_out() -> None:
    asked = request(Luma(), prompt_spec(negative="blurry", controls=["depth"]))
    (fact,) = Luma().facts(asked)
    assert "the input video, depth, the negative prompt" in fact
    with pytest.raises(SpecError):
        request(Luma(), prompt_spec(), options={"first": "shot/first.png"})
