"""One vocabulary: what each model calls our controls and parameters.  The one place that says so.

Read from the models' own sources; ``docs/engines/mapping.md`` is made from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.run_spec import Parameters

MODELS: Mapping[str, str] = MappingProxyType(
    {
        "transfer1": "Transfer1",
        "transfer25": "Transfer2.5",
        "videos": "Cosmos 3, videos API",
        "cosmos3": "Cosmos 3, framework",
        "nim_cosmos3": "Cosmos 3 NIM",
        "nim_transfer25": "Transfer2.5 NIM",
        "nim_predict1": "Predict1 NIM",
    }
)
"""The columns of the tables, with their names for people."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Programs in a container": ("transfer1", "transfer25", "cosmos3"),
        "Services": ("videos", "nim_cosmos3", "nim_transfer25", "nim_predict1"),
    }
)
"""Columns that are read together."""

ENGINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "transfer1": ("transfer1",),
        "transfer25": ("transfer25",),
        "cosmos3": ("cosmos3",),
        "vllm_omni": ("videos",),
        "sglang": ("videos",),
        "nim": ("nim_predict1", "nim_cosmos3", "nim_transfer25"),
    }
)
"""The columns that each engine speaks; engines without a model's own words are not here."""


@dataclass(frozen=True)
class Word:
    """A model's word for one of ours.

    ``key``: the field's name; a dot leads into an object.  ``kind``: how the value is written.
    ``about``: what a person has to know; empty when it means the same as ours.  ``spoken``: False
    where the model has it and no engine of ours sends it.
    """

    key: str
    about: str = ""
    kind: type = float
    spoken: bool = True


def _same(
    key: str, *models: str, about: str = "", kind: type = float, spoken: bool = True
) -> dict[str, Word]:
    return {model: Word(key, about, kind, spoken) for model in models}


_THIRDS = ("videos", "cosmos3", "nim_cosmos3")
_ALL = ("transfer1", "transfer25", "videos", "cosmos3", "nim_cosmos3", "nim_transfer25",
        "nim_predict1")  # fmt: skip

_LATER = "in transfer, of newer images; not sent yet"

CONTROLS: Mapping[Modality, Mapping[str, Word]] = MappingProxyType(
    {
        Modality.EDGE: {
            "transfer1": Word("edge", "made by the model it has random thresholds: made here"),
            **_same("edge", "transfer25", about="made by the model when asked, at the threshold"),
            **_same("edge", "cosmos3", about="made by the framework when asked"),
            **_same("edge", "nim_transfer25", "videos", about="made there when not given"),
            **_same("edge", "nim_cosmos3", about=_LATER, spoken=False),
        },
        Modality.DEPTH: {
            **_same("depth", "transfer1", "transfer25", about="made by the model when asked"),
            **_same("depth", "nim_transfer25", about="made there when not given"),
            **_same("depth", "videos", "cosmos3", about="must be given"),
            **_same("depth", "nim_cosmos3", about=_LATER, spoken=False),
        },
        Modality.SEGMENTATION: {
            **_same("seg", "transfer1", "transfer25", about="made by the model when asked"),
            **_same("seg", "nim_transfer25", about="made there when not given"),
            **_same("seg", "videos", "cosmos3", about="must be given"),
            **_same("seg", "nim_cosmos3", about=_LATER, spoken=False),
        },
        Modality.VIS: {
            **_same("vis", "transfer1", "transfer25", about="made by the model when asked"),
            **_same("vis", "nim_transfer25", about="made there when not given"),
            **_same("blur", "cosmos3", about="made by the framework when asked"),
            **_same("blur", "videos", about="made there when not given"),
            **_same("blur", "nim_cosmos3", about=_LATER, spoken=False),
        },
        Modality.KEYPOINT: {"transfer1": Word("keypoint", "made by the model when asked")},
        Modality.HDMAP: {
            "transfer1": Word("hdmap", "driving model; must be given"),
            **_same("wsm", "videos", "cosmos3", about="world scenario map, the closest there is"),
            **_same("wsm", "nim_cosmos3", about=_LATER, spoken=False),
        },
        Modality.LIDAR: {"transfer1": Word("lidar", "driving model; must be given, as a video")},
    }
)
"""Our controls, and the key of each in a model's request."""

