"""A Cosmos 3 run as the framework wants it: the sample, the flags, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cosmos_workflow.engines import vocabulary
from cosmos_workflow.engines.cosmos3_media import (
    Sources,
    about_frames,
    frames_made,
    shape,
    sources,
)
from cosmos_workflow.engines.cosmos3_options import (
    CHECKPOINTS,
    Cosmos3Options,
    chunk_of,
    in_use,
    options_of,
    resolution_of,
    whole_chunk,
)
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.execution.job import Arg, Place
from cosmos_workflow.prompts.enums import Modality

NAME = "cosmos3"

HINTS: Mapping[Modality, str] = vocabulary.controls(NAME)
"""The framework's word for each control."""

CONTROL_GUIDANCE: Mapping[Modality, float] = {Modality.SEGMENTATION: 2.0, Modality.HDMAP: 3.0}
"""The makers' values for a control alone; 1.5 for the others, and for several."""


def caption(text: str) -> str | None:
    """A structured caption as the framework's own loader hands it on; None for prose."""
    try:
        read = json.loads(text)
    except ValueError:
        return None
    return json.dumps(read) if isinstance(read, dict) else None


def sample(request: RunRequest, files: Sources) -> dict[str, Any]:
    """One sample, complete: a key that is not in it would be the model's own default.

    An empty negative prompt is left out: the framework then uses its own.
    """
    options, prompt = options_of(request.run), request.prompt
    said = sent(request, files)
    made: dict[str, Any] = {
        "name": request.run_id,
        "model_mode": "video2video" if files.mode == "transfer" else files.mode,
        "prompt": caption(prompt.prompt) or prompt.prompt,
    }
    if prompt.negative_prompt.strip():
        made["negative_prompt"] = caption(prompt.negative_prompt) or prompt.negative_prompt
    if files.vision:
        made["vision_path"] = Place("input", "vision")
    made |= {
        "resolution": resolution_of(options),
        "aspect_ratio": files.ratio,
        "num_frames": whole_chunk(frames_made(files)),
        "shift": options.shift,
        "video_save_quality": options.video_save_quality,
    }
    for ours in ("seed", "num_steps", "guidance", "fps"):
        made[vocabulary.PARAMETERS[ours][NAME].key] = said[ours]
    if files.mode == "video2video":
        made["condition_video_keep"] = options.condition_video_keep
    if files.mode == "transfer":
        made |= _transfer(request, files)
    return made


def _transfer(request: RunRequest, files: Sources) -> dict[str, Any]:
    options = options_of(request.run)
    prose = caption(request.prompt.prompt) is None
    emphasized = options.emphasize_control_in_prompt
    said: dict[str, Any] = {
        "control_guidance": control_guidance(request),
        "num_video_frames_per_chunk": chunk_of(request.run),
        "num_conditional_frames": options.num_conditional_frames,
        "num_first_chunk_conditional_frames": options.num_first_chunk_conditional_frames,
        "max_frames": files.frames,
        "share_vision_temporal_positions": options.share_vision_temporal_positions,
        "emphasize_control_in_prompt": prose if emphasized is None else emphasized,
        "show_control_condition": options.show_control_condition,
        "show_input": options.show_input,
    }
    for control, path in files.controls.items():
        hint: dict[str, Any] = {"weight": in_use(request.run)[control]}
        if path:
            hint["control_path"] = Place("input", str(control))
        elif control is Modality.EDGE:
            hint["preset_edge_threshold"] = str(request.run.parameters.canny_threshold)
        else:
            hint["preset_blur_strength"] = str(request.run.parameters.blur_strength)
        said[HINTS[control]] = hint
    return said


def control_guidance(request: RunRequest) -> float:
    """How closely the result keeps to the controls."""
    given, controls = options_of(request.run).control_guidance, list(in_use(request.run))
    if given is not None:
        return given
    return CONTROL_GUIDANCE.get(controls[0], 1.5) if len(controls) == 1 else 1.5


def flags(options: Cosmos3Options, gpus: int) -> tuple[Arg, ...]:
    """What is said once for a job.  One sample at a time, and on to the next after one that was
    refused or cannot be made."""
    own = options.checkpoint_path
    said: list[Arg] = [
        "--output-dir", Place("workspace", "outputs"),
        "--checkpoint-path", Place("checkpoints", own) if own else CHECKPOINTS[options.model],
        "--keep-going", "--skip-invalid-samples", "--max-num-seqs", "1",
        "--no-guardrails" if options.disable_guardrails else "--guardrails",
        "--offload-guardrail-models" if options.offload_guardrail_models
        else "--no-offload-guardrail-models",
        "--diffusion-cache" if options.diffusion_cache else "--no-diffusion-cache",
    ]  # fmt: skip
    shards = gpus if options.model == "super" else 1
    if shards > 1:
        # Its weights are shared out; nothing is left to share the work of one sample by.
        said += ["--parallelism-preset", "throughput", "--cp-size", "1", "--cfgp-size", "1"]
    else:
        said += ["--parallelism-preset", "latency"]
    return (*said, "--dp-shard-size", str(shards), "--dp-replicate-size", "1")


def sent(request: RunRequest, files: Sources) -> dict[str, Any]:
    """Our parameters as the sample has them: a preset is sent only where it is used."""
    said = vocabulary.sent(NAME, request.run.parameters)
    said["fps"] = files.fps
    used = {control for control, path in files.controls.items() if path is None}
    for name, control in (("canny_threshold", Modality.EDGE), ("blur_strength", Modality.VIS)):
        if control not in used:
            said.pop(name, None)
    return said


def facts(request: RunRequest) -> tuple[str, ...]:
    """What the run will be, a line each: what it is, size, frames, chunks."""
    files, options = sources(request), options_of(request.run)
    width, height = shape(files.ratio, resolution_of(options))
    frames = frames_made(files)
    said = f"{frames} frames at {files.fps} fps ({frames / files.fps:.1f} s)"
    lines = [
        f"{files.mode} by {CHECKPOINTS[options.model]}, {width}x{height}, "
        + (said if frames > 1 else "an image")
    ]
    lines += about_frames(options, files)
    if files.mode == "transfer":
        lines += _about_transfer(request, files, options)
    elif request.run.control_weights and options.mode != "auto":
        lines.append(f"the controls have no part in {files.mode}")
    if files.mode == "video2video":
        end = options.condition_video_keep
        lines.append(f"it goes on from the {end} frames of the input video")
    if caption(request.prompt.prompt) is None:
        lines.append("the prompt is prose; the model was trained on structured JSON captions")
    else:
        lines.append("the prompt is a structured caption")
    return tuple(lines)


def _about_transfer(request: RunRequest, files: Sources, options: Cosmos3Options) -> list[str]:
    lines = []
    if files.count > 1:
        lines.append(f"in {files.count} chunks of {chunk_of(request.run)}")
    for control, path in files.controls.items():
        if path is None:
            lines.append(f"{control} is made by the framework from the input video")
    zero = [str(c) for c, weight in request.run.control_weights.items() if weight == 0]
    if zero:
        lines.append(f"{', '.join(zero)} left out: weight 0")
    weights = in_use(request.run)
    total = sum(weights.values())
    if len(weights) > 1:
        scaled = ", ".join(f"{c} {w / total:.2f}" for c, w in weights.items())
        lines.append(f"the framework scales the weights to {scaled}")
    if options.model == "super":
        lines.append("its makers name text and images as the input of super, not controls")
    lines.append("the framework's guardrails do not look at a transfer")
    return lines
