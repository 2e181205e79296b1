"""Which workers of the queue live: each holds a lock that ends with its process."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cosmos_workflow.errors import CosmosError

NEW_S = 2.0
"""Seconds in which a worker surely holds its file."""


@contextmanager
def at_work(folder: Path) -> Iterator[str]:
    """Be a worker; its name, which no other has."""
    from filelock import FileLock

    name = f"{os.getpid()}-{secrets.token_hex(3)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(_file(folder, name), timeout=0)
        lock.acquire()
    except OSError as error:
        raise CosmosError(
            f"cannot write in {folder}: {error.strerror}", hint="make room or check permissions"
        ) from error
    try:
        yield name
    finally:
        lock.release()
        with suppress(OSError):
            _file(folder, name).unlink()


def alive(folder: Path, name: str) -> bool:
    """Whether the worker of that name is at work, on this machine."""
    from filelock import FileLock, Timeout

    file = _file(folder, name)
    if not file.exists():
        return False
    lock = FileLock(file, timeout=0)
    try:
        with lock:
            pass
    except Timeout:
        return True
    with suppress(OSError):
        file.unlink()
    return False


def living(folder: Path) -> list[str]:
    """Every worker that is at work here, on this machine.

    One that has just come is not asked: it may have made its file and not hold it yet.
    """
    files = sorted(folder.glob("worker-*.lock"))
    names = [file.name.removeprefix("worker-").removesuffix(".lock") for file in files]
    return [name for name in names if _is_new(_file(folder, name)) or alive(folder, name)]


def _is_new(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime < NEW_S
    except OSError:
        return False


def _file(folder: Path, name: str) -> Path:
    return folder / f"worker-{name}.lock"
