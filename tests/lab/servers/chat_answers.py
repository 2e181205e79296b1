"""What the chat server of the lab says: prose, and a whole structured caption."""

from __future__ import annotations

import copy
from typing import Any

PROSE = (
    "A narrow street at night, wet from the rain. Neon signs mirror in the puddles while a woman "
    "with a red umbrella walks away from the camera, which follows her slowly at eye level."
)

_CAPTION: dict[str, Any] = {
    "subjects": [
        {
            "description": "A woman with a red umbrella",
            "appearance_details": "A long dark coat",
            "relationship": "Alone in the street",
            "location": "center foreground",
            "relative_size": "Medium within frame",
            "orientation": "Away from the camera",
            "pose": "Upright, walking",
            "action": "Walks down the street",
            "state_changes": "No significant change.",
            "clothing": "A long dark coat",
            "expression": "",
            "gender": "Female",
            "age": "Adult",
            "skin_tone_and_texture": "",
            "facial_features": "",
            "number_of_subjects": 1,
            "number_of_arms": 2,
            "number_of_legs": 2,
        }
    ],
    "background_setting": "A narrow street between old houses, wet from the rain.",
    "lighting": {
        "conditions": "Night, neon signs",
        "direction": "From both sides",
        "shadows": "Soft and coloured",
        "illumination_effect": "Puddles shine",
    },
    "aesthetics": {
        "composition": "Central perspective",
        "color_scheme": "Red and teal",
        "mood_atmosphere": "Quiet, lonely",
        "patterns": "",
    },
    "cinematography": {
        "camera_motion": "Tracking shot",
        "framing": "Wide shot",
        "camera_angle": "Eye-level",
        "depth_of_field": "Deep",
        "focus": "The woman",
        "lens_focal_length": "35 mm",
    },
    "style_medium": "Live-action video",
    "artistic_style": "cinematic",
    "context": "A scene of a film",
    "actions": [{"time": "0:00-0:02", "description": "She walks away."}],
    "text_and_signage_elements": [],
    "segments": [
        {
            "segment_index": 0,
            "time_range": "0:00-0:02",
            "description": "She walks down the street.",
            "key_changes": "She becomes smaller.",
            "camera": "Follows her",
        }
    ],
    "transitions": [],
    "temporal_caption": "A woman with a red umbrella walks down a wet street at night.",
    "audio_description": "",
}


def caption(**changes: Any) -> dict[str, Any]:
    """A caption with every key; a change of None takes a key away."""
    made = copy.deepcopy(_CAPTION) | changes
    return {key: value for key, value in made.items() if value is not None}
