"""One look at a folder that may hold a shot: its sequences, its marker, what lies below."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.errors import CosmosError, MediaError, MissingExtra, did_you_mean
from cosmos_workflow.houdini.arrivals import Look, Note, Strip
from cosmos_workflow.houdini.formats import FORMATS
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.houdini.listing import READABLE, NumberedName
from cosmos_workflow.houdini.picture import BrokenPicture, Growing
from cosmos_workflow.prompts.enums import Modality

MARKER = "_cosmos_ready"
"""The marker's name; with ``.json`` behind it, it may hold a note."""

NOTE = "_cosmos_shot.json"
"""A note that is there before the frames are."""

_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_LAST_FRAMES = 12


@dataclass(frozen=True)
class Eye:
    """What is looked for: the marker's name, and the stems that are passes by their name."""

    root: Path
    marker: str = MARKER
    passes: frozenset[str] = frozenset()

    @classmethod
    def made(cls, root: Path, marker: str, passes: Passes) -> Eye:
        """The eye for a folder and the names of ``[passes]``."""
        names = {str(one) for one in Modality}
        names.update(*passes.model_dump().values())
        return cls(root, marker, frozenset(name.lower() for name in names))


def look(eye: Eye, folder: str) -> Look:
    """What lies in ``folder`` (below the root; "" is the root itself).  Raises OSError."""
    place = eye.root / folder
    pictures: list[tuple[str, os.stat_result]] = []
    notes: dict[str, os.stat_result] = {}
    below: list[str] = []
    with os.scandir(place) as entries:
        for entry in entries:
            name = entry.name
            if name in (eye.marker, f"{eye.marker}.json", NOTE):
                notes[name] = entry.stat()
            elif name[0] in "._":
                continue
            elif entry.is_dir(follow_symlinks=False):
                below.append(f"{folder}/{name}" if folder else name)
            elif _frame(name):
                with suppress(FileNotFoundError):  # removed a moment ago, or a link to nowhere
                    pictures.append((name, entry.stat()))
    newest = max([place.stat().st_mtime, *(_changed(stat) for _, stat in pictures)])
    if not pictures:
        return Look(folder, newest=newest, below=tuple(sorted(below)))
    note, fault = _note(eye, place, notes)
    ready = [stat for name, stat in notes.items() if name != NOTE]
    return Look(
        folder=folder,
        signature=_signature([*pictures, *notes.items()]),
        strips=_strips((name for name, _ in pictures), eye.passes),
        newest=newest,
        pace=_pace(pictures),
        ready=any(_after(stat, (one for _, one in pictures)) for stat in ready),
        note=note,
        fault=fault,
        below=tuple(sorted(below)),
    )


def watched(folder: str) -> bool:
    """Whether no part of a path below the root is hidden (``.x``) or set aside (``_x``)."""
    return not any(part.startswith((".", "_")) for part in folder.split("/"))


def first_cut(eye: Eye, folder: str) -> str:
    """The first picture that is cut short, as one is that is still being written; "" for none.

    Of a PNG the last bytes are looked at, of an EXR its table of lines.  Raises OSError.
    """
    with os.scandir(eye.root / folder) as entries:
        names = sorted(e.name for e in entries if e.name[0] not in "._" and _frame(e.name))
    for name in names:
        if not _whole(eye.root / folder / name):
            return f"{name} is cut short"
    return ""


def _frame(name: str) -> NumberedName | None:
    parts = NumberedName.parse(name)
    return parts if parts and parts.suffix[1:].lower() in READABLE else None


def _whole(path: Path) -> bool:
    if path.suffix.lower() == ".png":
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_PNG_END)))
            return file.read() == _PNG_END
    try:
        FORMATS[path.suffix[1:].lower()]().check(path)
    except Growing:
        return False
    except (BrokenPicture, MissingExtra):
        return True  # that is for prepare to tell, with all other faults
    return True


def _changed(stat: os.stat_result) -> float:
    """When a file got here or was written: a copy that keeps old times is still new."""
    return stat.st_mtime if os.name == "nt" else max(stat.st_mtime, stat.st_ctime)


def _after(marker: os.stat_result, frames: Any) -> bool:
    """Whether the marker is newer than every frame, and got here after them."""
    return all(
        marker.st_mtime_ns >= frame.st_mtime_ns and _changed(marker) >= _changed(frame)
        for frame in frames
    )


def _signature(files: list[tuple[str, os.stat_result]]) -> str:
    """Of names, sizes, times, and who may read: a file that becomes readable is a change."""
    lines = sorted(
        f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_mode & 0o444}"
        for name, stat in files
    )
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _strips(names: Any, passes: Collection[str]) -> tuple[Strip, ...]:
    """The sequences; where some are passes by their name, the others do not count."""
    found: dict[str, set[int]] = defaultdict(set)
    for name in names:
        parts = _frame(name)
        if parts:
            found[parts.stem].add(int(parts.digits))
    named = {stem for stem in found if stem.lower() in passes}
    return tuple(
        Strip(stem or "frames", frozenset(numbers), counts=not named or stem in named)
        for stem, numbers in sorted(found.items())
    )


def _pace(pictures: Iterable[tuple[str, os.stat_result]]) -> float:
    """The middle one of the waits between the frames written last, whatever their order; one
    frame that was mended a day later does not change it."""
    done: dict[int, float] = {}
    for name, stat in pictures:
        parts = _frame(name)
        if parts:
            number = int(parts.digits)
            done[number] = max(done.get(number, 0.0), stat.st_mtime)
    last = sorted(done.values())[-_LAST_FRAMES:]
    return median(b - a for a, b in pairwise(last)) if len(last) > 1 else 0.0


def _note(eye: Eye, place: Path, present: Collection[str]) -> tuple[Note, str]:
    """The marker's note before the other one's, and what is wrong with it."""
    for name in (f"{eye.marker}.json", eye.marker, NOTE):
        if name not in present:
            continue
        try:
            text = (place / name).read_text(encoding="utf-8")
            if text.strip():
                return read_note(text), ""
        except (OSError, UnicodeDecodeError) as error:
            return Note(), f"{name} cannot be read: {error}"
        except CosmosError as error:
            return Note(), f"{name}: {error.message}" + (f" ({error.hint})" if error.hint else "")
    return Note(), ""


def read_note(text: str) -> Note:
    """A note from JSON: ``{"frames": "1001-1240", "name": ..., ...}``.  Raises MediaError."""
    known = {field.name for field in fields(Note)}
    try:
        data = json.loads(text)
    except ValueError as error:
        raise MediaError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise MediaError("not a JSON object", hint=f"known keys: {', '.join(sorted(known))}")
    for key, value in data.items():
        if key not in known:
            guess = did_you_mean(str(key), sorted(known))
            raise MediaError(f"unknown key {key!r}", hint=f"{guess}known: {', '.join(known)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number if key == "fps" else isinstance(value, str)):
            raise MediaError(f"{key} must be {'a number' if key == 'fps' else 'text'}")
    frames = FrameRange.parse(data["frames"]) if data.get("frames") else None
    return Note(**{**data, "frames": frames})
