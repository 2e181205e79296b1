"""``metadata.json``: what a prepared shot says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_workflow.errors import MediaError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import explain

FILE_NAME = "metadata.json"


class ShotMetadata(BaseModel):
    """The facts of a prepared shot; paths are relative to the project root, POSIX.

    ``id``: 12 hex digits made from the content.  ``modalities`` begins with color, whose video is
    ``video_path``; each of the others is in ``control_inputs``.  ``resolution``: [width, height].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: str = Field(min_length=1)
    description: str = ""
    frame_count: int = Field(ge=1)
    fps: int | float = Field(gt=0)
    modalities: tuple[Modality, ...]
    video_path: str
    control_inputs: dict[Modality, str] = Field(default_factory=dict)
    resolution: tuple[int, int]

    def text(self) -> str:
        """The JSON of the file."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file, or the one in a prepared shot's folder.  Raises MediaError."""
        path = path / FILE_NAME if path.is_dir() else path
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            raise MediaError(
                f"{path} does not describe a prepared shot", hint=explain(error, cls)
            ) from error
