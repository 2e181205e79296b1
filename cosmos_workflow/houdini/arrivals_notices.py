"""How a change below a folder comes to us: told by the system, or by asking every folder."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cosmos_workflow.errors import MissingExtra

SHARES = frozenset(
    {"9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse", "glusterfs", "gpfs", "lustre",
     "ncpfs", "nfs", "nfs4", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "webdav"}
)  # fmt: skip
"""File systems that other machines write to, of which the system tells us nothing."""

_WAKE_MS = 500
_STEP_MS = 100
_GATHER_MS = 400
_ADDED, _DELETED = 1, 3
_LIMIT = (
    "the system watches no more folders for this user; raising fs.inotify.max_user_watches (and"
    " max_user_instances) has changes noticed at once again"
)

LEAST_INTERVAL = 2.0
MOST_INTERVAL = 60.0
_SHARE_OF_TIME = 20
"""A round over all folders may take a twentieth of the time between two."""


class NoNotices(Exception):
    """The system does not tell us of changes; the message says why."""


class Notices(Protocol):
    """Where word of changes comes from.  ``wait`` gives folders below the root, POSIX."""

    told: bool

    def wait(self, seconds: float) -> set[str]:
        """The folders in which something changed, after ``seconds`` at most.

        Raises NoNotices when there will be no more word.
        """

    def check(self, new: Iterable[str], known: int) -> None:
        """Make sure of new folders among all that are known.

        Raises NoNotices when there is no word of them.
        """

    def close(self) -> None:
        """No more is waited for."""


@dataclass
class Told:
    """Word from the system: inotify, FSEvents, ReadDirectoryChanges, by the extra ``watch``."""

    root: Path
    told: bool = True
    _changes: Iterator[set[Any]] = field(init=False)
    _first: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        try:
            from watchfiles import watch
        except ImportError as error:
            raise MissingExtra(
                "changes cannot be noticed at once without watchfiles",
                hint="pip install 'cosmos-workflow[watch]'",
            ) from error
        self._changes = watch(
            self.root, watch_filter=None, debounce=_GATHER_MS, step=_STEP_MS,
            rust_timeout=_WAKE_MS, yield_on_timeout=True, raise_interrupt=True,
            force_polling=False,
            # True would also keep quiet about folders past the system's limit.
            ignore_permission_denied=False,
        )  # fmt: skip
        # From here on nothing is missed: the first look at the folders comes after this.
        self._first = self._next()

    def wait(self, seconds: float) -> set[str]:
        """What the system told within half a second."""
        if self._first or seconds <= 0:
            told, self._first = self._first, set()
            return told
        return self._next()

    def _next(self) -> set[str]:
        try:
            changes = next(self._changes)
        except StopIteration as error:
            raise NoNotices("the system stopped telling") from error
        except (OSError, RuntimeError) as error:
            raise NoNotices(_why(error)) from error
        return {folder for change, path in changes for folder in self._folders(change, path)}

    def _folders(self, change: int, path: str) -> Iterator[str]:
        """The folder that a changed path is in; the path itself may be a new folder, or have been
        one."""
        inside = Path(path).relative_to(self.root)
        yield _posix(inside.parent)
        if change == _DELETED or (change == _ADDED and Path(path).is_dir()):
            yield _posix(inside)

    def check(self, new: Iterable[str], known: int) -> None:
        """Whether new folders are watched too: past the system's limit, they silently are not.

        Raises NoNotices.  Only Linux has such a limit.
        """
        inodes = _watched_inodes()
        if not inodes or len(inodes) >= known:
            return
        for folder in new:
            with suppress(OSError):
                if (self.root / folder).stat().st_ino not in inodes:
                    raise NoNotices(_LIMIT)

    def close(self) -> None:
        """Ends the system's watches."""
        self._changes.close()  # type: ignore[attr-defined]


def _watched_inodes() -> list[int]:
    """What this process has inotify watches on; empty where there is no inotify."""
    inodes: list[int] = []
    for link in Path("/proc/self/fd").glob("*"):
        try:
            if "inotify" not in os.readlink(link):  # noqa: PTH115  (not a path)
                continue
            info = Path("/proc/self/fdinfo", link.name).read_text(encoding="ascii")
        except OSError:
            continue
        inodes.extend(int(hexed, 16) for hexed in re.findall(r"^inotify .*?ino:(\w+)", info, re.M))
    return inodes


def _why(error: Exception) -> str:
    text = str(error)
    if "watch limit" in text.lower() or "No space left" in text or "Too many open" in text:
        return _LIMIT
    return text.partition(" (Error")[0] or type(error).__name__


def _posix(path: Path) -> str:
    return "" if path == Path() else path.as_posix()


@dataclass
class Asked:
    """Every folder asked when it last changed, in rounds; no file is looked at.

    ``folders`` names those there are.  The longer a round takes, the longer the pause after it.
    """

    root: Path
    folders: Callable[[], Iterable[str]]
    told: bool = False
    interval: float = LEAST_INTERVAL
    _times: dict[str, int] = field(default_factory=dict)
    _next: float = 0.0

    def wait(self, seconds: float) -> set[str]:
        """Sleep, and make a round when its time has come."""
        pause = min(seconds, max(0.0, self._next - time.monotonic()))
        if pause > 0:
            time.sleep(min(pause, 1.0))
        if time.monotonic() < self._next:
            return set()
        start = time.monotonic()
        changed = self.round()
        took = time.monotonic() - start
        self.interval = min(max(LEAST_INTERVAL, took * _SHARE_OF_TIME), MOST_INTERVAL)
        self._next = time.monotonic() + self.interval
        return changed

    def round(self) -> set[str]:
        """The folders whose entries changed since the last round, and those that are gone."""
        changed, times = set(), {}
        base = f"{self.root}{os.sep}"
        for folder in self.folders():
            try:
                times[folder] = os.stat(base + folder).st_mtime_ns  # noqa: PTH116  (thousands)
            except OSError:
                times[folder] = -1
            if self._times.get(folder, times[folder]) != times[folder]:
                changed.add(folder)
        self._times = times
        return changed

    def check(self, new: Iterable[str], known: int) -> None:
        """Every folder is asked."""

    def close(self) -> None:
        """Nothing is open."""


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that ``path`` (absolute) is on, from the text of /proc/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        place = words[1].encode().decode("unicode_escape")
        inside = path == Path(place) or Path(place) in path.parents
        if inside and len(place) >= len(best):
            best, kind = place, words[2]
    return kind


def on_share(path: Path) -> str:
    """The kind of network share that ``path`` is on; empty for a disk of this machine."""
    if os.name == "nt":
        return "share" if str(path.resolve()).startswith("\\\\") else ""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    kind = file_system(path.resolve(), mounts)
    return kind if kind.partition(".")[0] in SHARES else ""
