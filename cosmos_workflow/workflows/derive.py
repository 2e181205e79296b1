"""Makes the inputs that a plan only describes, once, and fixes every input by its content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cosmos_workflow.errors import CosmosError, SpecError
from cosmos_workflow.execution.job import Derived, Input, Job
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.video import controls


def fix_inputs(job: Job, cache: Path, say: Callable[[str], None]) -> Job:
    """The job with every input a real file with its sha256 and size.

    ``cache`` keeps derived files by content of their source and recipe, and the hashes of sources
    by size and time, so that a second run makes and reads nothing again.
    """
    hashes = _Hashes(cache / "sha256.json")
    fixed = tuple(_fixed(item, cache, hashes, say) for item in job.inputs)
    hashes.save()
    return replace(job, inputs=fixed)


def _fixed(item: Input, cache: Path, hashes: _Hashes, say: Callable[[str], None]) -> Input:
    source = item.source
    if isinstance(source, Derived):
        source = _made(source, cache, hashes, say)
    return replace(
        item,
        source=source,
        sha256=hashes.of(source),
        size=source.stat().st_size,
    )


def _made(derived: Derived, cache: Path, hashes: _Hashes, say: Callable[[str], None]) -> Path:
    settings = dict(derived.settings)
    key = json.dumps([derived.recipe, hashes.of(derived.source), settings], sort_keys=True)
    ending = "png" if derived.recipe == "still" else "mp4"
    path = cache / f"{derived.recipe}_{hashlib.sha256(key.encode()).hexdigest()[:16]}.{ending}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    say(f"making {derived.recipe} from {derived.source.name}")
    _RECIPES[derived.recipe](derived.source, path, **settings)
    return path


_RECIPES: dict[str, Callable[..., None]] = {
    "canny": controls.canny,
    "conform": controls.conform,
    "still": controls.still,
}


class _Hashes:
    """sha256 by path, size and modification time; the file on disk is a cache, not a truth."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = {}
        self._new = False
        try:
            self._known = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str:
        try:
            facts = path.stat()
        except OSError as error:
            raise SpecError(f"cannot read the input {path}: {error.strerror}") from error
        key = f"{path}|{facts.st_size}|{facts.st_mtime_ns}|{facts.st_ino}"
        if key not in self._known:
            self._known[key] = sha256_file(path)
            self._new = True
        return self._known[key]

    def save(self) -> None:
        if not self._new:
            return
        beside = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self._known), encoding="utf-8")
            beside.replace(self._file)
        except OSError as error:
            raise CosmosError(
                f"cannot write {self._file}: {error.strerror}",
                hint="make room or check permissions; nothing was started",
            ) from error
