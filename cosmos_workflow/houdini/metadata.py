"""``metadata.json``: what a prepared shot says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_workflow.errors import MediaError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import explain

FILE_NAME = "metadata.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileFacts(_Part):
    """One file of the folder: its content's sha256 and its bytes."""

    sha256: str
    size: int


class Frames(_Part):
    """Which rendered frames these are; ``handles`` of them at each end are outside the cut.

    ``step``: from one to the next; 0 when that is not always the same, and then ``numbers`` has
    them all: "1-4, 7".
    """

    first: int
    last: int
    step: int = 1
    handles: int = 0
    numbers: str = ""


class PassFacts(_Part):
    """Where one pass comes from.

    ``pattern``: the rendered files' name; ``files``: each of them, in order.  ``layer``: the AOV
    in them.  ``made``: the recipe, the preset and its values when it was not rendered.
    ``settings``: colour or depth, as applied.
    """

    pattern: str = ""
    files: tuple[str, ...] = ()
    layer: str = ""
    made: Mapping[str, Any] = Field(default_factory=dict)
    settings: Mapping[str, Any] = Field(default_factory=dict)


class Described(_Part):
    """What local models saw in the shot; ``models`` says which they were."""

    caption: str = ""
    tags: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    models: Mapping[str, str] = Field(default_factory=dict)


class ShotMetadata(BaseModel):
    """The facts of a prepared shot; paths are relative to the project root, POSIX.

    ``id``: 12 hex digits made from the content.  ``modalities`` begins with color, whose video is
    ``video_path``; each of the others is in ``control_inputs``.  ``resolution``: [width, height].

    What a shot of an earlier version does not have is empty.  ``source``: the render folder.
    ``fingerprint``: of the rendered files and of all settings; the same again is the same shot.
    ``files``: all of the folder but this one, by their paths in it.
    ``resized``: what was done to the size, in words, by pass.  ``masters``: lossless videos by
    pass.  ``legend``: path of the JSON that says what the colours of segmentation mean.
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
    source: str = ""
    fingerprint: str = ""
    frame_range: Frames | None = None
    passes: Mapping[Modality, PassFacts] = Field(default_factory=dict)
    files: Mapping[str, FileFacts] = Field(default_factory=dict)
    masters: Mapping[Modality, str] = Field(default_factory=dict)
    legend: str = ""
    resized: Mapping[Modality, str] = Field(default_factory=dict)
    prepared_for: str = ""
    described: Described | None = None

    def text(self) -> str:
        """The JSON of the file."""
        return self.model_dump_json(indent=2, exclude_unset=True) + "\n"

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
