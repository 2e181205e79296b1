"""Transfer1: what it sends against the model's own argparse, and every trap as an error."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import pytest

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer1_media import chunks, shape
from cosmos_workflow.engines.upscale import Upscale
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import CommandJob, Derived
from cosmos_workflow.prompts.enums import Modality
from tests.engine_samples import PLAIN, prompt_spec, request, smaller

ENGINE = Transfer1()
FOUR = ("depth", "seg", "edge", "vis")
ROOM = {"offload_diffusion_transformer": True, "offload_prompt_upsampler": True}


def asked(controls: tuple[str, ...] = ("depth",), **kwargs: Any) -> RunRequest:
    video = kwargs.pop("video", True)
    return request(ENGINE, prompt_spec(video=video, controls=controls), **kwargs)


def refused(controls: tuple[str, ...] = ("depth",), **kwargs: Any) -> SpecError:
    with pytest.raises(SpecError) as error:
        ENGINE.plan([asked(controls, **kwargs)])
    assert error.value.hint
    return error.value


def spec(job: CommandJob) -> Mapping[str, Any]:
    (found,) = [file.json for file in job.files if file.path == "spec.json"]
    return found  # type: ignore[no-any-return]


# -- the model's argparse -------------------------------------------------------------------------

PRESETS = ["very_low", "low", "medium", "high", "very_high"]
TYPED: dict[str, dict[str, Any]] = {
    "prompt": {"type": str},
    "negative_prompt": {"type": str},
    "input_video_path": {"type": str, "default": ""},
    "num_input_frames": {"type": int, "default": 1, "choices": [1]},
    "sigma_max": {"type": float, "default": 70.0},
    "blur_strength": {"type": str, "default": "medium", "choices": PRESETS},
    "canny_threshold": {"type": str, "default": "medium", "choices": PRESETS},
    "controlnet_specs": {"type": str, "required": True},
    "checkpoint_dir": {"type": str, "default": "checkpoints"},
    "tokenizer_dir": {"type": str},
    "video_save_name": {"type": str, "default": "output"},
    "video_save_folder": {"type": str, "default": "outputs/"},
    "batch_input_path": {"type": str},
    "batch_size": {"type": int, "default": 1},
    "num_steps": {"type": int, "default": 35},
    "guidance": {"type": float, "default": 5},
    "fps": {"type": int, "default": 24},
    "seed": {"type": int, "default": 1},
    "num_gpus": {"type": int, "default": 1},
}
SWITCHES = (
    "is_av_sample",
    "offload_diffusion_transformer",
    "offload_text_encoder_model",
    "offload_guardrail_models",
    "offload_prompt_upsampler",
    "upsample_prompt",
    "use_distilled",
    "save_input_noise",
    "benchmark",
)


def model_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for name, how in TYPED.items():
        parser.add_argument(f"--{name}", **how)
    for name in SWITCHES:
        parser.add_argument(f"--{name}", action="store_true")
    return parser


def flags_of(job: CommandJob) -> list[str]:
    return [str(arg) for arg in job.argv[2:]]


VARIANTS: list[dict[str, Any]] = [
    {},
    {"controls": FOUR, "parameters": {"seed": 2**32 - 1, "guidance": 0.1, "blur_strength": "low"}},
    {"controls": ("edge",), "options": {"use_distilled": True}},
    {"controls": ("hdmap",), "options": {"is_av_sample": True}, "gpus": 8},
    {"controls": ("vis",), "options": {"upsample_prompt": True, **ROOM, "save_input_noise": True}},
    {
        "options": {
            "offload_text_encoder_model": "false",
            "offload_guardrail_models": "no",
            "offload_diffusion_transformer": "1",
        }
    },
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_flag_is_the_models(variant: dict[str, Any]) -> None:
    one = asked(**variant)
    words = flags_of(ENGINE.plan([one]))
    read = vars(model_parser().parse_args(words))
    assert not any("=" in word for word in words if word.startswith("--"))
    parameters = one.run.parameters.model_dump(mode="json")
    for name, value in parameters.items():
        assert read[name] == value
        assert f"--{name}" in words, "said explicitly, as two tokens"
    options = ENGINE.Options.model_validate(one.run.options)
    for name in SWITCHES:
        assert read[name] is getattr(options, name, False)
    assert read["num_gpus"] == one.gpus


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_said_twice(variant: dict[str, Any]) -> None:
    """A key of the spec loses to its flag, and wins over a flag that is not there."""
    job = ENGINE.plan([asked(**variant)])
    words = set(flags_of(job))
    hints = {"depth", "seg", "edge", "vis", "keypoint", "hdmap", "lidar"}
    for key in set(spec(job)) - hints:
        assert f"--{key}" not in words
        assert key in TYPED or key == "regional_prompts"


def test_the_upscalers_flags_are_the_models_too() -> None:
    upscale = Upscale()
    words = flags_of(upscale.plan([request(upscale, prompt_spec())]))
    read = model_parser().parse_args(words)
    assert (read.num_steps, read.fps) == (10, 24)


# -- the control spec -----------------------------------------------------------------------------


def test_weights_are_floats_even_where_whole() -> None:
    written = spec(ENGINE.plan([asked(weights={"depth": 1.0})]))
    assert type(written["depth"]["control_weight"]) is float


def test_an_empty_negative_prompt_is_left_to_the_model() -> None:
    prompt = prompt_spec(negative="  ", controls=["depth"])
    assert "negative_prompt" not in spec(ENGINE.plan([request(ENGINE, prompt)]))


def test_an_edge_control_of_the_shot_is_used_as_it_is() -> None:
    job = ENGINE.plan([asked(("edge",))])
    assert not any(isinstance(item.source, Derived) for item in job.inputs)


@pytest.mark.parametrize("asked_for", [{}, {"auto": "edge"}])
def test_edges_are_drawn_here_never_by_the_model(asked_for: dict[str, Any]) -> None:
    controls = ("edge",) if asked_for else ()
    one = asked(
        controls,
        weights={"edge": 1.0},
        options=asked_for,
        parameters={"canny_threshold": "very_low"},
    )
    job = ENGINE.plan([one])
    (drawn,) = [item for item in job.inputs if item.key == "edge"]
    assert isinstance(drawn.source, Derived)
    assert drawn.source.recipe == "canny"
    assert drawn.source.settings == {"low": 20, "high": 50}
    assert drawn.source.source == one.input_video
    assert "input_control" in spec(job)["edge"]


def test_a_control_of_weight_zero_is_left_out() -> None:
    job = ENGINE.plan([asked(FOUR, weights={"depth": 0.0, "vis": "maps/vis.pt", "seg": 0})])
    assert set(spec(job)) == {"prompt", "input_video_path", "vis"}
    assert {item.key for item in job.inputs} == {"color", "vis", "vis_weight"}


def test_every_input_may_be_plain() -> None:
    one = asked(("depth",), media={"depth": smaller(pix_fmt="yuv444p")})
    (depth,) = [item for item in ENGINE.plan([one]).inputs if item.key == "depth"]
    assert isinstance(depth.source, Derived)
    assert depth.source.settings == {"width": 1280, "height": 704, "fps": 24.0, "frames": 121}


# -- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "comes_out"),
    [
        ((1920, 1080), (1280, 704)),
        ((2048, 858), (1280, 704)),
        ((640, 480), (960, 704)),
        ((1000, 1000), (960, 960)),
        ((720, 960), (704, 960)),
        ((1080, 1920), (704, 1280)),
    ],
)
def test_shape(size: tuple[int, int], comes_out: tuple[int, int]) -> None:
    assert shape(smaller(width=size[0], height=size[1])) == comes_out


@pytest.mark.parametrize(
    ("frames", "number"), [(1, 1), (48, 1), (121, 1), (122, 2), (241, 2), (242, 3)]
)
def test_chunks(frames: int, number: int) -> None:
    assert chunks(frames) == number


# -- traps ----------------------------------------------------------------------------------------


def test_frame_counts_are_compared() -> None:
    error = refused(("depth", "vis"), media={"depth": smaller(frames=120)})
    assert "different numbers of frames" in error.message
    assert "depth control: 120 frames  /shots/street/depth.mp4" in error.hint
    assert "input video: 121 frames" in error.hint


def test_only_what_is_read_is_compared() -> None:
    one = asked(("depth", "vis"), weights={"vis": 0.5}, media={"depth": smaller(frames=7)})
    ENGINE.plan([one])


def test_too_many_frames() -> None:
    long = smaller(frames=5001)
    assert "5001 frames" in refused(media={"color": long, "depth": long}).message


def test_aspect_ratios_are_compared() -> None:
    error = refused(media={"depth": smaller(width=960, height=960)})
    assert "different aspect ratios" in error.message
    assert "960x960" in error.hint


@pytest.mark.parametrize("gpus", [0, 3, 5])
def test_gpu_counts(gpus: int) -> None:
    assert f"--num-gpu {gpus}" in refused(gpus=gpus).message


def test_too_few_devices() -> None:
    assert "that names 1" in refused(gpus=2, cuda_devices="3").message


def test_runs_that_differ_in_more_than_a_line_says_do_not_share_a_job() -> None:
    with pytest.raises(SpecError, match="cannot share a job"):
        ENGINE.plan([asked(), asked(parameters={"seed": 2})])
    with pytest.raises(SpecError, match="1 to 64 runs"):
        ENGINE.plan([])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no control": ({"controls": ()}, "at least one control"),
    "all weights zero": ({"weights": {"depth": 0.0}}, "at least one control"),
    "a weight above one": ({"weights": {"depth": 1.2}}, "out of range"),
    "a weight without a control": ({"weights": {"vis": 0.5}}, "has no vis control"),
    "auto without a weight": ({"options": {"auto": "vis"}}, "vis has no weight"),
    "auto lidar": (
        {"controls": ("lidar",), "options": {"auto": "lidar", "is_av_sample": True}},
        "cannot be made",
    ),
    "auto without a video": (
        {
            "controls": (),
            "video": False,
            "weights": {"depth": 1.0},
            "options": {"auto": "depth"},
            "parameters": {"sigma_max": 80.0},
        },
        "there is none",
    ),
    "edges without a video": (
        {
            "controls": (),
            "video": False,
            "weights": {"edge": 1.0},
            "parameters": {"sigma_max": 80.0},
        },
        "there is none",
    ),
    "hdmap without its model": ({"controls": ("hdmap",)}, "needs the driving model"),
    "depth with the driving model": ({"options": {"is_av_sample": True}}, "has no depth control"),
    "driving below 80": (
        {
            "controls": ("lidar",),
            "options": {"is_av_sample": True},
            "parameters": {"sigma_max": 70.0},
        },
        "starts from pure noise",
    ),
    "driving and distilled": (
        {"controls": ("lidar",), "options": {"is_av_sample": True, "use_distilled": True}},
        "different models",
    ),
    "distilled depth": ({"options": {"use_distilled": True}}, "edge with weight 1.0"),
    "distilled at half weight": (
        {"controls": ("edge",), "weights": {"edge": 0.5}, "options": {"use_distilled": True}},
        "edge with weight 1.0",
    ),
    "distilled with two": (
        {"controls": ("edge", "vis"), "options": {"use_distilled": True}},
        "edge with weight 1.0",
    ),
    "distilled in 35 steps": (
        {
            "controls": ("edge",),
            "options": {"use_distilled": True},
            "parameters": {"num_steps": 35},
        },
        "always takes 1 step",
    ),
    "distilled noise": (
        {"controls": ("edge",), "options": {"use_distilled": True, "save_input_noise": True}},
        "save_input_noise",
    ),
    "distilled regions": (
        {
            "controls": ("edge",),
            "options": {
                "use_distilled": True,
                "regional_prompts": [{"prompt": "x", "box": [0, 0, 1, 1]}],
            },
        },
        "regional_prompts",
    ),
    "noise with a video": ({"parameters": {"sigma_max": 80.0}}, "ignores the input video"),
    "no video below 80": ({"video": False}, "no input video"),
    "ignore_input below 80": (
        {"options": {"ignore_input": True}, "parameters": {"sigma_max": 60.0}},
        "starts from pure noise",
    ),
    "what to segment, without segmenting": (
        {"options": {"input_control_prompt": "car"}},
        "only where the model segments",
    ),
    "a mask from words for depth": (
        {"options": {"control_weight_prompt": {"depth": "car"}}},
        "for depth: the model ignores it",
    ),
    "a mask from words beside a map": (
        {
            "controls": ("seg",),
            "weights": {"seg": "maps/seg.pt"},
            "options": {"control_weight_prompt": "car"},
        },
        "needs a number",
    ),
    "upsampling beside a loaded model": (
        {"options": {"upsample_prompt": True}},
        "nearly all of a GPU's memory",
    ),
    "upsampling without anything to look at": (
        {"controls": ("keypoint",), "options": {"upsample_prompt": True, **ROOM}},
        "looks at a vis, edge",
    ),
    "upsampling on depth made there": (
        {"options": {"upsample_prompt": True, "auto": "depth", **ROOM}},
        "videos of their own",
    ),
    "regions in a short shot": (
        {
            "options": {"regional_prompts": [{"prompt": "x", "mask_prompt": "y"}]},
            "media": {"color": smaller(frames=48), "depth": smaller(frames=48)},
        },
        "121 frames or more",
    ),
    "regions in a square": (
        {
            "options": {"regional_prompts": [{"prompt": "x", "mask_prompt": "y"}]},
            "media": {
                "color": smaller(width=960, height=960),
                "depth": smaller(width=960, height=960),
            },
        },
        "16:9 only",
    ),
    "a short region mask": (
        {
            "options": {"regional_prompts": [{"prompt": "x", "path": "masks/m.mp4"}]},
            "media": {"m": smaller(frames=48)},
        },
        "48 frames",
    ),
    "a region that is nowhere": (
        {"options": {"regional_prompts": [{"prompt": "x"}]}},
        "exactly one of",
    ),
    "a region that is twice": (
        {"options": {"regional_prompts": [{"prompt": "x", "box": [0, 0, 1, 1], "path": "m.mp4"}]}},
        "exactly one of",
    ),
    "a box inside out": (
        {"options": {"regional_prompts": [{"prompt": "x", "box": [1, 0, 0, 1]}]}},
        "left < right",
    ),
    "a box in pixels": (
        {"options": {"regional_prompts": [{"prompt": "x", "box": [0, 0, 640, 352]}]}},
        "less than or equal to 1",
    ),
    "a modality that is none": ({"options": {"auto": "dpeth"}}, "--option auto"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    kwargs, said = REFUSED[name]
    assert said in refused(**kwargs).message


def test_ignoring_the_input_on_purpose() -> None:
    job = ENGINE.plan([asked(options={"ignore_input": True})])
    assert "input_video_path" not in spec(job)
    assert "80.0" in flags_of(job)
    assert {item.key for item in job.inputs} == {"depth"}


def test_ignoring_the_input_that_feeds_a_control() -> None:
    one = asked((), weights={"depth": 1.0}, options={"ignore_input": True, "auto": "depth"})
    assert "input_video_path" in spec(ENGINE.plan([one]))


# -- needs ----------------------------------------------------------------------------------------


def test_needs_name_the_files_of_the_controls() -> None:
    one = asked(("depth", "seg"), weights={"depth": 0.5, "seg": 0.0})
    files = ENGINE.needs(one.run).checkpoints
    assert "nvidia/Cosmos-Transfer1-7B/depth_control.pt" in files
    assert "nvidia/Cosmos-Transfer1-7B/base_model.pt" in files
    assert not any("seg_control" in file for file in files)
    driving = asked(("lidar",), options={"is_av_sample": True})
    assert "nvidia/Cosmos-Transfer1-7B-Sample-AV/lidar_control.pt" in (
        ENGINE.needs(driving.run).checkpoints
    )
    distilled = asked(("edge",), options={"use_distilled": True})
    assert "nvidia/Cosmos-Transfer1-7B/edge_control_distilled.pt" in (
        ENGINE.needs(distilled.run).checkpoints
    )


def test_an_80_gb_card_is_enough() -> None:
    shown_by_an_h100 = 81559 / 1024
    assert ENGINE.needs().gpu_memory_gib < shown_by_an_h100


def key(one: RunRequest) -> str:
    settled = settle(ENGINE, one.run, one.prompt)
    return ENGINE.batch_key(settled, one.prompt)


def test_batch_key_holds_what_a_batch_shares() -> None:
    shared = key(asked(FOUR))
    assert shared == key(asked(FOUR, weights=dict.fromkeys(FOUR, 0.1)))
    assert shared == key(request(ENGINE, prompt_spec("other words", controls=FOUR)))
    assert shared != key(asked(("depth",)))
    assert shared != key(asked(FOUR, parameters={"seed": 2}))
    assert shared != key(request(ENGINE, prompt_spec(negative="no rain", controls=FOUR)))
    assert shared != key(asked(FOUR, options={"offload_guardrail_models": "false"}))


def test_weights_without_a_number_share_one() -> None:
    assert asked(FOUR).run.control_weights[Modality.DEPTH] == 0.25


def test_plain_media_is_plain() -> None:
    assert PLAIN.plain
