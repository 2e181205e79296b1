"""The three local models: what each is for, where its files lie, and what of them is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cosmos_workflow.config.settings import LocalModels
from cosmos_workflow.errors import ConfigError, CosmosError, MissingExtra

Role = Literal["caption", "tags", "objects"]

ROLES: tuple[Role, ...] = ("caption", "tags", "objects")

KINDS: dict[Role, str] = {"caption": "blip", "tags": "vit", "objects": "detr"}
"""What ``config.json`` of a model of each role calls itself."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The files of weights that can be read, the better first; either may be an index of several."""


@dataclass(frozen=True)
class Model:
    """One of the models: ``source`` is an id of the hub or a folder; ``revision`` may be empty."""

    role: Role
    source: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.source} ({self.revision})" if self.revision else self.source

    @property
    def command(self) -> str:
        """How a person fetches it by hand."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.source}{revision} --local-dir {self.source.rpartition('/')[2]}"

    @property
    def key(self) -> str:
        """Where it is set, as a person finds it."""
        return f"[ai] {self.role}_model"

    @property
    def local(self) -> bool:
        """True for a folder of one's own, also one that is not there."""
        marks = self.source.startswith((".", "/", "~")) or "\\" in self.source
        return marks or Path(self.source).is_dir()


class NotHere(MissingExtra):
    """The weights of models are not on this machine, or not all of them."""

    def __init__(self, models: Sequence[Model], message: str = "") -> None:
        named = ", ".join(f"{model} for {model.role}" for model in models)
        commands = "".join(f"\n  {model.command}" for model in models)
        keys = ", ".join(f"{model.role}_model" for model in models)
        super().__init__(
            message or f"not on this machine: {named}",
            hint="cosmos describe --download fetches what is missing, once; or, on a machine with"
            f" a network:{commands}\nand the folder, copied here, as {keys} in [ai]",
        )
        self.models = tuple(models)
        self.whole = not message  # all of each is missing


def joined(faults: Sequence[CosmosError]) -> list[CosmosError]:
    """The same faults, the models that are not here at all told in one."""
    absent = [fault for fault in faults if isinstance(fault, NotHere) and fault.whole]
    if len(absent) < 2:
        return list(faults)
    wanted = [model for fault in absent for model in fault.models]
    return [NotHere(wanted), *(fault for fault in faults if fault not in absent)]


def models(settings: LocalModels) -> tuple[Model, ...]:
    """The models as they are set, in the order of ``ROLES``; a folder has no revisions."""
    named = [Model(role, getattr(settings, f"{role}_model")) for role in ROLES]
    return tuple(
        model
        if model.local
        else replace(model, revision=getattr(settings, f"{model.role}_revision"))
        for model in named
    )


def folder_of(model: Model) -> Path:
    """The folder that holds the whole model; nothing is asked of the network.

    Raises ConfigError for what can be no model, NotHere for one that is not here or half here.
    """
    folder = _own(model) if model.local else _cached(model)
    lacking = missing_files(folder, model.role)
    if lacking:
        what = (
            f"{model.key} = {model.source}: the folder" if model.local else f"{model} in {folder}"
        )
        raise NotHere([model], f"{what} is not complete: {', '.join(lacking)} missing")
    _check_kind(folder, model)
    return folder


def again(model: Model, folder: Path) -> str:
    """What to do about damaged files, as a hint."""
    if model.local:
        return f"copy the model to {folder} again"
    return f"remove {folder.parents[1]} and fetch it again: cosmos describe --download"


def missing_files(folder: Path, role: Role) -> list[str]:
    """What a folder lacks of a model: names of files, the first of several that would do."""
    needed = [("config.json",), ("preprocessor_config.json", "processor_config.json")]
    if role == "caption":
        needed.append(("tokenizer.json", "vocab.txt"))
    lacking = [names[0] for names in needed if not any((folder / n).is_file() for n in names)]
    for name in WEIGHTS:
        if (folder / name).is_file():
            return lacking
        index = folder / f"{name}.index.json"
        if index.is_file():
            return lacking + [part for part in parts(index) if not (folder / part).is_file()]
    return [*lacking, WEIGHTS[0]]


def parts(index: Path) -> list[str]:
    """The files that an index of weights names.  Raises MissingExtra when it is damaged."""
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise MissingExtra(
            f"{index} cannot be read: {error}",
            hint="remove the model's folder and fetch it again",
        ) from error


def _own(model: Model) -> Path:
    folder = Path(model.source).expanduser()
    if not folder.is_dir():
        raise ConfigError(
            f"{model.key} = {model.source!r}: there is no such folder",
            hint="a folder with config.json and model.safetensors, or an id of the hub, owner/name",
        )
    return folder


def _cached(model: Model) -> Path:
    """Where the hub's cache has the model's revision.  Raises ConfigError, NotHere."""
    from huggingface_hub import try_to_load_from_cache

    if not _ID.fullmatch(model.source) or ".." in model.source or "--" in model.source:
        raise ConfigError(
            f"{model.key} = {model.source!r} is neither a folder nor an id of the hub",
            hint="owner/name, like Salesforce/blip-image-captioning-base, or an existing folder",
        )
    found = try_to_load_from_cache(model.source, "config.json", revision=model.revision or None)
    if not isinstance(found, str):
        raise NotHere([model])
    return Path(found).parent


def _check_kind(folder: Path, model: Model) -> None:
    file = folder / "config.json"
    try:
        kind = json.loads(file.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise MissingExtra(
            f"the {model.role} model {model}: {file} cannot be read: {error}",
            hint=again(model, folder),
        ) from error
    if kind != KINDS[model.role]:
        raise ConfigError(
            f"{model.key} = {model.source}: a model of the kind {kind!r} cannot do this",
            hint=f"name a model of the kind {KINDS[model.role]!r}",
        )
