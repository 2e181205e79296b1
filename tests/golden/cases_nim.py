"""The NIMs' cases for the golden plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.nim import Nim
from cosmos_workflow.execution.facts import ServiceFacts
from tests.engine_samples import prompt_spec, request, smaller

NIM = Nim()


def of(model: str, asked: RunRequest) -> RunRequest:
    """The request, where the service has said which model it has."""
    return replace(asked, service=ServiceFacts(True, "ready", models=(model,)))


CASES: dict[str, Callable[[], RunRequest]] = {
    "nim_predict1_words": lambda: of(
        "cosmos-predict1-7b-text2world:hf-1a2b",
        request(
            NIM,
            prompt_spec(negative="cartoon", video=False),
            parameters={"seed": 7, "num_steps": 20, "guidance": 5.5, "fps": 30},
            options={"ratio": "9:16", "duration": "2.5", "prompt_upsampling": "false"},
        ),
    ),
    "nim_predict1_video": lambda: of(
        "cosmos-predict1-7b-video2world:hf-1a2b",
        request(NIM, prompt_spec(), media={"color": smaller(pix_fmt="yuvj420p", full_range=True)}),
    ),
    "nim_predict1_image_address": lambda: request(
        NIM,
        prompt_spec(),
        options={
            "model": "predict1",
            "image": "https://example.com/first.png",
            "size": "640x352",
            "timeout": "3600",
            "attempts": "2",
            "extras": '{"frames_per_second": 8}',
        },
    ),
    "nim_cosmos3_words": lambda: request(
        NIM, prompt_spec(video=False), options={"model": "cosmos3", "flow_shift": "10"}
    ),
    "nim_cosmos3_image": lambda: of(
        "cosmos3-generator:1.0.0",
        request(
            NIM,
            prompt_spec(video=False),
            options={"image": "stills/first.JPG", "resolution": "480", "ratio": "1:1"},
        ),
    ),
    "nim_transfer25_controls": lambda: of(
        "cosmos-transfer2.5-2b:1.2.0",
        request(
            NIM,
            prompt_spec(negative="cartoon", controls=["depth", "seg", "vis"]),
            weights={"depth": 0.5, "seg": 0.3, "edge": 0.2, "vis": 0.0},
            parameters={"sigma_max": 90.0, "guidance": 7.0},
            media={"color": smaller(codec="prores", pix_fmt="yuv422p10le", fps=23.976)},
        ),
    ),
}
