"""A Transfer2.5 run as the model wants it: the sample, the flags, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosmos_workflow.engines import vocabulary
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer25_media import (
    Sources,
    check_media,
    chunks_of,
    frames_read,
    rate,
    shape,
    sources,
)
from cosmos_workflow.engines.transfer25_options import (
    CHUNK,
    Transfer25Options,
    in_use,
    options_of,
)
from cosmos_workflow.execution.job import Arg, Place
from cosmos_workflow.prompts.enums import Modality

NAME = "transfer25"

HINTS: Mapping[Modality, str] = vocabulary.controls(NAME)
"""The model's word for each control."""


def sample(request: RunRequest, files: Sources, prefix: str) -> dict[str, Any]:
    """One sample, complete: a key that is not in it would be the model's own default.

    An empty negative prompt is left out: the model then uses its own.
    """
    options, prompt = options_of(request.run), request.prompt
    said = vocabulary.sent(NAME, request.run.parameters)
    made: dict[str, Any] = {
        "name": request.run_id,
        "prompt": prompt.prompt,
        "video_path": Place("input", f"{prefix}color"),
    }
    if prompt.negative_prompt.strip():
        made["negative_prompt"] = prompt.negative_prompt
    for ours in ("seed", "guidance", "num_steps", "sigma_max"):
        if said.get(ours) is not None:
            made[vocabulary.PARAMETERS[ours][NAME].key] = said[ours]
    for name in (
        "resolution", "keep_input_resolution", "num_video_frames_per_chunk",
        "num_conditional_frames", "show_control_condition", "show_input",
    ):  # fmt: skip
        made[name] = getattr(options, name)
    for name in ("max_frames", "context_frame_index"):
        if getattr(options, name) is not None:
            made[name] = getattr(options, name)
    if files.style:
        made["image_context_path"] = Place("input", f"{prefix}style")
    if files.guide:
        made |= _guided(options, prefix)
    for control, path in files.controls.items():
        made[HINTS[control]] = _control(request, control, prefix, made_there=path is None)
    return made


def _guided(options: Transfer25Options, prefix: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "guided_generation_mask": Place("input", f"{prefix}guide"),
        "guided_generation_step_threshold": options.guided_generation_step_threshold,
    }
    if options.guided_generation_foreground_labels:
        labels = list(options.guided_generation_foreground_labels)
        said["guided_generation_foreground_labels"] = labels
    return said


def _control(
    request: RunRequest, control: Modality, prefix: str, *, made_there: bool
) -> dict[str, Any]:
    """The model ignores keys here that it does not know, so that a typing error would be silent."""
    options, parameters = options_of(request.run), request.run.parameters
    said: dict[str, Any] = {"control_weight": in_use(request.run)[control]}
    if not made_there:
        said["control_path"] = Place("input", f"{prefix}{control}")
    elif control is Modality.EDGE:
        said["preset_edge_threshold"] = str(parameters.canny_threshold)
    elif control is Modality.VIS:
        said["preset_blur_strength"] = str(parameters.blur_strength)
    elif control is Modality.SEGMENTATION and options.control_prompt:
        said["control_prompt"] = options.control_prompt
    if control in options.mask_path:
        said["mask_path"] = Place("input", f"{prefix}{control}_mask")
    if control in options.mask_prompt:
        said["mask_prompt"] = options.mask_prompt[control]
    return said


