"""Sweep: what was varied, and the RunSpecs that came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.prompts.spec import Spec


class Sweep(Spec):
    """Axes as written, the seed of the draws, the PromptSpecs it is of, all else that was said; and
    its RunSpecs, in order."""

    prefix: ClassVar[str] = "sw"
    kind: ClassVar[str] = "Sweep"

    engine: str
    sources: list[str]
    axes: list[str]
    seed: int
    sample: int | None = None
    prompts: str = ""
    knobs: dict[str, JsonValue] = Field(default_factory=dict)
    runs: list[str] = Field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """What was wanted; what came of it has no part in the id."""
        return self.model_dump(mode="json", exclude={"id", "runs"})

    def save(self, *, settings: Settings) -> Path:
        """Write ``inputs/sweeps/{date}/{name}_{timestamp}_{id}.json`` and return its path."""
        return self.write(settings.sweeps_dir)
