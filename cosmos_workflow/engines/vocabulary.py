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


@dataclass(frozen=True)
class Word:
    """A model's word for one of ours.

    ``key``: the field's name; a dot leads into an object.  ``kind``: how the value is written.
    ``about``: what a person has to know; empty when it means the same as ours.
    """

    key: str
    about: str = ""
    kind: type = float


def _same(key: str, *models: str, about: str = "", kind: type = float) -> dict[str, Word]:
    return {model: Word(key, about, kind) for model in models}


_TRANSFERS = ("transfer1", "transfer25", "nim_transfer25")
_THIRDS = ("videos", "cosmos3", "nim_cosmos3")

CONTROLS: Mapping[Modality, Mapping[str, Word]] = MappingProxyType(
    {
        Modality.EDGE: {
            **_same("edge", *_TRANSFERS, *_THIRDS),
            "transfer1": Word("edge", "made by the model it has random thresholds: made here"),
        },
        Modality.DEPTH: {
            **_same("depth", "transfer1", "transfer25", about="made by the model when not given"),
            **_same("depth", "nim_transfer25", "cosmos3"),
            **_same("depth", "videos", "nim_cosmos3", about="must be given"),
        },
        Modality.SEGMENTATION: {
            **_same("seg", "transfer1", "transfer25", about="made by the model when not given"),
            **_same("seg", "nim_transfer25", "cosmos3"),
            **_same("seg", "videos", "nim_cosmos3", about="must be given"),
        },
        Modality.VIS: {**_same("vis", *_TRANSFERS), **_same("blur", *_THIRDS)},
        Modality.KEYPOINT: {"transfer1": Word("keypoint")},
        Modality.HDMAP: {
            "transfer1": Word("hdmap", "driving model"),
            **_same("wsm", *_THIRDS, about="world scenario map, the closest there is"),
        },
        Modality.LIDAR: {"transfer1": Word("lidar", "driving model")},
    }
)
"""Our controls, and the key of each in a model's request."""

INPUT: Mapping[str, Word] = MappingProxyType(
    {
        **_same("input_video_path", "transfer1"),
        **_same("video_path", "transfer25"),
        **_same("input_reference", "videos", "nim_cosmos3"),
        **_same("vision_path", "cosmos3"),
        **_same("video", "nim_transfer25", "nim_predict1"),
    }
)
"""The input video."""

PARAMETERS: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "guidance": {
            "transfer1": Word("guidance", "the model's own default is 5"),
            "transfer25": Word("guidance", "whole number", int),
            "videos": Word("guidance_scale", "0 when it is not sent"),
            "cosmos3": Word("guidance"),
            "nim_cosmos3": Word("guidance_scale"),
            "nim_transfer25": Word("guidance", "whole number", int),
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
            "transfer25": Word("sigma_max", "sent as text; 0 to 200", str),
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
            **_same("blur.preset_blur_strength", *_THIRDS, kind=str),
        },
        "canny_threshold": {
            "transfer1": Word("canny_threshold", "the model ignores it: edges are made here", str),
            "transfer25": Word("edge.preset_edge_threshold", kind=str),
            **_same("edge.preset_edge_threshold", *_THIRDS, kind=str),
        },
    }
)
"""Our parameters, and the field of each in a model's request; absent where a model has none."""


def control(model: str, modality: Modality) -> str:
    """The model's key for a control.  KeyError when it has none."""
    return CONTROLS[modality][model].key


def controls(model: str) -> dict[Modality, str]:
    """Every control of a model, and its key."""
    return {ours: row[model].key for ours, row in CONTROLS.items() if model in row}


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
