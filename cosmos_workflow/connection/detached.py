"""A process of this machine that outlives whoever started it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from cosmos_workflow.errors import HostError


def start(argv: Sequence[str], folder: Path, log: Path) -> int:
    """Start a program in ``folder``, in a session of its own; what it says is added to ``log``.

    Returns its pid.  Raises HostError when it cannot be started.
    """
    try:
        with log.open("ab") as file:
            process = subprocess.Popen(
                argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise HostError(f"{argv[0]} cannot be started: {error.strerror}") from error
    return process.pid
