"""A job: one command as plain data, made by an engine, readable by a person and by any launcher.

The engine knows nothing of the machine, so whatever only the machine knows is a ``Place``: a typed
hole that the driver fills.  A prompt is an ordinary string and is never searched for holes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Root = Literal["workspace", "input", "checkpoints", "python"]


@dataclass(frozen=True)
class Place:
    """A path that only the target knows, as the *job* will see it (inside its container).

    - ``workspace``: the job's own folder; ``path`` is relative to it.
    - ``input``: a staged input; ``path`` is the input's key.
    - ``checkpoints``: the folder of model weights; ``path`` is relative to it.
    - ``python``: a Python interpreter that has this package; ``path`` is empty.
    """

    root: Root
    path: str = ""

    def __str__(self) -> str:
        return f"{{{self.root}}}" + (f"/{self.path}" if self.path else "")


Arg = str | Place


@dataclass(frozen=True)
class Derived:
    """An input that must be made first: a recipe, what it is made from, and its settings.

    The plan only describes it; ``workflows/derive.py`` makes it once and stores it by content.
    Recipes: ``canny`` {low, high}; ``conform`` {width, height, fps, frames} (yuv420p, tv range).
    """

    recipe: str
    source: Path
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """A file the job reads.  ``key`` names it in Places; ``name`` is its file name on the target.

    ``sha256`` and ``size`` are set once the file is known to be final (``workflows/derive.py``):
    it is staged under that hash, so a later edit cannot change a queued run.
    """

    key: str
    name: str
    source: Path | Derived
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True)
class WrittenFile:
    """A small file written into the workspace: JSON (with Places in it), or one of our scripts.

    Exactly one of ``json`` (any JSON value whose leaves may be Places; written as one document,
    or one line per item if ``path`` ends in ``.jsonl``) and ``script`` (a file name in
    ``cosmos_workflow/scripts``).
    """

    path: str
    json: Any = None
    script: str = ""


@dataclass(frozen=True)
class CommandJob:
    """One command on a machine.

    - ``name``: unique for ever; container name, label and workspace folder are made from it.
    - ``image``: container image by the engine's own choice, or None for a plain command.
    - ``env``: set in the job; never a secret.  ``secrets``: names whose values are passed through
      standard input at the last moment.
    - ``gpus``: how many; 0 for none.  ``cuda_devices``: which ("0,1"), or all the machine has.
    - ``outputs``: run id -> glob patterns relative to the workspace; the first is *the* result.
    - ``time_limit``: seconds, after which the whole process tree is ended; 0 for none.
    """

    name: str
    engine: str
    argv: tuple[Arg, ...]
    outputs: Mapping[str, tuple[str, ...]]
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    gpus: int = 0
    cuda_devices: str = ""
    inputs: tuple[Input, ...] = ()
    files: tuple[WrittenFile, ...] = ()
    time_limit: int = 0


def fill(value: Any, where: Callable[[Place], str]) -> Any:
    """``value`` (nested dicts, lists, tuples) with every Place replaced by ``where(place)``."""
    if isinstance(value, Place):
        return where(value)
    if isinstance(value, Mapping):
        return {key: fill(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, where) for item in value]
    return value


def render(file: WrittenFile, where: Callable[[Place], str]) -> str:
    """The text of a WrittenFile that holds JSON, UTF-8, ending in a newline."""
    filled = fill(file.json, where)
    if file.path.endswith(".jsonl"):
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in filled)
    return json.dumps(filled, ensure_ascii=False, indent=2) + "\n"


def job_to_json(job: CommandJob) -> dict[str, Any]:
    """The job as a JSON object; ``job_from_json`` is its inverse."""
    return {
        **asdict(job),
        "argv": [_pack(arg) for arg in job.argv],
        "inputs": [
            {
                "key": item.key, "name": item.name, "sha256": item.sha256, "size": item.size,
                "source": _pack_source(item.source),
            }
            for item in job.inputs
        ],
        "files": [
            {"path": file.path, "json": _pack(file.json), "script": file.script}
            for file in job.files
        ],
    }  # fmt: skip


def job_from_json(data: Mapping[str, Any]) -> CommandJob:
    """Read back what ``job_to_json`` wrote."""
    return CommandJob(
        name=data["name"],
        engine=data["engine"],
        argv=tuple(_unpack(arg) for arg in data["argv"]),
        outputs={run: tuple(patterns) for run, patterns in data["outputs"].items()},
        image=data["image"],
        env=dict(data["env"]),
        secrets=tuple(data["secrets"]),
        gpus=data["gpus"],
        cuda_devices=data["cuda_devices"],
        inputs=tuple(
            Input(i["key"], i["name"], _unpack_source(i["source"]), i["sha256"], i["size"])
            for i in data["inputs"]
        ),
        files=tuple(WrittenFile(f["path"], _unpack(f["json"]), f["script"]) for f in data["files"]),
        time_limit=data["time_limit"],
    )


def _pack(value: Any) -> Any:
    """Places as ``{"$place": [root, path]}``: a string is always just that string.

    An object that looks like one of our marks is wrapped, so that no input can be read as a Place.
    """
    if isinstance(value, Place):
        return {"$place": [value.root, value.path]}
    if isinstance(value, Mapping):
        packed = {key: _pack(item) for key, item in value.items()}
        return {"$object": packed} if {"$place", "$object"} & set(packed) else packed
    if isinstance(value, list | tuple):
        return [_pack(item) for item in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"$place"}:
            return Place(*value["$place"])
        if set(value) == {"$object"}:
            value = value["$object"]
        return {key: _unpack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    return value


def _pack_source(source: Path | Derived) -> Any:
    if isinstance(source, Derived):
        return {
            "recipe": source.recipe,
            "source": str(source.source),
            "settings": dict(source.settings),
        }
    return str(source)


def _unpack_source(data: Any) -> Path | Derived:
    if isinstance(data, Mapping):
        return Derived(data["recipe"], Path(data["source"]), dict(data["settings"]))
    return Path(data)
