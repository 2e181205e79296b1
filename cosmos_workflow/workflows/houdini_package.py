"""The package that makes Houdini find our shelf: where Houdini looks, and writing it there."""

from __future__ import annotations

import json
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cosmos_workflow.errors import ConfigError

FILES = Path(__file__).parents[1] / "scripts" / "houdini"
"""The folder that goes into HOUDINI_PATH."""
NAME = "cosmos.json"
MARK = "COSMOS_INSTALLED"
"""The variable of the package that holds the path of ``cosmos``; by it we know our own file."""
OLDEST = (19, 5)
PLACES = (
    "houdini*.*",
    "Library/Preferences/houdini/*.*",
    "Documents/houdini*.*",
    "OneDrive/Documents/houdini*.*",
)
"""Preference folders below a home: Linux, macOS, Windows, Windows with a moved Documents."""


@dataclass(frozen=True)
class Package:
    """A package file: ``absent``, ``ours`` as it should be, ``old`` (to renew) or ``foreign``."""

    path: Path
    state: Literal["absent", "ours", "old", "foreign"]


def executable() -> Path:
    """The ``cosmos`` of this installation.  Raises ConfigError."""
    name = "cosmos.exe" if os.name == "nt" else "cosmos"
    here = Path(sysconfig.get_path("scripts")) / name
    found = str(here) if here.is_file() else shutil.which("cosmos")
    if not found:
        raise ConfigError(
            "this installation has no cosmos command that Houdini could call",
            hint="install it into an environment: pip install cosmos-workflow",
        )
    return Path(found).absolute()


def preferences(home: Path) -> list[Path]:
    """Houdini's preference folders of this user, of versions that can be used; the newest first."""
    found: dict[Path, tuple[int, int]] = {}
    named = os.environ.get("HOUDINI_USER_PREF_DIR", "")
    places = [Path(named)] if named and Path(named).is_dir() else []
    for folder in (*places, *(one for place in PLACES for one in home.glob(place))):
        version = re.fullmatch(r"(?:houdini)?(\d+)\.(\d+)", folder.name)
        number = (int(version[1]), int(version[2])) if version else OLDEST
        if folder.is_dir() and number >= OLDEST and (version or folder in places):
            found.setdefault(folder, number)
    return sorted(found, key=lambda folder: found[folder], reverse=True)


def package(folder: Path, cosmos: Path) -> Package:
    """The package file of a preference folder (or of a folder named ``packages``)."""
    path = (folder if folder.name == "packages" else folder / "packages") / NAME
    try:
        there = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Package(path, "absent")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    if there == text(cosmos):
        return Package(path, "ours")
    return Package(path, "old" if MARK in _variables(there) else "foreign")


def text(cosmos: Path) -> str:
    """The content of the package file, for the files and the ``cosmos`` of this installation."""
    env = [{"HOUDINI_PATH": FILES.as_posix()}, {MARK: cosmos.as_posix()}]
    return json.dumps({"env": env}, indent=4, ensure_ascii=False) + "\n"


def write(folder: Path, cosmos: Path) -> Package:
    """Write the package file; how it was before is returned.

    Raises ConfigError: the folder is not there, the file is somebody else's, or no right to write.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is not a folder",
            hint="Houdini makes its preference folder when it is started once",
        )
    before = package(folder, cosmos)
    if before.state == "foreign":
        raise ConfigError(
            f"{before.path} is not ours, and is left as it is",
            hint="rename it, or put the two variables of cosmos houdini --json into it",
        )
    if before.state == "ours":
        return before
    beside = before.path.with_name(f".{NAME}.new")
    try:
        before.path.parent.mkdir(exist_ok=True)
        beside.write_text(text(cosmos), encoding="utf-8")
        beside.replace(before.path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"cannot write {before.path}: {error.strerror}",
            hint="name a folder that you may write to: cosmos houdini --install DIR",
        ) from error
    return before


def _variables(there: str) -> Iterator[str]:
    try:
        value = json.loads(there)
    except ValueError:
        return
    env = value.get("env") if isinstance(value, dict) else None
    for one in env if isinstance(env, list) else []:
        yield from one if isinstance(one, dict) else []