INPUT: Mapping[str, Word] = MappingProxyType(
    {
        **_same("input_video_path", "transfer1"),
        **_same("video_path", "transfer25"),
        **_same("input_reference", "videos"),
        **_same("vision_path", "cosmos3"),
        **_same("image", "nim_cosmos3", about="a still picture; a video in newer images"),
        **_same("video", "nim_transfer25", about="in base64; 93 to 480 frames"),
        **_same("video", "nim_predict1", about="or image"),
    }
)
"""The input video."""

PARAMETERS: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "guidance": {
            "transfer1": Word("guidance", "always sent: by itself the model takes 5"),
            "transfer25": Word("guidance", kind=int),
            "videos": Word("guidance_scale", "always sent: some servers take 0 without it"),
            "cosmos3": Word("guidance"),
            "nim_cosmos3": Word("guidance_scale"),
            "nim_transfer25": Word("guidance", kind=int),
            "nim_predict1": Word("guidance_scale"),
        },
        "num_steps": {
            **_same("num_steps", "transfer1", "transfer25", "cosmos3", "nim_transfer25", kind=int),
            "videos": Word("num_inference_steps", kind=int),
            **_same("steps", "nim_cosmos3", "nim_predict1", kind=int),
        },
        "seed": {
            "transfer1": Word("seed", "plus the chunk's number", int),
            "transfer25": Word("seed", "start of a random number a chunk", int),
            **_same("seed", *_THIRDS, "nim_transfer25", "nim_predict1", kind=int),
        },
        "sigma_max": {
            "transfer1": Word("sigma_max", "80 ignores the input video"),
            "transfer25": Word("sigma_max", "200 is pure noise", str),
            "nim_transfer25": Word("sigma_max"),
        },
        "fps": {
            "transfer1": Word("fps", "of the result", int),
            "videos": Word("fps", "a transfer keeps the input's", int),
            "cosmos3": Word("fps", kind=int),
            "nim_cosmos3": Word("fps", kind=float),
            "nim_predict1": Word("video_params.frames_per_sec", kind=int),
        },
        "blur_strength": {
            "transfer1": Word("blur_strength", kind=str),
            "transfer25": Word("vis.preset_blur_strength", kind=str),
            **_same("blur.preset_blur_strength", "videos", "cosmos3", kind=str),
            **_same(
                "blur.preset_blur_strength", "nim_cosmos3", about=_LATER, kind=str, spoken=False
            ),
        },
        "canny_threshold": {
            "transfer1": Word("canny_threshold", "the model ignores it: edges are made here", str),
            "transfer25": Word("edge.preset_edge_threshold", kind=str),
            **_same("edge.preset_edge_threshold", "videos", "cosmos3", kind=str),
            **_same(
                "edge.preset_edge_threshold", "nim_cosmos3", about=_LATER, kind=str, spoken=False
            ),
        },
    }
)
"""Our parameters, and the field of each in a model's request; absent where a model has none."""


_CAPTION = "a structured JSON caption serves best"

