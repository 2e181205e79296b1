"""Moving files on this machine: a copy beside, then a rename; never a link to a file of yours."""

from __future__ import annotations

import errno
import filecmp
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import TransferError
from cosmos_workflow.transfer.manifest import Item, checked, manifest
from cosmos_workflow.transfer.transfer import Moved

PIECE = 1 << 22
FICLONE = 0x40049409
"""Linux: share the blocks of a file until one of the two is written to."""


class CopyTransfer:
    """A Transfer between folders of this machine."""

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """See Transfer.push."""
        return _copy_all(manifest(files), Path(root), report)

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """See Transfer.pull."""
        return _copy_all(
            manifest({checked(path): Path(root) / path for path in paths}), into, report
        )


def _copy_all(items: Iterable[Item], root: Path, report: Report | None) -> Moved:
    items = tuple(items)
    start, total, done, sent, count = time.monotonic(), sum(i.size for i in items), 0, 0, 0
    for item in items:
        place = root / item.key
        if not _there(item, place):
            _copy(item.path, place)
            sent += item.size
            count += 1
        done += item.size
        if report is not None:
            report(done, total, sent / max(time.monotonic() - start, 1e-3))
    return Moved(count, sent, time.monotonic() - start)


def _there(item: Item, place: Path) -> bool:
    if not place.is_file() or place.stat().st_size != item.size:
        return False
    return item.by_content or filecmp.cmp(item.path, place, shallow=False)


def _copy(source: Path, place: Path) -> None:
    beside = place.with_name(f".{place.name}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, beside.open("wb") as write:
            if not _clone(read.fileno(), write.fileno()):
                shutil.copyfileobj(read, write, PIECE)
        shutil.copymode(source, beside)
        beside.replace(place)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TransferError(
                f"The disk is full: {place} could not be written.",
                hint="Make room, then repeat the command.",
            ) from error
        raise TransferError(f"{source} could not be copied to {place}: {error.strerror}") from error


def _clone(read: int, write: int) -> bool:
    """Copy without copying, where the file system can."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(write, FICLONE, read)
    except OSError:
        return False
    return True
