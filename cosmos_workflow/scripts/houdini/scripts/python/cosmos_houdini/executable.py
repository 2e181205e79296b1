"""Where the installed ``cosmos`` is, and which project it works in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .environment import outside
from .faults import CosmosFailed

NAMED = "COSMOS_EXECUTABLE"
REMEMBERED = "COSMOS_INSTALLED"
PROJECT = "COSMOS_PROJECT"
CONFIG = "config.toml"


def find(environ: Mapping[str, str]) -> str:
    """The path of ``cosmos``: COSMOS_EXECUTABLE, what was installed from, else on PATH.

    Raises CosmosFailed.
    """
    named = environ.get(NAMED, "")
    if named:
        if not _runs(named):
            raise CosmosFailed(
                f"{NAMED} is {named}, which is no program",
                "set it to the cosmos of your environment, or unset it",
            )
        return named
    remembered = environ.get(REMEMBERED, "")
    if _runs(remembered):
        return remembered
    found = shutil.which("cosmos", path=outside(environ).get("PATH", os.defpath))
    if found:
        return found
    gone = f"; {remembered} is gone" if remembered else ""
    raise CosmosFailed(
        f"cosmos is not found{gone}",
        f"in a terminal: cosmos houdini --install; or set {NAMED} to its path",
    )


def _runs(path: str) -> bool:
    return bool(path) and Path(path).is_file() and os.access(path, os.X_OK)


def project(environ: Mapping[str, str], *beside: str) -> str:
    """The project's folder: COSMOS_PROJECT, COSMOS_CONFIG's, or upward from ``beside``.

    ``beside``: folders such as those of the scene and of the frames, the first that has a project
    above it counts.  Raises CosmosFailed.
    """
    config = environ.get("COSMOS_CONFIG", "")
    named = environ.get(PROJECT, "") or (str(Path(config).parent) if config else "")
    if named:
        if not Path(named).is_dir():
            raise CosmosFailed(f"the project {named} is not a folder", f"{PROJECT} names it")
        return named
    for start in filter(None, beside):
        folder = Path(start).absolute()
        for one in (folder, *folder.parents):
            if (one / CONFIG).is_file():
                return str(one)
    raise CosmosFailed(
        f"no project of cosmos is above {' or '.join(filter(None, beside))}",
        f"in the project's folder: cosmos init; or set {PROJECT} to it",
    )
