"""Structured captions: their keys, what is wrong with one, and what a video fixes in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.captions import Medium
from cosmos_workflow.schema import faults, filled
from tests.lab.servers.chat_answers import caption

MEDIUM = Medium(1280, 720, "16,9", 5, 24)

TOP = [
    "subjects", "background_setting", "lighting", "aesthetics", "cinematography", "style_medium",
    "artistic_style", "context", "actions", "text_and_signage_elements", "segments", "transitions",
    "temporal_caption", "audio_description",
]  # fmt: skip
"""As the captions of the model's own cookbook have them, in this order."""


def test_the_keys_are_the_model_s() -> None:
    assert list(json.loads(captions.outline())) == TOP
    assert list(caption()) == TOP
    assert [*captions.schema()["properties"]] == [
        *TOP, "resolution", "aspect_ratio", "duration", "fps",
    ]  # fmt: skip


def test_a_whole_caption_has_no_faults() -> None:
    assert faults(caption(), captions.schema()) == []
    assert faults(caption(audio_description=None), captions.schema()) == []
    whole = caption(**captions.fields(MEDIUM))
    assert faults(whole, captions.schema(MEDIUM)) == []
    captions.check(json.dumps(whole), "x")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lighting": None}, "lighting: it is missing"),
        ({"subjects": [{}]}, "subjects[0].description: it is missing"),
        ({"temporal_caption": " "}, "temporal_caption: it is empty"),
        ({"segments": "one"}, "segments: it is a string, where an array is needed"),
        ({"lightning": "x"}, "lightning: did you mean 'lighting'? there is no such key"),
        ({"aspect_ratio": "16:9"}, "aspect_ratio: did you mean '16,9'?"),
        ({"fps": "24"}, "fps: it is a string, where an integer is needed"),
        ({"resolution": {"H": 720}}, "resolution.W: it is missing"),
    ],
)
def test_a_fault_is_named_by_its_key(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as refused:
        captions.check(json.dumps(caption(**change)), "street")
    assert "the prompt of street" in refused.value.message
    assert said in refused.value.hint


def test_the_video_says_what_it_is_itself() -> None:
    told = filled(caption(fps=99, resolution={"H": 1, "W": 2}), captions.schema(MEDIUM))
    assert told["resolution"] == {"H": 720, "W": 1280}
    assert (told["aspect_ratio"], told["duration"], told["fps"]) == ("16,9", "5s", 24)


@pytest.mark.parametrize(
    "text", ["a wet street", "{a street}", "[1]", "{}", '{"subjects": []}', "{" * 9999]
)
def test_other_words_are_no_caption(text: str) -> None:
    assert not captions.is_caption(text)
    captions.check(text, "street")


def test_what_it_tells() -> None:
    assert captions.summary(json.dumps(caption())).startswith("A woman with a red umbrella")
    assert captions.summary("words") == ""
