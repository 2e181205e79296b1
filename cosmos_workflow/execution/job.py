"""A job: a command or a request as plain data, made by an engine, readable by a person.

The engine knows nothing of the place where it runs, so whatever only that knows is a typed hole
that the driver fills: a ``Place`` in a command, an ``Attached`` in a request.  A prompt is an
ordinary string and is never searched for holes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    Recipes: ``canny`` {low, high}; ``conform`` {width, height, fps, frames} (yuv420p, tv range);
    ``still`` {frame} (a PNG).
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
    - ``parameters``: run id -> our names of the parameters, with the values the model is told.
    - ``outputs``: run id -> glob patterns relative to the workspace; the first is *the* result.
      Runs that share the job stand in the order in which the model takes them.
    - ``proofs``: run id -> files relative to the workspace, and the sha256 that each must have, or
      the result is another run's.
    - ``time_limit``: seconds, after which the whole process tree is ended; 0 for none.
    - ``after``: references of the place's own for jobs that have to succeed before it begins; only
      for a place that queues.
    - ``port``: of the machine's own 127.0.0.1, on which the job listens; it then sees inputs that
      come later, under the machine's paths.  0 for a job that serves nobody.
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
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    proofs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    port: int = 0
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attached:
    """Where an input goes in a request; ``key`` is the input's.

    - ``file``: a part of a form, sent as it is.
    - ``base64``, ``data_uri``: its bytes as text, written while they are sent.
    - ``path``: the path that the server itself reads; only where its machine is one of our hosts.
    - ``url``: an address of the service's own store, to which it is uploaded first.
    """

    key: str
    form: Literal["file", "base64", "data_uri", "path", "url"]
    media_type: str = "video/mp4"


@dataclass(frozen=True)
class RequestJob:
    """One generation asked of a service.

    - ``name``: unique for ever; sent as idempotency key where the service takes one.
    - ``dialect``: how the service is talked to; the target must speak the same.
    - ``route``: what of the address the engine decides: a model's name; empty for most.
    - ``body``: fields with JSON values whose leaves may be Attached.  ``encoding`` "form" sends
      them as parts of a form, those that are no scalars as JSON text.
    - ``parameters``: run id -> our names of the parameters, with the values the service is told.
    - ``requires``: what not every version of the service can do, in the dialect's words; it is
      asked for them before anything is uploaded.
    - ``patience``, ``attempts``: seconds the service may take for its answer (0: as long as it
      likes), and how often it is asked, where the answer is the result and has to be waited for.
    - ``expects``: where the answer is text, the shape that it has to have (``schema.py``); it is
      asked for again when it has another.
    - ``outputs``: run id -> the files that will be brought home; the first is *the* result.
    - ``time_limit``: seconds from submission, after which the job is cancelled; 0 for none.
    """

    name: str
    engine: str
    dialect: str
    body: Mapping[str, Any]
    outputs: Mapping[str, tuple[str, ...]]
    route: str = ""
    encoding: Literal["json", "form"] = "json"
    secrets: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    time_limit: int = 0
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    patience: int = 0
    attempts: int = 1
    expects: Mapping[str, Any] = field(default_factory=dict)


Job = CommandJob | RequestJob
"""What an engine plans."""


def fill(value: Any, where: Callable[[Place], str]) -> Any:
    """``value`` (nested dicts, lists, tuples) with every Place replaced by ``where(place)``."""
    if isinstance(value, Place):
        return where(value)
    if isinstance(value, Mapping):
        return {key: fill(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, where) for item in value]
    return value


def fill_attached(value: Any, where: Callable[[Attached], Any]) -> Any:
    """``value`` with every Attached replaced by ``where(attached)``."""
    if isinstance(value, Attached):
        return where(value)
    if isinstance(value, Mapping):
        return {key: fill_attached(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_attached(item, where) for item in value]
    return value


def render(file: WrittenFile, where: Callable[[Place], str]) -> str:
    """The text of a WrittenFile that holds JSON, UTF-8, ending in a newline."""
    filled = fill(file.json, where)
    if file.path.endswith(".jsonl"):
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in filled)
    return json.dumps(filled, ensure_ascii=False, indent=2) + "\n"
