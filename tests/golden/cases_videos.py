"""Requests of Cosmos 3 behind the videos API: each way of asking, and its traps."""

from __future__ import annotations

import json
from collections.abc import Callable

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.sglang import Sglang
from cosmos_workflow.engines.vllm_omni import VllmOmni
from tests.engine_samples import prompt_spec, request, smaller

OMNI, SGLANG = VllmOmni(), Sglang()
CAPTION = json.dumps({"scene": "a wet street", "lighting": "neon"})

CASES: dict[str, Callable[[], RunRequest]] = {
    "vllm_omni_one_control": lambda: request(
        OMNI,
        prompt_spec(negative="cartoon", controls=["depth"]),
        parameters={"seed": 7, "num_steps": 20, "guidance": 4.5},
    ),
    "vllm_omni_equal_controls": lambda: request(
        OMNI,
        prompt_spec(CAPTION, controls=["depth", "seg", "hdmap"]),
        weights={"depth": 0.4, "seg": 0.4, "hdmap": 0.4},
    ),
    "vllm_omni_weighted_controls": lambda: request(
        OMNI,
        prompt_spec(controls=["depth", "edge"]),
        weights={"depth": 0.3, "edge": 0.6},
        parameters={"canny_threshold": "high"},
        options={"control_guidance": 1.2, "model": "nvidia/Cosmos3-Super"},
    ),
    "vllm_omni_made_by_the_server": lambda: request(
        OMNI,
        prompt_spec(),
        weights={"edge": 1.0, "vis": 1.0, "depth": 0.0},
        parameters={"blur_strength": "low"},
        media={"color": smaller(fps=23.976, frames=120, width=1920, height=1080)},
    ),
    "vllm_omni_one_by_path": lambda: request(
        OMNI, prompt_spec(controls=["seg"]), options={"controls": "path", "frames": "61"}
    ),
    "vllm_omni_long_map": lambda: request(
        OMNI,
        prompt_spec(controls=["hdmap"]),
        media={
            "color": smaller(frames=480),
            "hdmap": smaller(frames=480, codec="prores", pix_fmt="yuv422p10le"),
        },
        parameters={"fps": 10},
    ),
    "vllm_omni_words_alone": lambda: request(
        OMNI, prompt_spec(CAPTION, video=False), options={"aspect_ratio": "9:16"}
    ),
    "vllm_omni_goes_on": lambda: request(
        OMNI,
        prompt_spec("--seed"),
        options={"keep": "last", "guardrails": "false", "resolution": "480"},
        media={"color": smaller(fps=29.97, frames=1000)},
    ),
    "sglang_goes_on": lambda: request(SGLANG, prompt_spec(controls=["depth"])),
    "sglang_words_alone": lambda: request(
        SGLANG, prompt_spec(video=False, negative='$(id); "x"'), options={"frames": 25}
    ),
}
