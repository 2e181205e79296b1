"""Cosmos 3's structured captions: a prompt as one JSON object, with the keys it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cosmos_workflow.errors import SpecError
from cosmos_workflow.schema import faults

RATIOS = ("16,9", "4,3", "1,1", "3,4", "9,16")
"""How a caption writes the shape of the picture."""

_SUBJECT: Mapping[str, Any] = {
    "description": "who or what it is and how it looks, in full",
    "appearance_details": "further details: accessories, marks, materials",
    "relationship": "how it stands to the others or to the scene",
    "location": "where in the picture, like center foreground",
    "relative_size": "how much of the picture it takes: small, medium or large within frame",
    "orientation": "which way it faces, seen from the camera",
    "pose": "? how its body or its parts are held; empty for what has none",
    "action": "what it does, briefly",
    "state_changes": "how pose or action change; No significant change. where they do not",
    "clothing": "? what it wears; empty for what is no person",
    "expression": "? its face; empty for what is no person",
    "gender": "? Male, Female or Unknown; empty for what is no person",
    "age": "? like Child, Young adult, Adult, Elderly; empty for what is no person",
    "skin_tone_and_texture": "? empty for what is no person",
    "facial_features": "? eyes, hair, beard, marks; empty for what is no person",
    "number_of_subjects": "# how many are in this group; 0 if that means nothing",
    "number_of_arms": "# 2 for a person; 0 for what has none",
    "number_of_legs": "# 2 for a person; 0 for what has none",
}

_CAPTION: Mapping[str, Any] = {
    "subjects": [_SUBJECT],
    "background_setting": "the place and its surroundings, in full sentences",
    "lighting": {
        "conditions": "kind and quality of the light",
        "direction": "where it comes from",
        "shadows": "how the shadows are",
        "illumination_effect": "what the light does to the scene",
    },
    "aesthetics": {
        "composition": "how the picture is arranged",
        "color_scheme": "the colours that rule it",
        "mood_atmosphere": "the mood, in a few words",
        "patterns": "? patterns that repeat; empty if there are none",
    },
    "cinematography": {
        "camera_motion": "like Static, Pan left, Tracking shot, Handheld",
        "framing": "like Close-up, Medium shot, Wide shot",
        "camera_angle": "like Eye-level, Low angle, High angle, Overhead",
        "depth_of_field": "Shallow, Deep or Uniform",
        "focus": "what is sharp",
        "lens_focal_length": "the lens, in words or millimetres",
    },
    "style_medium": "like Live-action video, Animation, CGI",
    "artistic_style": "like realistic, cinematic, documentary",
    "context": "what kind of scene it is, or what it is for",
    "actions": [{"time": "from and to, like 0:00-0:02", "description": "what happens then"}],
    "text_and_signage_elements": [
        {
            "text": "the words that are seen",
            "category": "physical_in_scene, scene_sign, ui_text, vehicle_graphic, logo or label",
            "appearance": "lettering, colour, size",
            "spatial_temporal": "where it is, and when it is seen",
            "context": "? what it is for; empty if nobody can tell",
        }
    ],
    "segments": [
        {
            "segment_index": "# from 0",
            "time_range": "from and to, like 0:00-0:05",
            "description": "what happens in it",
            "key_changes": "what changes in it",
            "camera": "what the camera does in it",
        }
    ],
    "transitions": ["how one segment becomes the next; no item for a single shot"],
    "temporal_caption": "the whole video told second by second, as prose",
    "audio_description": "? what is heard; empty for a video without sound",
}
"""Every key, and what belongs in it.  ``?``: may be empty; ``#``: a whole number."""

_MAY_BE_ABSENT = ("audio_description",)


@dataclass(frozen=True)
class Medium:
    """The video that the caption is for, as a caption says it; ``aspect_ratio`` is of RATIOS."""

    width: int
    height: int
    aspect_ratio: str
    seconds: int
    fps: int


def schema(medium: Medium | None = None) -> dict[str, Any]:
    """The shape of a caption; with a medium, of one for that video, which is then fixed in it."""
    found = _rule(_CAPTION)
    found["required"] = [key for key in found["required"] if key not in _MAY_BE_ABSENT]
    size = {"H": {"type": "integer"}, "W": {"type": "integer"}}
    found["properties"] |= {
        "resolution": {"type": "object", "properties": size, "required": ["H", "W"]},
        "aspect_ratio": {"type": "string", "enum": list(RATIOS)},
        "duration": {"type": "string", "minLength": 2},
        "fps": {"type": "integer", "minimum": 1},
    }
    for key, value in (fields(medium) if medium else {}).items():
        found["properties"][key]["const"] = value
    return found


def fields(medium: Medium) -> dict[str, Any]:
    """What a caption says of the video itself."""
    return {
        "resolution": {"H": medium.height, "W": medium.width},
        "aspect_ratio": medium.aspect_ratio,
        "duration": f"{medium.seconds}s",
        "fps": medium.fps,
    }


def outline() -> str:
    """All keys with what belongs in them, as JSON for the model that writes a caption."""
    return json.dumps(_said(_CAPTION), indent=1)


def is_caption(text: str) -> bool:
    """Whether a prompt is meant as a caption: a JSON object with keys of one, valid or not."""
    value = _object(text)
    return value is not None and len(_CAPTION.keys() & value.keys()) >= 3


def check(text: str, name: str) -> None:
    """Raise SpecError, naming each key, for a prompt that is meant as a caption and is none."""
    if not is_caption(text):
        return
    wrong = faults(_object(text), schema())
    if wrong:
        raise SpecError(
            f"the prompt of {name} is a structured caption that is not as Cosmos 3 knows them",
            hint="\n".join(wrong[:12]),
        )


def summary(text: str) -> str:
    """The caption in prose: what it tells of the video from its begin to its end."""
    value = _object(text) or {}
    told = value.get("temporal_caption")
    return told if isinstance(told, str) else ""


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rule(about: Any) -> dict[str, Any]:
    if isinstance(about, str):
        if about.startswith("#"):
            return {"type": "integer", "minimum": 0}
        return {"type": "string"} if about.startswith("?") else {"type": "string", "minLength": 1}
    if isinstance(about, list):
        return {"type": "array", "items": _rule(about[0])}
    return {
        "type": "object",
        "properties": {key: _rule(value) for key, value in about.items()},
        "required": list(about),
        "additionalProperties": False,
    }


def _said(about: Any) -> Any:
    if isinstance(about, str):
        return about.replace("# ", "a whole number: ").removeprefix("? ")
    if isinstance(about, list):
        return [_said(about[0])]
    return {key: _said(value) for key, value in about.items()}
