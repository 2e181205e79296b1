"""Versions of a render: ``comp/v3``, ``comp/v010``, ``shot_v3``, and the highest with frames."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import MediaError

_NAME = re.compile(r"(|.*[._ -])v([0-9]{1,6})", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Version:
    """A folder that is a version: what of (``"shot_"``, empty for ``v3``), and which."""

    number: int
    of: str
    path: Path


def versions_in(folder: Path) -> tuple[Version, ...]:
    """The versions that lie in ``folder``, the lowest first.  Raises OSError."""
    found = []
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name and path.is_dir():
            found.append(Version(int(name[2]), name[1], path))
    return tuple(sorted(found, key=lambda one: (one.number, one.path.name)))


def latest(folder: Path, holds_frames: Callable[[Path], bool]) -> Path:
    """The highest version with frames below ``folder``, or beside it when it is one itself.

    Raises MediaError when there is none, or when two folders could be meant; OSError.
    """
    versions = versions_in(folder)
    if not versions:
        versions = _beside(folder)
    if not versions:
        raise MediaError(
            f"{folder} has no versions (v1, v2 ...) and is none itself",
            hint="leave --latest out, or name the folder that they lie in",
        )
    things = sorted({one.of for one in versions})
    if len(things) > 1:
        named = ", ".join(f"{thing}v#" for thing in things)
        raise MediaError(
            f"{folder} has versions of several things: {named}", hint="name the folder you mean"
        )
    for number in sorted({one.number for one in versions}, reverse=True):
        held = [one.path for one in versions if one.number == number and holds_frames(one.path)]
        if len(held) > 1:
            both = " and ".join(path.name for path in held)
            raise MediaError(
                f"{both} in {held[0].parent} are the same version", hint="name the one you mean"
            )
        if held:
            return held[0]
    raise MediaError(f"no version holds frames: {listed(versions)} in {versions[0].path.parent}")


def listed(versions: tuple[Version, ...], most: int = 6) -> str:
    """``"v1, v2, v10"``; of many the highest."""
    names = [one.path.name for one in versions]
    return ("... " if len(names) > most else "") + ", ".join(names[-most:])


def _beside(folder: Path) -> tuple[Version, ...]:
    """The versions of the same thing as ``folder``, which is one of them; else none."""
    itself = Path(os.path.abspath(folder))  # noqa: PTH100  (also the name of ".", links kept)
    name = _NAME.fullmatch(itself.name)
    if not name:
        return ()
    return tuple(one for one in versions_in(itself.parent) if one.of == name[1])
