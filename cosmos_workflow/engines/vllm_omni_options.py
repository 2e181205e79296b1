"""What only Cosmos 3 behind the videos API has: its options, and what they must be like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from cosmos_workflow.engines import engine
from cosmos_workflow.prompts.run_spec import RunSpec

MOST_AT_ONCE = 300
"""Frames that the model makes in one piece."""

FEWEST = 5
"""Frames of the shortest video, and those of the input that a video goes on from."""

USUAL = 189
"""Frames of a video that is made of words alone."""


class VideoOptions(engine.Options):
    """Options that every server of the model has."""

    model: str = Field("", description="model that must be served; empty: whichever is")
    resolution: Literal["256", "480", "704", "720"] = Field("720", description="size tier")
    aspect_ratio: Literal["", "16:9", "4:3", "1:1", "3:4", "9:16"] = Field(
        "", description="of a video made of words; empty: 16:9, or that of the input"
    )
    frames: int | None = Field(
        None, description="how many, 4k+1; empty: those of the input, or 189 without one"
    )
    flow_shift: float = Field(10.0, ge=0, description="shift of the noise schedule")
    keep: Literal["first", "last"] = Field(
        "first", description="which end of the input a video without controls goes on from"
    )
    guardrails: bool = Field(
        True, description="false: not checked; the licence of the model may not allow it"
    )

    @field_validator("frames")
    @classmethod
    def _whole_groups(cls, value: int | None) -> int | None:
        if value is not None and (value < FEWEST or value % 4 != 1):
            below = max(FEWEST, value - (value - 1) % 4)
            raise ValueError(f"it must be 4k+1 and 5 or more, like {below} or {below + 4}")
        return value


class VllmOmniOptions(VideoOptions):
    """Options of vLLM-Omni, which has controls."""

    control_guidance: float | None = Field(
        None, ge=0, le=10, description="pull of the controls; empty: 1.5, seg 2, hdmap 3"
    )
    controls: Literal["auto", "path", "upload"] = Field(
        "auto",
        description="how control videos get to the server: on its disk (via is needed), or with "
        "the request (one only); auto: one is uploaded, several go on its disk",
    )


def options_of(run: RunSpec) -> VllmOmniOptions:
    """The options of a settled run of vLLM-Omni."""
    return VllmOmniOptions.model_validate(run.options)
