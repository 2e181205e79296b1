"""PromptSpec: the creative intent of a shot, reusable by many runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, JsonValue, field_validator

from cosmos_workflow.config.load import load as load_settings
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import Spec, portable


class PromptSpec(Spec):
    """Words, an input video and control videos.

    Paths are stored relative to the project root, POSIX.  ``metadata`` is any JSON.
    ``parent`` is the id of the PromptSpec whose words these were made from, if any.
    """

    prefix: ClassVar[str] = "ps"
    kind: ClassVar[str] = "PromptSpec"

    prompt: str = Field(min_length=1)
    negative_prompt: str = ""
    input_video_path: str | None = None
    control_inputs: dict[Modality, str] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    parent: str | None = None

    @field_validator("prompt")
    @classmethod
    def _has_words(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the prompt is empty")
        return value

    @field_validator("control_inputs")
    @classmethod
    def _no_color(cls, value: dict[Modality, str]) -> dict[Modality, str]:
        if Modality.COLOR in value:
            raise ValueError("color is the input video, not a control")
        return value

    def content(self) -> dict[str, Any]:
        """Everything but the id; without a parent as it was before there were any."""
        found = super().content()
        return found if self.parent else {k: v for k, v in found.items() if k != "parent"}

    @classmethod
    def create(
        cls,
        name: str,
        prompt: str,
        negative_prompt: str = "",
        input_video_path: Path | str | None = None,
        control_inputs: Mapping[str, Path | str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        settings: Settings | None = None,
    ) -> Self:
        """A PromptSpec named by its content.  Raises SpecError; nothing is written."""
        settings = settings or load_settings()
        return cls.made(
            name=name,
            prompt=prompt,
            negative_prompt=negative_prompt,
            input_video_path=(
                portable(Path(input_video_path), settings) if input_video_path else None
            ),
            control_inputs={
                str(modality): portable(Path(path), settings)
                for modality, path in (control_inputs or {}).items()
            },
            metadata=dict(metadata or {}),
        )

    def save(self, *, settings: Settings | None = None) -> Path:
        """Write ``inputs/prompts/{date}/{name}_{timestamp}_{id}.json`` and return its path."""
        return self.write((settings or load_settings()).prompts_dir)
