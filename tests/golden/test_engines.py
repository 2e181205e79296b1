"""Each engine's plan as text: a change of what is sent to a model is seen, and meant.

``UPDATE_GOLDEN=1 pytest tests/golden/test_engines.py`` writes the files anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.upscale import Upscale
from cosmos_workflow.execution.job import CommandJob
from tests.engine_samples import as_text, prompt_spec, request, smaller
from tests.golden import (
    cases_batches,
    cases_cosmos3,
    cases_enhance,
    cases_hosted,
    cases_nim,
    cases_transfer25,
    cases_videos,
)

HERE = Path(__file__).parent / "engines"
T1, UP = Transfer1(), Upscale()
FOUR = ("depth", "seg", "edge", "vis")

CASES: dict[str, Callable[[], RunRequest]] = {
    "transfer1_depth": lambda: request(T1, prompt_spec(controls=["depth"])),
    "transfer1_four_controls": lambda: request(
        T1,
        prompt_spec(negative="cartoon, low quality", controls=FOUR),
        weights={"vis": 0.3, "edge": 0.4, "depth": 0.2, "segmentation": 0.1},
        parameters={"seed": 7, "num_steps": 20, "guidance": 5.5, "fps": 30},
    ),
    "transfer1_zero_beside_map": lambda: request(
        T1,
        prompt_spec(controls=FOUR),
        weights={"vis": 0.0, "edge": 0.5, "depth": "maps/depth.pt"},
    ),
    "transfer1_canny": lambda: request(
        T1,
        prompt_spec(),
        weights={"edge": 1.0},
        parameters={"canny_threshold": "high"},
    ),
    "transfer1_auto": lambda: request(
        T1,
        prompt_spec(),
        weights={"seg": 0.6, "depth": 0.2, "vis": 0.2, "keypoint": 0.1},
        parameters={"blur_strength": "very_high"},
        options={
            "auto": "seg,depth,vis,keypoint",
            "input_control_prompt": "car . road",
            "control_weight_prompt": "car",
        },
    ),
    "transfer1_distilled": lambda: request(
        T1, prompt_spec(controls=["edge"]), options={"use_distilled": "true"}
    ),
    "transfer1_driving": lambda: request(
        T1,
        prompt_spec(controls=["hdmap", "lidar"]),
        weights={"hdmap": 0.3, "lidar": 0.7},
        options={"is_av_sample": True},
    ),
    "transfer1_from_noise": lambda: request(
        T1, prompt_spec(video=False, controls=["depth"]), parameters={"sigma_max": 80.0}
    ),
    "transfer1_regions": lambda: request(
        T1,
        prompt_spec(controls=["depth"]),
        options={
            "regional_prompts": '[{"prompt": "red car", "box": [0, 0, 0.5, 1]},'
            ' {"prompt": "neon sign", "mask_prompt": "sign"},'
            ' {"prompt": "wet road", "path": "masks/road.mp4"}]'
        },
        media={"color": smaller(width=1920, height=1080), "road": smaller(width=640, height=352)},
    ),
    "transfer1_upsampled_on_four_gpus": lambda: request(
        T1,
        prompt_spec(controls=["vis"]),
        gpus=4,
        cuda_devices="0,1,2,3",
        options={
            "upsample_prompt": True,
            "offload_diffusion_transformer": True,
            "offload_prompt_upsampler": True,
            "save_input_noise": True,
        },
    ),
    "transfer1_odd_coding": lambda: request(
        T1,
        prompt_spec(controls=["depth", "edge"]),
        media={
            "color": smaller(codec="prores", pix_fmt="yuv422p10le", fps=23.976),
            "depth": smaller(pix_fmt="yuvj420p", full_range=True),
            "edge": smaller(width=1281, height=705),
        },
    ),
    "transfer1_hostile_words": lambda: request(
        T1,
        prompt_spec("--seed", negative='$(rm -rf /); "quoted"\n--prompt 夜', controls=["depth"]),
    ),
    "upscale": lambda: request(UP, prompt_spec()),
    "upscale_portrait_hd": lambda: request(
        UP,
        prompt_spec(negative="noise"),
        media={"color": smaller(width=1080, height=1920, fps=29.97, frames=300)},
        parameters={"num_steps": 12, "fps": 25},
        options={"upscale_weight": "0.5"},
    ),
    **cases_nim.CASES,
    **cases_transfer25.CASES,
    **cases_cosmos3.CASES,
    **cases_enhance.CASES,
    **cases_hosted.CASES,
    **cases_videos.CASES,
}


BATCHES: dict[str, Callable[[], list[RunRequest]]] = {
    f"{name}_batch": partial(cases_batches.batch, name) for name in cases_batches.ENGINES
}


@pytest.mark.parametrize("name", CASES)
def test_plan(name: str) -> None:
    asked = CASES[name]()
    engine = ENGINES.load(asked.run.engine)()
    text = as_text(engine.plan([asked])) + "".join(f"fact     {f}\n" for f in engine.facts(asked))
    is_as_before(name, text)


@pytest.mark.parametrize("name", BATCHES)
def test_plan_of_a_batch(name: str) -> None:
    asked = BATCHES[name]()
    job = ENGINES.load(asked[0].run.engine)().plan(asked)
    assert isinstance(job, CommandJob)
    proofs = [f"proof    {path} {sha[:12]}" for one in job.proofs.values()
              for path, sha in one.items()]  # fmt: skip
    is_as_before(name, as_text(job) + "".join(f"{line}\n" for line in proofs))


def is_as_before(name: str, text: str) -> None:
    golden = HERE / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == {*CASES, *BATCHES}