def flags(options: Transfer25Options, controls: list[Modality], gpus: int) -> tuple[Arg, ...]:
    """What is said once for all samples of a job.

    With several GPUs the guardrails are on the first alone: if it went on after a refusal, the
    others would wait for it for ever.  Which model is loaded the samples say; the same controls
    have the same flag, in whatever order they were given.
    """
    first = next(name for control, name in HINTS.items() if control in controls)
    model = "edge/distilled" if options.use_distilled else first
    said: list[Arg] = [
        "--output-dir", Place("workspace", "outputs"),
        "--model", model,
        "--context-parallel-size", str(gpus),
        "--compile-tokenizer", options.compile_tokenizer.upper(),
        "--keep-going" if gpus == 1 else "--no-keep-going",
    ]  # fmt: skip
    for name in ("offload_guardrail_models", "disable_guardrails"):
        switch = name.replace("_", "-")
        said.append(f"--{switch}" if getattr(options, name) else f"--no-{switch}")
    if options.enable_parallel_tokenizer and gpus > 1:
        said.append("--enable-parallel-tokenizer")
    if options.checkpoint_path:
        said += ["--checkpoint-path", Place("checkpoints", options.checkpoint_path)]
    if options.experiment:
        said += ["--experiment", options.experiment]
    return tuple(said)


def sent(request: RunRequest, files: Sources) -> dict[str, Any]:
    """Our parameters as the sample has them: a preset is sent only where the model uses it."""
    said = vocabulary.sent(NAME, request.run.parameters)
    used = {control for control, path in files.controls.items() if path is None}
    for name, control in (("canny_threshold", Modality.EDGE), ("blur_strength", Modality.VIS)):
        if control not in used:
            said.pop(name, None)
    return said


def facts(request: RunRequest) -> tuple[str, ...]:
    """What the run will be, a line each: size, frames, chunks, what is made on the way."""
    files, options = sources(request), options_of(request.run)
    media = check_media(request, files)
    frames, fps = frames_read(media, options), rate(media)
    width, height = shape(media, options.resolution)
    chunk, count = options.num_video_frames_per_chunk, chunks_of(media, options)
    said = f"{frames} frames at {fps} fps ({frames / fps:.1f} s)" if frames > 1 else "an image"
    lines = [f"made at {width}x{height}, {said}, in {count} chunk(s) of {chunk}"]
    if options.keep_input_resolution and (media.width, media.height) != (width, height):
        lines.append(f"brought back to {media.width}x{media.height}, the size of the input video")
    if media.fps != fps:
        lines.append(f"the input plays at {media.fps:g} fps, the result at {fps}")
    if options.use_distilled and frames > CHUNK:
        lines.append(f"the distilled model was not trained to go on after {CHUNK} frames")
    if options.use_distilled and request.prompt.negative_prompt.strip():
        lines.append("the distilled model does not read the negative prompt")
    if chunk != CHUNK:
        lines.append(f"chunks of {chunk} frames: the model was trained with {CHUNK}")
    return (*lines, *_about_controls(request, files), *_about_machine(request, count))


def _about_controls(request: RunRequest, files: Sources) -> list[str]:
    lines = []
    for control, path in files.controls.items():
        if path is not None:
            continue
        preset = {
            Modality.EDGE: f" (canny {request.run.parameters.canny_threshold})",
            Modality.VIS: f" (blur {request.run.parameters.blur_strength})",
        }.get(control, "")
        lines.append(f"{control} is made by the model from the input video{preset}")
    zero = [str(c) for c, weight in request.run.control_weights.items() if weight == 0]
    if zero:
        lines.append(f"{', '.join(zero)} left out: weight 0")
    weights = in_use(request.run)
    total = sum(weights.values())
    if total > 1:
        scaled = ", ".join(f"{c} {w / total:.2f}" for c, w in weights.items())
        lines.append(f"weights add up to {total:g}; the model scales them to {scaled}")
    if len(weights) > 1:
        lines.append("several controls: all four branches are loaded")
    return lines


def _about_machine(request: RunRequest, count: int) -> list[str]:
    if request.gpus == 1 or request.time_limit:
        return []
    minutes = time_limit(request, count) // 60
    return [f"ended after {minutes} minutes if it hangs, as it may on several GPUs (--time-limit)"]


def time_limit(request: RunRequest, count: int) -> int:
    """Seconds: what was asked for, and with several GPUs never without end."""
    if request.time_limit or request.gpus == 1:
        return request.time_limit
    return 3600 + 1800 * count
