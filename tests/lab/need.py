"""What the lab's tests need from the machine: found, or skipped with a reason, or failed in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test and say why; with ``CI=true`` a skip is a failure."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason} (CI=true: a lab test may not be skipped)", pytrace=False)
    pytest.skip(reason)


def need(program: str) -> str:
    """The absolute path of ``program``, also looked for where only root's PATH goes."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"))
    found = shutil.which(program, path=path)
    if found is None:
        missing(f"{program} is not installed")
    return str(Path(found))


def need_root() -> None:
    """Some servers start only as root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        missing("this lab test starts a server that needs root")
