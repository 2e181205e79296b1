"""The folder of a prepared shot: made under a hidden name, and whole when it gets its own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.ids import timestamp


@contextmanager
def part_folder(videos: Path, title: str) -> Iterator[Path]:
    """A hidden folder to work in, gone afterwards; those that dead processes left go too.

    Each is held by a lock beside it, so that nobody removes one that is still in use.
    """
    from filelock import FileLock, Timeout

    try:
        videos.mkdir(parents=True, exist_ok=True)
        for left in videos.glob(".*.part.lock"):
            try:
                with FileLock(left, timeout=0):
                    shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                    left.unlink(missing_ok=True)
            except Timeout:
                continue
        part = videos / f".{title}.{secrets.token_hex(4)}.part"
        lock = part.with_name(f"{part.name}.lock")
        with FileLock(lock, timeout=0):
            try:
                part.mkdir()
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
                lock.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot write in {videos}: {error.strerror}",
            hint="make room or check permissions; nothing was left half written",
        ) from error


def land(videos: Path, part: Path, title: str, facts: Callable[[Path], ShotMetadata]) -> Path:
    """Rename ``part`` to its dated name, the next free second if another shot has taken it.

    ``facts`` gives the metadata of the shot in a folder of that name.
    """
    now = datetime.now()
    while True:
        dest = videos / f"{title}_{timestamp(now)}"
        (part / FILE_NAME).write_text(facts(dest).text(), encoding="utf-8")
        try:
            part.rename(dest)
            return dest
        except OSError as error:
            if not dest.exists():
                raise MediaError(f"cannot write {dest}: {error.strerror}") from error
        now += timedelta(seconds=1)