OTHERS: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "prompt": {
            **_same("prompt", *_ALL, kind=str),
            **_same("prompt", "videos", "cosmos3", "nim_cosmos3", about=_CAPTION, kind=str),
            **_same("prompt", "nim_predict1", about="250 words at most", kind=str),
        },
        "negative prompt": {
            **_same("negative_prompt", *_ALL, kind=str),
            "transfer25": Word("negative_prompt", "the guardrail reads it too", str),
        },
        "control video": {
            "transfer1": Word("input_control", "below the control", str),
            "transfer25": Word("control_path", "below the control", str),
            "cosmos3": Word("control_path", "below the control", str),
            "videos": Word("control_path", "a path on the server; newer ones take a file", str),
            "nim_transfer25": Word("control", "below the control, in base64", str),
        },
        "control weight": {
            "transfer1": Word("control_weight", "0 or more, shared out above a sum of 1; or a map"),
            "transfer25": Word("control_weight", "0 to 1, shared out above a sum of 1"),
            "cosmos3": Word("weight", "0 or more, shared out to a sum of 1"),
            "videos": Word("control_weight", "of newer servers, shared out to a sum of 1"),
            "nim_transfer25": Word("control_weight", "0 to 1"),
        },
        "pull of the controls": {
            "cosmos3": Word("control_guidance", "0 to 10"),
            "videos": Word("extra_params.control_guidance"),
        },
        "where a control counts": {
            "transfer1": Word("control_weight", "a .pt map; words with control_weight_prompt"),
            "transfer25": Word("mask_path", "or words with mask_prompt"),
        },
        "frames": {
            "transfer25": Word("max_frames", "else all; 93 a chunk", int),
            "cosmos3": Word("num_frames", "4k+1; a transfer: max_frames, 93 a chunk", int),
            "videos": Word("num_frames", "4k+1, with max_frames and the chunk for a transfer", int),
            "nim_cosmos3": Word("num_output_frames", "4k+1, 25 to 397", int),
            "nim_predict1": Word("video_params.frames_count", "121 when not said", int),
        },
        "size": {
            "transfer25": Word("resolution", "a tier, as text", str),
            "cosmos3": Word("resolution", "a tier, as text; with aspect_ratio 16,9", str),
            "videos": Word("size", "1280x720; and extra_params.resolution", str),
            "nim_cosmos3": Word("resolution", "720_16_9", str),
            "nim_transfer25": Word("resolution", "a tier", str),
            "nim_predict1": Word("video_params.width", "and height", int),
        },
        "shift of the noise": {
            "cosmos3": Word("shift"),
            **_same("flow_shift", "videos", "nim_cosmos3"),
        },
        "picture for the style": {"transfer25": Word("image_context_path", "not with vis", str)},
        "no guardrails": {
            "transfer25": Word("--disable-guardrails", kind=bool),
            "cosmos3": Word("--no-guardrails", kind=bool),
            "videos": Word("extra_params.guardrails", "they are loaded all the same", bool),
            "nim_cosmos3": Word(
                "NIM_ENABLE_TEXT_GUARDRAILS=0", "when the NIM is started", bool, spoken=False
            ),
        },
    }
)  # fmt: skip
"""What is no parameter that engines share, and is known under many names: options, mostly."""


def control(model: str, modality: Modality) -> str:
    """The model's key for a control.  KeyError when it has none."""
    return CONTROLS[modality][model].key


def controls(model: str) -> dict[Modality, str]:
    """Every control of a model, and its key."""
    return {ours: row[model].key for ours, row in CONTROLS.items() if model in row}


def words(engine: str, row: Mapping[str, Word]) -> dict[str, str]:
    """An engine's words for one of ours, each with what a person has to know; mostly one."""
    known = [row[model] for model in ENGINES.get(engine, ()) if model in row]
    return {word.key: word.about for word in known if word.spoken}


def sent(model: str, parameters: Parameters) -> dict[str, Any]:
    """Our parameters as the model is told them: our name, value of the model's kind."""
    values = parameters.model_dump(mode="json", exclude_none=True)
    return {
        name: _as(PARAMETERS[name][model].kind, value)
        for name, value in values.items()
        if model in PARAMETERS.get(name, {})
    }


def told(model: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a model echoes, under our names: the inverse of the table."""
    found: dict[str, Any] = {}
    for name, row in PARAMETERS.items():
        value: Any = facts
        for part in row[model].key.split(".") if model in row else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        if model in row and value is not None:
            found[name] = value
    return found


def _as(kind: type, value: Any) -> Any:
    if kind is str:
        return f"{value:g}" if isinstance(value, float) else str(value)
    return kind(value)
