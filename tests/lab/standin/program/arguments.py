"""The flags of the transfer program, and how its control spec wins or loses against them."""

import argparse
import json
import logging
import math
import sys
from pathlib import Path
from typing import Any

HINTS = ("vis", "seg", "edge", "depth", "keypoint", "upscale", "hdmap", "lidar")
PRESETS = ["very_low", "low", "medium", "high", "very_high"]
CHECKPOINT = {
    **{hint: f"nvidia/Cosmos-Transfer1-7B/{hint}_control.pt" for hint in HINTS},
    "upscale": "nvidia/Cosmos-Transfer1-7B/4kupscaler_control.pt",
    "hdmap": "nvidia/Cosmos-Transfer1-7B-Sample-AV/hdmap_control.pt",
    "lidar": "nvidia/Cosmos-Transfer1-7B-Sample-AV/lidar_control.pt",
}
DISTILLED = {"edge": "nvidia/Cosmos-Transfer1-7B/edge_control_distilled.pt"}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Control to world generation, stand-in")
    add = parser.add_argument
    add("--prompt", type=str, default="The video captures a stunning, photorealistic scene")
    add("--negative_prompt", type=str, default="The video captures a game playing")
    add("--input_video_path", type=str, default="")
    add("--num_input_frames", type=int, default=1, choices=[1])
    add("--sigma_max", type=float, default=70.0)
    add("--blur_strength", type=str, default="medium", choices=PRESETS)
    add("--canny_threshold", type=str, default="medium", choices=PRESETS)
    add("--controlnet_specs", type=load_spec, required=True)
    add("--is_av_sample", action="store_true")
    add("--checkpoint_dir", type=str, default="checkpoints")
    add("--tokenizer_dir", type=str, default="Cosmos-Tokenize1-CV8x8x8-720p")
    add("--video_save_name", type=str, default="output")
    add("--video_save_folder", type=str, default="outputs/")
    add("--batch_input_path", type=str)
    add("--batch_size", type=int, default=1)
    add("--num_steps", type=int, default=35)
    add("--guidance", type=float, default=5)
    add("--fps", type=int, default=24)
    add("--seed", type=int, default=1)
    add("--num_gpus", type=int, default=1)
    for flag in (
        "offload_diffusion_transformer", "offload_text_encoder_model",
        "offload_guardrail_models", "offload_prompt_upsampler",
        "upsample_prompt", "use_distilled", "save_input_noise", "benchmark",
    ):  # fmt: skip
        add(f"--{flag}", action="store_true")
    return parser


def load_spec(path: str) -> dict[str, Any]:
    """As argparse's ``type``: an unreadable file or bad JSON ends with usage and exit code 2."""
    try:
        loaded = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    assert isinstance(loaded, dict)
    return loaded


def effective(argv: list[str]) -> tuple[argparse.Namespace, dict[str, dict[str, Any]]]:
    """Settings and hints.  A key of the spec wins unless its flag is literally in ``sys.argv``."""
    settings = parser().parse_args(argv)
    hints = {}
    for key, value in settings.controlnet_specs.items():
        if key in HINTS:
            hints[key] = dict(value)
        elif isinstance(value, dict):
            raise ValueError(f"Invalid hint_key: {key}. Must be one of {set(HINTS)}")
        elif f"--{key}" not in sys.argv:
            setattr(settings, key, value)
    validate(settings, hints)
    return settings, hints


def validate(settings: argparse.Namespace, hints: dict[str, dict[str, Any]]) -> None:
    for hint, values in hints.items():
        if not settings.input_video_path and settings.sigma_max < 80:
            raise ValueError("Must have 'input_video' specified if sigma_max < 80")
        if not settings.input_video_path and "input_control" not in values:
            raise ValueError(
                f"{hint} controlnet must have 'input_control' video specified "
                "if no 'input_video' specified."
            )
        if settings.use_distilled and hint not in DISTILLED:
            raise ValueError(f"No default distilled checkpoint for {hint}.")
        if "control_weight" not in values:
            logging.warning("No control weight specified for %s. Setting to 0.5.", hint)
            values["control_weight"] = "0.5"
        if not good_weight(values["control_weight"]):
            raise ValueError(
                f"Control weight for {hint} must be a valid non-negative float "
                "or a path to a .pt file."
            )
    if settings.use_distilled:
        assert not settings.is_av_sample, "distilled: not with --is_av_sample"
        assert not settings.save_input_noise, "distilled: not with --save_input_noise"


def good_weight(weight: Any) -> bool:
    try:
        number = float(weight)
    except (TypeError, ValueError):
        return str(weight).endswith(".pt")
    return number >= 0 or math.isnan(number)
