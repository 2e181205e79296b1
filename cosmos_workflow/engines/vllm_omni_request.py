"""The fields of a Cosmos 3 request, and what they mean in lines for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cosmos_workflow.engines import vocabulary
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer1_media import video_input
from cosmos_workflow.engines.vllm_omni_media import IMAGES, Work, is_image
from cosmos_workflow.engines.vllm_omni_options import VideoOptions, VllmOmniOptions
from cosmos_workflow.execution.dialects.videos import NEWER
from cosmos_workflow.execution.job import Attached, Input
from cosmos_workflow.prompts.enums import Modality

NAME = "videos"
"""The column of the vocabulary."""

PRESETS: Mapping[Modality, str] = {
    Modality.EDGE: "canny_threshold",
    Modality.VIS: "blur_strength",
}
"""Our parameter that says how a control is made."""

TOKENS = 4096
"""Words of a structured caption that are read, as the model's own examples have it."""


def ways(work: Work, options: VllmOmniOptions) -> str:
    """How control videos get to the server: "path", "upload", or "" where there are none."""
    if not work.given:
        return ""
    if options.controls != "auto":
        return options.controls
    return "path" if len(work.given) > 1 else "upload"


def weighted(request: RunRequest) -> Mapping[Modality, float]:
    """Weights that must be said: none where all controls have an equal share."""
    used = {one: float(weight) for one, weight in request.run.control_weights.items()
            if weight and not isinstance(weight, str)}  # fmt: skip
    return used if len(set(used.values())) > 1 else {}


def requires(request: RunRequest, work: Work, options: VllmOmniOptions) -> tuple[str, ...]:
    """What not every version of the server has."""
    needed = ["control_weight"] if weighted(request) else []
    if ways(work, options) == "upload":
        needed.append("control_reference")
    return tuple(needed)


def inputs(request: RunRequest, work: Work) -> tuple[Input, ...]:
    """Every file of the request, in a coding that every decoder reads."""
    found = [(str(one), request.controls[one]) for one in work.given]
    if work.source is not None:
        found.insert(0, (str(Modality.COLOR), work.source))
    return tuple(
        Input(key, f"{key}{path.suffix.lower()}", path)
        if is_image(path)
        else video_input(key, path, request.media[path])
        for key, path in found
    )


def sent(request: RunRequest, work: Work) -> dict[str, Any]:
    """Our parameters as the server is told them: a preset only with its control."""
    said = vocabulary.sent(NAME, request.run.parameters)
    for control, name in PRESETS.items():
        if control not in (*work.given, *work.made):
            said.pop(name, None)
    return {**said, "fps": work.fps}


def fields(request: RunRequest, work: Work, options: VideoOptions) -> dict[str, Any]:
    """The fields that are the same whatever is asked for.

    Guidance is always among them: without it some servers take 0.
    """
    said = sent(request, work)
    named = {vocabulary.PARAMETERS[name][NAME].key: value for name, value in said.items()}
    prompt = request.prompt
    return {
        "prompt": prompt.prompt,
        **({"negative_prompt": prompt.negative_prompt} if prompt.negative_prompt else {}),
        **({"model": options.model} if options.model else {}),
        "size": f"{work.width}x{work.height}",
        "num_frames": work.sent,
        **{key: value for key, value in named.items() if "." not in key},
        "flow_shift": options.flow_shift,
        "max_sequence_length": TOKENS,
    }


def extra(work: Work, options: VideoOptions) -> dict[str, Any]:
    """``extra_params`` of a video without controls."""
    said: dict[str, Any] = {
        "guardrails": options.guardrails,
        "resolution": options.resolution,
        "use_resolution_template": False,
        "use_duration_template": False,
    }
    if work.mode == "video":
        said |= {
            "condition_frame_indexes_vision": [0, 1],
            "condition_video_keep": options.keep,
        }
    return said


def transfer(request: RunRequest, work: Work, options: VllmOmniOptions) -> dict[str, Any]:
    """``extra_params`` of a transfer.

    ``max_frames`` and the frames of a chunk are always said: without them the server stalls.
    """
    weights = weighted(request)
    hints = {
        vocabulary.control(NAME, one): _hint(one, request, work, options, weights)
        for one in (*work.given, *work.made)
    }
    uploaded = ways(work, options) == "upload"
    return {
        "guardrails": options.guardrails,
        "resolution": options.resolution,
        "control_guidance": control_guidance(work, options),
        "max_frames": work.sent,
        "num_video_frames_per_chunk": work.chunk,
        **{key: hint for key, hint in hints.items() if hint or not uploaded},
    }


