"""Cosmos 3's cases for the golden plans."""

from __future__ import annotations

from collections.abc import Callable

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.engine import RunRequest
from tests.engine_samples import prompt_spec, request, smaller

C3 = Cosmos3()
CAPTION = '{"description": "a wet street",\n "camera": "rising — slowly"}'

CASES: dict[str, Callable[[], RunRequest]] = {
    "cosmos3_depth": lambda: request(C3, prompt_spec(controls=["depth"])),
    "cosmos3_several_controls": lambda: request(
        C3,
        prompt_spec(CAPTION, negative="cartoon", controls=["seg", "vis"]),
        weights={"seg": 2.0, "vis": 1.0, "edge": 1.0, "depth": 0.0},
        parameters={"seed": 7, "guidance": 2.5, "canny_threshold": "low"},
        options={"max_frames": 100, "num_video_frames_per_chunk": "50"},
        media={name: smaller(width=1080, height=1920) for name in ("color", "segmentation", "vis")},
    ),
    "cosmos3_driving": lambda: request(
        C3,
        prompt_spec(video=False, controls=["hdmap"]),
        parameters={"fps": 10},
        media={"hdmap": smaller(width=640, height=480, frames=150, fps=10.0)},
    ),
    "cosmos3_text": lambda: request(
        C3, prompt_spec(video=False), options={"num_frames": 100, "aspect_ratio": "1,1"}
    ),
    "cosmos3_image_on_edge": lambda: request(
        C3, prompt_spec(), options={"model": "edge", "image_path": "stills/dusk.PNG"}
    ),
    "cosmos3_video_on_super": lambda: request(
        C3,
        prompt_spec(controls=["depth"]),
        gpus=4,
        options={"model": "super", "mode": "video2video", "diffusion_cache": "false"},
        media={"color": smaller(fps=29.97, pix_fmt="yuvj420p")},
    ),
    "cosmos3_two_gpus": lambda: request(
        C3, prompt_spec(controls=["edge"]), gpus=2, options={"disable_guardrails": True}
    ),
}
