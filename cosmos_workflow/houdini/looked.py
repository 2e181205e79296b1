"""Every file of a shot looked at, side by side: what pictures they are, and which are broken."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.houdini.formats import Format, Report
from cosmos_workflow.houdini.picture import BrokenPicture, Growing, Picture
from cosmos_workflow.houdini.tally import Tally

_BATCH = 64
_LAYERS = ", "
"""What stands between the layers in a picture's kind."""
_FRESH = 60.0
"""Seconds since its last change within which a file that is cut short may still be written."""


@dataclass(frozen=True)
class Looked:
    """The files of one sequence: how many are which picture, and why others are broken.

    Only counts and a few names are kept, however many files there are.
    """

    name: str
    pictures: dict[Picture, Tally]
    broken: dict[str, Tally]

    @property
    def usual(self) -> Picture | None:
        """What most of them are; None when all are broken."""
        return max(self.pictures, key=lambda one: self.pictures[one].count, default=None)

    def faults(self) -> list[str]:
        """The broken files, then those that differ from the others in size or kind."""
        faults = [_said(files, why) for why, files in self.broken.items()]
        return faults + self._mixed(_size, _is) + self._mixed(_kind, _difference)

    def _mixed(self, what: Callable[[Picture], str], told: Callable[[str, str], str]) -> list[str]:
        groups: dict[str, Tally] = defaultdict(Tally)
        for picture, files in self.pictures.items():
            groups[what(picture)] = groups[what(picture)].plus(files)
        if len(groups) < 2:
            return []
        usual, *others = sorted(groups, key=lambda one: -groups[one].count)
        said = "; ".join(f"{groups[one]} {told(one, usual)}" for one in others)
        return [f"{self.name}: mixed pictures: {said}; the others {_short(usual)}"]


def look(
    sequences: Sequence[tuple[str, Format, Sequence[Path]]], report: Report | None = None
) -> list[Looked]:
    """Check all files of these sequences (name, format, paths); ``report`` gets done and all."""
    total, done = sum(len(paths) for _, _, paths in sequences), 0
    looked = []
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) + 1)) as pool:
        for name, kind, paths in sequences:
            pictures: dict[Picture, Tally] = defaultdict(Tally)
            broken: dict[str, Tally] = defaultdict(Tally)
            for start in range(0, len(paths), _BATCH):  # a batch at a time: memory stays flat
                batch = paths[start : start + _BATCH]
                results = pool.map(_checked, [kind] * len(batch), batch)
                for path, result in zip(batch, results, strict=True):
                    if isinstance(result, Picture):
                        pictures[result].add(path.name)
                    else:
                        broken[result].add(path.name)
                    done += 1
                    if report:
                        report(done, total)
            looked.append(Looked(name, dict(pictures), dict(broken)))
    return looked


def reason(path: Path, error: BrokenPicture | OSError) -> str:
    """Why the file cannot be read, to follow its name."""
    if isinstance(error, Growing) and _fresh(path):
        return f"{error}: still being written?"
    if isinstance(error, BrokenPicture):
        return str(error)
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if isinstance(error, FileNotFoundError):
        return "is a link to nowhere" if path.is_symlink() else "went away meanwhile"
    return f"cannot be read ({error.strerror or error})"


def _checked(kind: Format, path: Path) -> Picture | str:
    try:
        return kind.check(path)
    except (BrokenPicture, OSError) as error:
        return reason(path, error)


def _fresh(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < _FRESH
    except OSError:
        return False


def _said(files: Tally, why: str) -> str:
    if files.count > 1:
        first, _, rest = why.partition(" ")
        why = f"{ {'is': 'are', 'has': 'have'}.get(first, first) } {rest}"
    return f"{files} {why}"


def _size(picture: Picture) -> str:
    return f"{picture.width}x{picture.height}"


def _is(one: str, usual: str) -> str:
    return one


def _difference(one: str, usual: str) -> str:
    """The kind; of one with several layers only what it has more or less than usual."""
    if _LAYERS not in one + usual:
        return one
    these, those = (text.split(" ", 1)[1].split(_LAYERS) for text in (one, usual))
    lacks = _LAYERS.join(layer for layer in those if layer not in these)
    more = _LAYERS.join(layer for layer in these if layer not in those)
    return " and ".join([f"without {lacks}"] * bool(lacks) + [f"with {more}"] * bool(more)) or one


def _short(usual: str) -> str:
    """The kind of most files; of many layers only how many."""
    layers = usual.count(_LAYERS) + 1
    return usual if layers == 1 else f"have {layers} layers"


def _kind(picture: Picture) -> str:
    return f"{picture.bits}-bit {picture.kind}"
