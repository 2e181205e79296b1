"""Writing a file beside its place and renaming it when it is whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmos_workflow.errors import MediaError


@contextmanager
def landing(dest: Path) -> Iterator[Path]:
    """A path beside ``dest`` to write to; it becomes ``dest`` at the end, or is removed.

    Raises MediaError when the folder cannot be written.
    """
    part = dest.with_name(f".{dest.stem[:40]}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot make the folder {dest.parent}: {error.strerror}") from error
    try:
        yield part
        try:
            part.replace(dest)
        except OSError as error:
            raise MediaError(f"cannot write {dest}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
