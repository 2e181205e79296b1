"""The folder of this machine in which a job's small files are written before they are sent."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

PREFIX = "cosmos-stage-"
LEAST_S = 3600.0


def staging() -> tempfile.TemporaryDirectory[str]:
    """A new one, which goes when it is left; its name says whose it is."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def abandoned() -> list[Path]:
    """Those whose process was killed.  A process of another container may be out of sight, so
    nothing younger than an hour is among them."""
    latest = time.time() - LEAST_S
    found = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    return [path for path in found if _changed(path) < latest and not _alive(path)]


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # it has just been left
        return time.time()


def _alive(path: Path) -> bool:
    owner = re.match(r"(\d+)-", path.name.removeprefix(PREFIX))
    if owner is None or os.name != "posix":  # elsewhere signal 0 is no question
        return False
    try:
        os.kill(int(owner[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
