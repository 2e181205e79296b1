"""Whether the same was prepared before: a fingerprint of files and wishes, without their pixels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.listing import READABLE, list_sequences
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.houdini.versions import latest
from cosmos_workflow.workflows.prepare_wishes import VERSION, Wishes

_RECIPE = 1
"""Counts up when the same wishes make other videos."""


def fingerprint(settings: Settings, folder: Path, wishes: Wishes) -> str:
    """64 hex digits made from the rendered files (name, size, time) and all that is asked.

    Empty for a folder that cannot be listed: what is wrong with it is for the reading to say.
    """
    asked = asdict(wishes) | {"reading": _plain(wishes), "recipe": _RECIPE, "again": None}
    if not (wishes.no_ai or wishes.description):
        from cosmos_workflow.workflows.describe import models_here

        asked["models"] = [settings.ai.model_dump(mode="json"), models_here(settings)]
    config = Path(wishes.reading.colour.config)
    if config.is_file():
        asked["config"] = config.stat().st_mtime_ns
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode())
    try:
        for line in _files(_folder(folder, wishes)):
            digest.update(line.encode(errors="surrogateescape"))
    except (OSError, MediaError):
        return ""
    return digest.hexdigest()


def prepared(videos: Path, mark: str) -> Path | None:
    """The newest shot with this fingerprint that still has every file, each of its size."""
    shots = sorted(videos.glob(f"[!.]*/{FILE_NAME}"), key=lambda one: one.parent.name[-15:])
    for file in reversed(shots):
        try:
            if mark in file.read_text(encoding="utf-8") and _whole(file.parent, mark):
                return file.parent
        except (OSError, UnicodeDecodeError, MediaError):
            continue  # not one that can be used again
    return None


def _whole(folder: Path, mark: str) -> bool:
    facts = ShotMetadata.load(folder)
    return facts.fingerprint == mark and all(
        (folder / name).stat().st_size == file.size for name, file in facts.files.items()
    )


def _plain(wishes: Wishes) -> dict[str, Any]:
    reading = wishes.reading
    tables = {
        "passes": reading.passes.model_dump(mode="json"),
        "colour": reading.colour.model_dump(mode="json"),
        "depth": reading.depth.model_dump(mode="json"),
    }
    frames = reading.frames.numbers if reading.frames else None
    return {"frames": frames, "handles": reading.handles, "latest": reading.latest, **tables}


def _folder(folder: Path, wishes: Wishes) -> Path:
    """The folder that the frames lie in."""
    if not wishes.reading.latest:
        return folder
    return latest(folder, lambda one: any(f.ending in READABLE for f in list_sequences(one)))


def _files(folder: Path) -> Iterator[str]:
    """A line for each file that may be part of the shot, in a fixed order."""
    place = folder.absolute()
    yield f"{place.parent.name if VERSION.fullmatch(place.name) else ''}/{place.name}\n"
    for name in sorted(filter(_counts, os.listdir(place))):  # noqa: PTH208  thousands: no Paths
        facts = os.stat(f"{place}/{name}")  # noqa: PTH116
        yield f"{name} {facts.st_size} {facts.st_mtime_ns}\n"


def _counts(name: str) -> bool:
    """Pictures, and what explains them; marks of finished or failed work begin with a ``_``."""
    return name.lower().endswith((*READABLE, ".json")) and not name.startswith((".", "_"))
