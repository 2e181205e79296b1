"""What a rehearsal is asked to do: the strict reading of its ``spec.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality

Drawn = Literal["vis", "edge", "depth", "segmentation"]


class Part(BaseModel):
    """Base of the tables: unknown keys are errors, nothing changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Base(Part):
    """The video that everything is drawn on, and which pass it is."""

    modality: Modality
    video: Path


class Control(Part):
    """One control: its weight 0..1 and its video; None: made from the base (vis and edge only)."""

    weight: float = Field(ge=0, le=1)
    video: Path | None = None


class Parameters(Part):
    """The shared parameters, all of them given."""

    seed: int = Field(ge=0)
    num_steps: int
    guidance: float
    sigma_max: float
    fps: int = Field(ge=1)
    blur_strength: BlurStrength
    canny_threshold: CannyThreshold


class Options(Part):
    """``depth_near``: which end of the depth pass is close to the camera."""

    depth_near: Literal["white", "black"] = "white"


class Request(Part):
    """One rehearsal."""

    run_id: str
    name: str
    engine: Literal["preview"]
    prompt: str
    negative_prompt: str = ""
    base: Base
    controls: dict[Drawn, Control] = Field(default_factory=dict)
    parameters: Parameters
    options: Options = Options()


def read(path: Path) -> Request:
    """The request in a file.  Raises SpecError naming file, key and fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read {path}: {error}") from error
    try:
        return Request.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        lines = [f"{'.'.join(str(part) for part in f['loc'])}: {f['msg']}" for f in faults]
        raise SpecError(f"{path} is not a rehearsal: {'; '.join(lines)}") from error


def shares(request: Request) -> dict[str, float]:
    """Each control's part of the sum of weights; controls of weight 0 are left out."""
    used = {name: c.weight for name, c in sorted(request.controls.items()) if c.weight > 0}
    total = sum(used.values())
    return {name: weight / total for name, weight in used.items()}
