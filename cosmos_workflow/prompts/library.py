"""Find specs on disk by path, id, id prefix or name, reading file names only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.ids import slug

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings

Kind = Literal["prompt", "run", "sweep"]

WORDS: dict[Kind, str] = {"prompt": "PromptSpec", "run": "RunSpec", "sweep": "sweep"}
PREFIXES: dict[Kind, str] = {"prompt": "ps", "run": "rs", "sweep": "sw"}
MOST_CANDIDATES = 5

_FILE = re.compile(r"(.+)_(\d{8}_\d{6})_((?:ps|rs|sw)_[0-9a-f]{8})\.json")
_ID = re.compile(r"(?:(ps|rs|sw)_)?([0-9a-f]{1,8})")


@dataclass(frozen=True, order=True)
class Entry:
    """One spec file by what its name says; sorts by time.  ``stamp`` is ``YYYYMMDD_HHMMSS``."""

    stamp: str
    name: str
    id: str
    path: Path


def all_prompts(settings: Settings) -> list[Entry]:
    """Every PromptSpec of the project, newest first; no file is opened."""
    return _entries("prompt", settings)


def all_runs(settings: Settings) -> list[Entry]:
    """Every RunSpec of the project, newest first; no file is opened."""
    return _entries("run", settings)


def all_sweeps(settings: Settings) -> list[Entry]:
    """Every sweep of the project, newest first; no file is opened."""
    return _entries("sweep", settings)


def find(settings: Settings, kind: Kind, text: str) -> Path:
    """The spec file that ``text`` means: a path, an id, the start of an id, or a name.

    Raises SpecError when nothing fits, naming what is close, and when several do, listing them.
    """
    return Shelf(settings, kind).find(text)


def fits(settings: Settings, kind: Kind, text: str) -> bool:
    """Whether an id, the start of one, or a name of that kind is ``text``; once or many times."""
    return Shelf(settings, kind).fits(text)


class Shelf:
    """The specs of a kind as they lie there when it is first asked: for many questions at once."""

    def __init__(self, settings: Settings, kind: Kind) -> None:
        self._settings, self._kind = settings, kind

    def find(self, text: str) -> Path:
        """As ``find``."""
        path = _as_path(self._settings, self._kind, text)
        if path:
            return path
        found = self._matching(text)
        if len(found) == 1:
            return found[0].path
        if found:
            raise _ambiguous(self._kind, text, found)
        raise _unknown(self._kind, text, self._entries)

    def fits(self, text: str) -> bool:
        """Whether an id, the start of one, or a name is ``text``; once or many times."""
        return bool(self._matching(text))

    @cached_property
    def _entries(self) -> list[Entry]:
        return _entries(self._kind, self._settings)

    @cached_property
    def _by_word(self) -> Mapping[str, list[Entry]]:
        """By the digits of its id, and by its name."""
        words: dict[str, list[Entry]] = {}
        for entry in self._entries:
            words.setdefault(f"#{entry.id[3:]}", []).append(entry)
            words.setdefault(entry.name, []).append(entry)
        return words

    def _matching(self, text: str) -> list[Entry]:
        """The best kind of match that finds anything; of equal ids only the newest file."""
        prefix, digits = "", ""
        if match := _ID.fullmatch(text.lower()):
            prefix, digits = match[1] or "", match[2]
        for word in (f"#{digits}", text, slug(text), ""):
            found = self._by_word.get(word, []) if word else self._begun(digits)
            right = [entry for entry in found if not prefix or entry.id.startswith(prefix)]
            if right:
                return list({entry.id: entry for entry in reversed(right)}.values())[::-1]
        return []

    def _begun(self, digits: str) -> list[Entry]:
        return [entry for entry in self._entries if digits and entry.id[3:].startswith(digits)]


def _entries(kind: Kind, settings: Settings) -> list[Entry]:
    folders = {"prompt": settings.prompts_dir, "run": settings.runs_dir}
    folder = folders.get(kind, settings.sweeps_dir)
    start = PREFIXES[kind] + "_"
    found = [
        Entry(stamp=match[2], name=match[1], id=match[3], path=Path(file))
        for file, name in _files(str(folder))
        if (match := _FILE.fullmatch(name)) and match[3].startswith(start)
    ]
    return sorted(found, key=lambda entry: (entry.stamp, entry.name, entry.id), reverse=True)


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Path and name of each file below ``folder``; an absent or closed folder has none."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            yield f"{parent}/{name}", name


def _as_path(settings: Settings, kind: Kind, text: str) -> Path | None:
    if not text.strip():
        raise SpecError(f"no {WORDS[kind]} is named", hint="give a path, an id or a name")
    try:
        for path in (Path(text).expanduser(), settings.root / text):
            if path.is_file():
                return path
            if path.is_dir() and "/" in text:
                raise SpecError(f"{text} is a folder, not a {WORDS[kind]} file")
    except (ValueError, OSError, RuntimeError):  # a name too long or strange to be a path
        return None
    if text.endswith(".json") or "/" in text or "\\" in text:
        raise SpecError(
            f"there is no {WORDS[kind]} file {text}",
            hint=f"ids and names do as well: cosmos list {kind}s shows them",
        )
    return None


def _ambiguous(kind: Kind, text: str, found: list[Entry]) -> SpecError:
    lines = [f"{entry.id}  {entry.stamp}  {entry.name}" for entry in found[:MOST_CANDIDATES]]
    if len(found) > MOST_CANDIDATES:
        lines.append(f"and {len(found) - MOST_CANDIDATES} more")
    return SpecError(
        f"{text!r} fits {len(found)} {WORDS[kind]}s",
        hint="give one of these ids, newest first:\n" + "\n".join(lines),
    )


def _unknown(kind: Kind, text: str, entries: list[Entry]) -> SpecError:
    other = next((one for one in WORDS if text.lower().startswith(PREFIXES[one] + "_")), kind)
    if other != kind:
        make = "cosmos create-run makes one from a PromptSpec"
        look = f"cosmos list {kind}s shows those there are"
        return SpecError(
            f"{text} is a {WORDS[other]}; a {WORDS[kind]} is needed here",
            hint=make if (kind, other) == ("run", "prompt") else look,
        )
    known = [entry.name for entry in entries] + [entry.id for entry in entries]
    guess = did_you_mean(text, known[:2000])
    part = next((name for name in known if slug(text) in name), "") if not guess else ""
    guess = guess or (f"did you mean {part!r}? " if part else "")
    rest = f"cosmos list {kind}s shows what there is" if entries else _none_yet(kind)
    return SpecError(f"there is no {WORDS[kind]} {text!r}", hint=guess + rest)


def _none_yet(kind: Kind) -> str:
    make = {
        "prompt": "cosmos create-spec NAME TEXT",
        "run": "cosmos create-run PROMPT_SPEC",
        "sweep": "cosmos sweep PROMPT_SPEC --vary seed=1..20",
    }[kind]
    return f"this project has none yet: {make} makes one"
