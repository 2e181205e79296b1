"""RunSpec: one execution's configuration, complete: engine, weights, parameters, options."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cosmos_workflow.config.load import load as load_settings
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.spec import Spec


class Parameters(BaseModel):
    """The knobs that engines share.  None: this engine has no such knob.

    Ranges belong to the engine (``Engine.limits``) and are checked at creation and again at run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int | None = None
    num_steps: int | None = None
    guidance: float | None = None
    sigma_max: float | None = None
    fps: int | None = None
    blur_strength: BlurStrength | None = None
    canny_threshold: CannyThreshold | None = None


class Origin(BaseModel):
    """Where a RunSpec comes from: its ``number`` in a sweep, from 1, and the value of each axis."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sweep: str
    number: int = Field(ge=1)
    point: dict[str, int | float | str]


class RunSpec(Spec):
    """What to run: a prompt on an engine, with weights, parameters and the engine's own options.

    ``control_weights`` values are numbers, or the stored path of a ``.pt`` weight map.
    ``parent`` is the id of the run or spec that this one was made from, if any.
    ``origin`` is the sweep that first made it, if any; like its place on disk it is no content.
    """

    prefix: ClassVar[str] = "rs"
    kind: ClassVar[str] = "RunSpec"

    prompt_spec_id: str
    prompt_spec_path: str
    engine: str
    control_weights: dict[Modality, float | str] = Field(default_factory=dict)
    parameters: Parameters = Parameters()
    options: dict[str, JsonValue] = Field(default_factory=dict)
    parent: str | None = None
    origin: Origin | None = None

    @classmethod
    def create(cls, **values: Any) -> Self:
        """A RunSpec named by its content.  Raises SpecError; nothing is written."""
        return cls.made(**values)

    def content(self) -> dict[str, Any]:
        """Everything that is run: not the id, nor where it or its PromptSpec (by id) come from."""
        return self.model_dump(mode="json", exclude={"id", "prompt_spec_path", "origin"})

    def save(self, *, settings: Settings | None = None) -> Path:
        """Write ``inputs/runs/{date}/{name}_{timestamp}_{id}.json`` and return its path."""
        return self.write((settings or load_settings()).runs_dir)
