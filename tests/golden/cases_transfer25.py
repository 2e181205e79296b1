"""Transfer2.5's cases for the golden plans."""

from __future__ import annotations

from collections.abc import Callable

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer25 import Transfer25
from tests.engine_samples import prompt_spec, request, smaller

T25 = Transfer25()
FOUR = ("depth", "seg", "edge", "vis")

CASES: dict[str, Callable[[], RunRequest]] = {
    "transfer25_edge": lambda: request(T25, prompt_spec(), weights={"edge": 1.0}),
    "transfer25_four_controls": lambda: request(
        T25,
        prompt_spec(negative="cartoon, low quality", controls=FOUR),
        weights={"vis": 0.3, "edge": 0.4, "depth": 0.9, "segmentation": 0.1},
        parameters={"seed": 7, "num_steps": 20, "guidance": 5.0, "sigma_max": 120.5},
    ),
    "transfer25_made_by_the_model": lambda: request(
        T25,
        prompt_spec(),
        weights={"edge": 0.5, "vis": 0.5, "depth": 0.2, "seg": 0.0},
        parameters={"canny_threshold": "high", "blur_strength": "very_low"},
        options={"auto": "vis,depth"},
    ),
    "transfer25_masks_and_style": lambda: request(
        T25,
        prompt_spec(controls=["depth", "seg"]),
        weights={"depth": 0.6, "seg": 0.4},
        options={
            "mask_path": "depth=masks/road.mp4",
            "mask_prompt": '{"seg": "car, building"}',
            "image_context_path": "style/dusk.JPG",
            "guided_generation_mask": "masks/people.npz",
            "guided_generation_foreground_labels": "[1, 3]",
            "control_prompt": "",
        },
        media={"road": smaller(pix_fmt="yuv444p")},
    ),
    "transfer25_distilled": lambda: request(
        T25,
        prompt_spec(controls=["edge"]),
        options={"use_distilled": "true"},
        media={"color": smaller(frames=93), "edge": smaller(frames=93)},
    ),
    "transfer25_four_gpus": lambda: request(
        T25,
        prompt_spec(controls=["vis"]),
        gpus=4,
        cuda_devices="0,1,2,3",
        options={"enable_parallel_tokenizer": True, "resolution": "480p"},
        media={
            "color": smaller(width=1080, height=1920, fps=23.976, frames=300),
            "vis": smaller(width=540, height=960, frames=301),
        },
    ),
    "transfer25_own_weights": lambda: request(
        T25,
        prompt_spec(controls=["edge"]),
        options={"checkpoint_path": "mine/model.pt", "experiment": "my_exp", "max_frames": "1"},
    ),
    "transfer25_hostile_words": lambda: request(
        T25,
        prompt_spec("--seed", negative='$(rm -rf /); "quoted"\n--prompt 夜', controls=["depth"]),
    ),
}
