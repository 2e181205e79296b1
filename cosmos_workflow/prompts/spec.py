"""What PromptSpec and RunSpec share: strict, frozen, named by content, one JSON file each."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.ids import content_id, date_folder, slug, timestamp


class Spec(BaseModel):
    """Base of the specs.  ``id`` is a hash of everything else."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    prefix: ClassVar[str]
    kind: ClassVar[str]

    id: str = ""
    name: str

    def content(self) -> dict[str, Any]:
        """Everything but the id, as JSON values: what the id is a hash of."""
        return self.model_dump(mode="json", exclude={"id"})

    def with_id(self) -> Self:
        """The same spec under the id of its content."""
        return self.model_copy(update={"id": content_id(self.prefix, self.content())})

    def write(self, folder: Path) -> Path:
        """Save below ``folder/{date}/``; the same content already saved there is found again."""
        present = sorted(folder.glob(f"*/*_{self.id}.json"))
        return present[0] if present else self.write_new(folder)

    def write_new(self, folder: Path) -> Path:
        """Save below ``folder/{date}/`` without a look for the same content."""
        path = folder / date_folder() / f"{slug(self.name)}_{timestamp()}_{self.id}.json"
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise SpecError(
                f"cannot write the {self.kind} {path}: {error.strerror}",
                hint="make room or check permissions; nothing was left half written",
            ) from error
        return path

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a spec file.  Raises SpecError naming file, key and what is allowed."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise SpecError(
                f"cannot read the {cls.kind} {path}: {error.strerror}",
                hint="cosmos list shows what there is",
            ) from error
        except UnicodeDecodeError as error:
            raise SpecError(
                f"{path} is not a {cls.kind}: it is not text",
                hint=f"{cls.kind}s are the JSON files that cosmos list shows",
            ) from error
        spec = cls.checked(text, str(path))
        named = spec.with_id()
        if spec.id and spec.id != named.id:
            raise SpecError(
                f"{path} was edited after it was made: it says {spec.id}, but is {named.id} now",
                hint='remove the "id" line to accept the edit under its new id',
            )
        return named

    @classmethod
    def checked(cls, text: str, where: str) -> Self:
        """Validate JSON text; ``where`` is named in the error."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SpecError(
                f"{where} is not a valid {cls.kind}", hint=explain(error, cls)
            ) from error

    @classmethod
    def made(cls, **values: Any) -> Self:
        """Validate given values and name them by content.  Raises SpecError."""
        text = json.dumps(values, default=_plain)
        return cls.checked(text, repr(values.get("name", ""))).with_id()


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Each fault on its own line: key, what is wrong, the closest known key."""
    lines = []
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        if fault["type"] == "extra_forbidden":
            known = list(model.model_fields)
            word = str(fault["loc"][-1])
            nested = model.model_fields.get(str(fault["loc"][0]))
            inner = nested.annotation if nested else None
            if len(fault["loc"]) > 1 and isinstance(inner, type) and issubclass(inner, BaseModel):
                known = list(inner.model_fields)
            lines.append(
                f"{place}: unknown key; {did_you_mean(word, known)}known: {', '.join(known)}"
            )
        else:
            lines.append(f"{place}: {fault['msg']}")
    return "\n".join(lines)


def portable(path: Path, settings: Settings) -> str:
    """``path`` as specs store it: relative to the project root and POSIX, else absolute."""
    absolute = path if path.is_absolute() else Path.cwd() / path
    absolute = Path(os.path.normpath(absolute))
    root = Path(os.path.normpath(settings.root))
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return absolute.as_posix()


def resolve(stored: str, settings: Settings) -> Path:
    """The file that a stored path means: relative ones start at the project root."""
    path = Path(stored).expanduser()
    return path if path.is_absolute() else settings.root / path


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    raise SpecError(f"{value!r} cannot be stored in a spec", hint="use text, numbers and lists")
