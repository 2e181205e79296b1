"""What a NIM is asked beyond the shared parameters, and the rules between options."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, JsonValue, field_validator

from cosmos_workflow.engines import engine
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.run_spec import RunSpec

ADDRESSES = ("http://", "https://", "data:")
"""Beginnings of media that the service gets itself, or that are all there."""

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16")


class NimOptions(engine.Options):
    """Options of every NIM; which of them one takes is its form's to say."""

    model: Literal["auto", "predict1", "cosmos3", "transfer25"] = Field(
        "auto", description="which NIM it is; auto: the service is asked before anything is sent"
    )
    mode: Literal["auto", "text2world", "image2world", "video2world"] = Field(
        "auto",
        description="what it starts from; auto: the video or image that there is, else words",
    )
    image: str = Field("", description="the image to start from: a file, or an address")
    video: str = Field("", description="the address of a video, instead of the input video")
    size: str = Field("", description='predict1: "1280x704", each a multiple of 8')
    ratio: Literal["", "16:9", "4:3", "1:1", "3:4", "9:16"] = Field(
        "", description="predict1, cosmos3: the shape of the picture, instead of a size"
    )
    resolution: Literal["256", "480", "512", "720"] = Field(
        "720", description="cosmos3 (no 512), transfer25: how fine the picture is"
    )
    duration: float = Field(
        0.0, description="predict1, cosmos3: seconds of the result; not given: the model's own"
    )
    prompt_upsampling: bool = Field(True, description="predict1: it rewrites the prompt first")
    flow_shift: float | None = Field(None, gt=0, description="cosmos3: shift of the noise schedule")
    timeout: int = Field(300, ge=1, le=86400, description="seconds it may take for its answer")
    attempts: int = Field(1, ge=1, le=5, description="how often it is asked when it is at fault")
    extras: dict[str, JsonValue] = Field(
        {}, description="further fields of the request, as JSON, sent as they are"
    )

    @field_validator("duration")
    @classmethod
    def _some_time(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("a duration is more than 0 seconds")
        return value

    @field_validator("size")
    @classmethod
    def _of_eights(cls, value: str) -> str:
        found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)
        if value and not found:
            raise ValueError("a size is WIDTHxHEIGHT, like 1280x704")
        if found and any(int(side) <= 0 or int(side) % 8 for side in found.groups()):
            raise ValueError("width and height are more than 0 and multiples of 8, like 1280x704")
        return value

    @field_validator("video")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and not value.startswith(ADDRESSES):
            raise ValueError("this is an address (https://...); a file is the spec's input video")
        return value


def options_of(run: RunSpec) -> NimOptions:
    """The options of a settled run."""
    return NimOptions.model_validate(run.options)


def check(run: RunSpec) -> None:
    """Raise SpecError for options that contradict each other, whichever NIM it is."""
    options = options_of(run)
    if options.size and options.ratio:
        raise SpecError(
            f"--option size={options.size} and ratio={options.ratio} are two ways to say one thing",
            hint="leave one of them away",
        )
    if options.image and options.video:
        raise SpecError("--option image and video: it starts from one of them", hint="leave one")
    if options.mode == "text2world" and (options.image or options.video):
        raise SpecError(
            "--option mode=text2world starts from words alone",
            hint="leave away image and video, or mode",
        )
    if options.mode == "image2world" and options.video:
        raise SpecError("--option mode=image2world starts from an image", hint="name an image")
    if options.mode == "video2world" and options.image:
        raise SpecError("--option mode=video2world starts from a video", hint="leave away image")


def merged(body: dict[str, Any], extras: dict[str, JsonValue]) -> dict[str, Any]:
    """The request with what else a person wants in it.  Raises SpecError for a field of ours."""
    for key in extras:
        if key in body:
            raise SpecError(
                f"--option extras: the field {key} is made from the spec already",
                hint="say it there; cosmos plan shows the whole request",
            )
        if key == "model":
            raise SpecError(
                "--option extras: a NIM refuses the field model (HTTP 422)",
                hint="each NIM has one model; --option model says which form its request has",
            )
    return {**body, **extras}
