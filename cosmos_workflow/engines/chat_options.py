"""What a chat model is asked beyond the prompt, and the rules between options."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue

from cosmos_workflow.engines import engine
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.run_spec import RunSpec


class ChatOptions(engine.Options):
    """Options of the engine ``chat``."""

    model: str = Field("", description="which model; empty: the only one that the service lists")
    structured: bool = Field(False, description="a structured caption of Cosmos 3 instead of prose")
    instructions: Literal["auto", "prose-1", "caption-1"] = Field(
        "auto", description="version of what the model is told; auto: the newest"
    )
    frames: int = Field(2, ge=0, le=8, description="pictures of the input video that it is shown")
    words: int = Field(150, ge=20, le=250, description="prose: at most so many words")
    temperature: float = Field(0.6, ge=0, le=2, description="the higher, the more varied")
    max_tokens: int = Field(
        0, ge=0, description="tokens of an answer; 0: 1000, and 8192 for a structured caption"
    )
    resolution: Literal["256", "480", "720"] = Field(
        "720", description="structured: the resolution that the caption is for"
    )
    aspect_ratio: Literal["auto", "16,9", "4,3", "1,1", "3,4", "9,16"] = Field(
        "auto", description="structured: its shape; auto: the input video's, or 16,9"
    )
    seconds: int = Field(
        0, ge=0, le=600, description="structured: its length; 0: the input video's, or 5"
    )
    fps: int = Field(
        0, ge=0, le=120, description="structured: its frames a second; 0: the input video's, or 24"
    )
    timeout: int = Field(300, ge=1, description="seconds that the answer may take, in all")
    attempts: int = Field(
        3, ge=1, le=10, description="how often it is asked when it is busy or at fault"
    )
    extras: dict[str, JsonValue] = Field(
        {}, description="further fields of the request; null leaves one away"
    )


def options_of(run: RunSpec) -> ChatOptions:
    """The options of a settled run."""
    return ChatOptions.model_validate(run.options)


def check(run: RunSpec) -> None:
    """Raise SpecError for instructions of the other kind, and fields that are the spec's."""
    options = options_of(run)
    kind = "caption" if options.structured else "prose"
    if options.instructions != "auto" and not options.instructions.startswith(kind):
        raise SpecError(
            f"--option instructions={options.instructions} does not go with "
            f"structured={str(options.structured).lower()}",
            hint=f"instructions=auto, or one that begins with {kind}",
        )
    for key in ("messages", "model", "stream"):
        if key in options.extras:
            raise SpecError(
                f"--option extras: the field {key} is made from the spec",
                hint="the prompt is the PromptSpec's, the model is --option model=NAME",
            )


def merged(body: dict[str, Any], extras: dict[str, JsonValue]) -> dict[str, Any]:
    """The request with what else a person wants in it, and without what they want away."""
    return {key: value for key, value in {**body, **extras}.items() if value is not None}
