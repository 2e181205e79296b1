"""Golden plans of the hosted services: Replicate's models, Luma."""

from __future__ import annotations

from collections.abc import Callable

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.luma import Luma
from cosmos_workflow.engines.replicate import Replicate
from tests.engine_samples import prompt_spec, request, smaller

R, L = Replicate(), Luma()

CASES: dict[str, Callable[[], RunRequest]] = {
    "replicate_words_alone": lambda: request(R, prompt_spec(negative="blurry", video=False)),
    "replicate_first_frame": lambda: request(
        R,
        prompt_spec(),
        parameters={"seed": 7, "num_steps": 30, "guidance": 4.5},
        options={"model": "cogvideox_i2v", "still": "12", "frames": "25"},
    ),
    "replicate_picture": lambda: request(
        R, prompt_spec(video=False), options={"model": "wan_i2v", "image": "first.jpg"},
        media={"first": smaller(frames=1)},
    ),
    "replicate_further_inputs": lambda: request(
        R,
        prompt_spec(video=False),
        parameters={"fps": 24},
        options={"model": "wan_t2v", "inputs": '{"aspect_ratio": "9:16"}', "wait": "20"},
    ),
    "luma": lambda: request(
        L, prompt_spec(controls=["depth"]), options={"loop": "true", "last": "https://x/y.png"}
    ),
}  # fmt: skip
