"""Luma's Dream Machine: words, and pictures that it begins and ends with, to video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from cosmos_workflow.engines.engine import Options, RunRequest
from cosmos_workflow.engines.request import RequestEngine
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import RequestJob

LINK = r"^(https://\S+)?$"


class LumaOptions(Options):
    """As the service names them; it has no store, so that pictures are addresses of the web."""

    model: Literal["ray-2", "ray-flash-2"] = Field("ray-2", description="which model")
    resolution: Literal["540p", "720p", "1080p", "4k"] = Field("720p", description="of the result")
    duration: Literal["5s", "9s"] = Field("5s", description="of the result")
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"] = Field(
        "16:9", description="of the result"
    )
    loop: bool = Field(False, description="whether its end meets its beginning")
    first: str = Field("", pattern=LINK, description="https address of the first frame")
    last: str = Field("", pattern=LINK, description="https address of the last frame")


class Luma(RequestEngine):
    """One generation."""

    name: ClassVar[str] = "luma"
    dialect: ClassVar[str] = "luma"
    summary: ClassVar[str] = "Luma's Dream Machine: words, first and last frame to video"
    Options: ClassVar[type[Options]] = LumaOptions
    licence: ClassVar[str] = "Luma's terms of use; what it makes is watermarked on some plans"

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What it has no field for, and is left out."""
        left = [*(["the input video"] if request.input_video else []), *request.controls]
        left += ["the negative prompt"] if request.prompt.negative_prompt else []
        return (f"words alone: left out: {', '.join(left)}",) if left else ()

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The generation of one run."""
        if len(requests) != 1:
            raise SpecError(f"luma takes one run a job, not {len(requests)}", hint="one by one")
        (request,) = requests
        options = LumaOptions.model_validate(settle(self, request.run, request.prompt).options)
        ends = {"frame0": options.first, "frame1": options.last}
        frames = {key: {"type": "image", "url": link} for key, link in ends.items() if link}
        body: dict[str, Any] = {
            "generation_type": "video",
            "prompt": request.prompt.prompt,
            **options.model_dump(exclude={"first", "last"}),
            **({"keyframes": frames} if frames else {}),
        }
        return RequestJob(
            name=request.job_name,
            engine=self.name,
            dialect=self.dialect,
            body=body,
            outputs={request.run_id: ("outputs/output.mp4",)},
            time_limit=request.time_limit,
        )
