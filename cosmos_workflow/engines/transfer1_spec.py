"""A Transfer1 run as the model wants it: the control spec, the flags, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosmos_workflow.engines import vocabulary
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer1_media import (
    CHUNK,
    Sources,
    check_media,
    chunks,
    shape,
    sources,
    thresholds,
    weight_of,
)
from cosmos_workflow.engines.transfer1_options import Region, in_use, options_of
from cosmos_workflow.execution.job import Arg, Place
from cosmos_workflow.prompts.enums import Modality

HINTS: Mapping[Modality, str] = {
    one: vocabulary.control("transfer1", one)
    for one in (
        Modality.DEPTH, Modality.SEGMENTATION, Modality.EDGE, Modality.VIS, Modality.KEYPOINT,
        Modality.LIDAR, Modality.HDMAP,
    )
}  # fmt: skip
"""The model's word for each control."""


def spec_json(request: RunRequest, files: Sources) -> dict[str, Any]:
    """The control spec.  Only what no flag says is in it, so that neither hides the other.

    An empty negative prompt is left out: the model then uses its own, and crashes on an empty one.
    """
    prompt, options = request.prompt, options_of(request.run)
    spec: dict[str, Any] = {"prompt": prompt.prompt}
    if prompt.negative_prompt.strip():
        spec["negative_prompt"] = prompt.negative_prompt
    if files.video:
        spec["input_video_path"] = Place("input", "color")
    if options.regional_prompts:
        spec["regional_prompts"] = [
            _region(number, region) for number, region in enumerate(options.regional_prompts)
        ]
    for control, path in files.controls.items():
        spec[HINTS[control]] = _control(request, control, made_there=path is None)
    return spec


def _control(request: RunRequest, control: Modality, *, made_there: bool) -> dict[str, Any]:
    options = options_of(request.run)
    weight = weight_of(request, control)
    # A float even where it is whole: the model scales masks from words by floats only.
    shown = Place("input", f"{control}_weight") if isinstance(weight, Path) else float(weight)
    said: dict[str, Any] = {"control_weight": shown}
    if not made_there:
        said["input_control"] = Place("input", str(control))
    elif control is Modality.SEGMENTATION and options.input_control_prompt:
        said["input_control_prompt"] = options.input_control_prompt
    if control in options.control_weight_prompt:
        said["control_weight_prompt"] = options.control_weight_prompt[control]
    return said


def _region(number: int, region: Region) -> dict[str, Any]:
    if region.mask_prompt:
        return {"prompt": region.prompt, "mask_prompt": region.mask_prompt}
    where = Place("input", f"region_{number}") if region.path else list(region.box or ())
    return {"prompt": region.prompt, "region_definitions_path": where}


def flags(request: RunRequest, switches: tuple[str, ...]) -> tuple[Arg, ...]:
    """Every flag as two tokens, because the model finds no others; switches stand alone.

    No text of a person is among them: a prompt that looks like a flag would be taken for one.
    """
    parameters = request.run.parameters
    said: dict[str, Arg] = {
        "controlnet_specs": Place("workspace", "spec.json"),
        "checkpoint_dir": Place("checkpoints"),
        "video_save_folder": Place("workspace", "outputs"),
        "video_save_name": "output",
        "num_gpus": str(request.gpus),
        "seed": str(parameters.seed),
        "num_steps": str(parameters.num_steps),
        "guidance": str(parameters.guidance),
        "sigma_max": str(parameters.sigma_max),
        "fps": str(parameters.fps),
    }
    if parameters.blur_strength is not None:
        said["blur_strength"] = str(parameters.blur_strength)
    if parameters.canny_threshold is not None:
        said["canny_threshold"] = str(parameters.canny_threshold)
    pairs: list[Arg] = []
    for name, value in said.items():
        pairs += [f"--{name}", value]
    return (*pairs, *(f"--{switch}" for switch in switches))


def switches(request: RunRequest) -> tuple[str, ...]:
    """The model's own switches that are on."""
    options = options_of(request.run)
    known = (
        "offload_diffusion_transformer",
        "offload_text_encoder_model",
        "offload_guardrail_models",
        "offload_prompt_upsampler",
        "upsample_prompt",
        "use_distilled",
        "is_av_sample",
        "save_input_noise",
    )
    return tuple(name for name in known if getattr(options, name))


# -- what comes of it -----------------------------------------------------------------------------


def facts(request: RunRequest) -> tuple[str, ...]:
    """What the run will be, a line each: size, frames, chunks, what is made on the way."""
    files = sources(request)
    media = check_media(request, files)
    width, height = shape(media)
    fps = request.run.parameters.fps
    assert fps is not None
    lines = [
        f"{width}x{height}, {media.frames} frames at {fps} fps ({media.frames / fps:.1f} s), "
        f"in {chunks(media.frames)} chunk(s) of {CHUNK}"
    ]
    if round(media.fps) != fps:
        lines.append(f"the input plays at {media.fps:g} fps, the result at {fps}")
    if files.drawn:
        low, high = thresholds(request).values()
        lines.append(f"edge is drawn here from the input video (canny {low}/{high})")
    lines += [
        f"{control} is made by the model from the input video"
        for control, path in files.controls.items()
        if path is None
    ]
    zero = [str(c) for c, weight in request.run.control_weights.items() if weight == 0]
    if zero:
        lines.append(f"{', '.join(zero)} left out: weight 0")
    numbers = {c: w for c, w in in_use(request.run).items() if not isinstance(w, str)}
    total = sum(numbers.values())
    if len(numbers) == len(files.controls) and total > 1:
        scaled = ", ".join(f"{c} {w / total:.2f}" for c, w in numbers.items())
        lines.append(f"weights add up to {total:g}; the model scales them to {scaled}")
    if request.input_video and not files.video:
        lines.append("the input video itself is not sent: the picture starts from pure noise")
    return tuple(lines)