def _hint(
    control: Modality,
    request: RunRequest,
    work: Work,
    options: VllmOmniOptions,
    weights: Mapping[Modality, float],
) -> dict[str, Any]:
    hint: dict[str, Any] = {}
    if control in PRESETS:
        name = PRESETS[control]
        _, _, key = vocabulary.PARAMETERS[name][NAME].key.partition(".")
        hint[key] = sent(request, work)[name]
    if control in work.given and ways(work, options) == "path":
        hint["control_path"] = Attached(str(control), "path")
    if control in weights:
        hint["control_weight"] = weights[control]
    return hint


def control_guidance(work: Work, options: VllmOmniOptions) -> float:
    """How strongly the controls pull; what the model's makers use, by control."""
    if options.control_guidance is not None:
        return options.control_guidance
    used = (*work.given, *work.made)
    alone = {Modality.SEGMENTATION: 2.0, Modality.HDMAP: 3.0}
    return alone.get(used[0], 1.5) if len(used) == 1 else 1.5


def reference(work: Work, field: str = "input_reference") -> dict[str, Any]:
    """The picture or video that goes with the request."""
    if work.source is None:
        return {}
    kind = IMAGES.get(work.source.suffix.lower(), "video/mp4")
    return {field: Attached(str(Modality.COLOR), "file", kind)}


def upload(work: Work, options: VllmOmniOptions) -> dict[str, Any]:
    """The one control that goes with the request."""
    if ways(work, options) != "upload":
        return {}
    (control,) = work.given
    return {
        "control_reference": Attached(str(control), "file"),
        "control_type": vocabulary.control(NAME, control),
    }


# -- for a person ---------------------------------------------------------------------------------


def facts(request: RunRequest, work: Work, options: VideoOptions) -> list[str]:
    """Size, frames and rate; what becomes of the input."""
    seconds = work.frames / work.fps
    lines = [
        f"made at {work.width}x{work.height}, {work.frames} frames at {work.fps} fps "
        f"({seconds:.1f} s)"
    ]
    if work.mode == "video":
        lines.append(f"goes on from the {options.keep} 5 frames of the input; the rest is not read")
    if work.mode == "image":
        lines.append("the picture is the first frame")
    if work.rate and work.rate != work.fps:
        lines.append(f"the input plays at {work.rate:g} fps; the server is told {work.fps}")
    if not _structured(request.prompt.prompt):
        lines.append("the prompt is prose; the model was trained on structured captions (JSON)")
    if not options.guardrails:
        lines.append("nothing is checked by the guardrails; the model's licence may not allow it")
    return lines


def transfer_facts(request: RunRequest, work: Work, options: VllmOmniOptions) -> Sequence[str]:
    """Controls: their shares, where they come from, how the frames fall into pieces."""
    used = (*work.given, *work.made)
    weights = {one: float(request.run.control_weights[one]) for one in used}
    total = sum(weights.values())
    shares = ", ".join(f"{one} {weight / total:.0%}" for one, weight in weights.items())
    lines = [f"shares of the controls: {shares}"]
    if len(used) == 1:
        lines = [f"follows {used[0]} alone: its weight makes no difference"]
    if work.made:
        lines.append(f"the server makes of the input video: {', '.join(map(str, work.made))}")
    for need in requires(request, work, options):
        (major, minor), what, _ = NEWER[need]
        lines.append(f"{what}: vLLM-Omni {major}.{minor} or newer, which is asked for first")
    if ways(work, options) == "path":
        lines.append("control videos are put on the disk of the server's machine")
    if work.pieces > 1:
        lines.append(
            f"in {work.pieces} pieces of {work.chunk} frames, each begun with the last one's end"
        )
    elif work.sent != work.frames:
        lines.append(f"filled up to {work.sent} frames (4k+1) with its mirrored end, then cut off")
    return lines


def _structured(prompt: str) -> bool:
    try:
        return isinstance(json.loads(prompt), dict)
    except ValueError:
        return False
