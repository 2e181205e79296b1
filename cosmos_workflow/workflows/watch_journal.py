"""What a watch has done, line by line: after a crash it goes on from there, and nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError


class WatchInUse(CosmosError):
    """Another process watches the same folder."""


class State(StrEnum):
    """What has become of a shot.  All but ``WAITING`` are recorded."""

    WAITING = "waiting"
    TAKING = "taking"
    PREPARED = "prepared"
    CHANGED = "changed"
    BROKEN = "broken"
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """One shot as it stands.

    ``take`` counts how often it was taken, each time with another ``signature``.  ``then``: what
    was asked to follow.  ``prepared``: the made folder, stored as in specs.  ``spec``, ``run``:
    ids.  ``attempts``: runs of the spec that there were before.  ``asked``: a hash of how it was to
    be prepared.  ``tries``: how often this take was begun.  ``kind``: the error's class.
    """

    shot: str
    state: State = State.WAITING
    time: float = 0.0
    take: int = 0
    signature: str = ""
    asked: str = ""
    tries: int = 0
    then: str = ""
    frames: int = 0
    seconds: float = 0.0
    prepared: str = ""
    spec: str = ""
    run: str = ""
    attempts: int = 0
    result: str = ""
    kind: str = ""
    message: str = ""
    hint: str = ""

    def next(self, state: State, time: float, **changes: Any) -> Entry:
        """The same shot in another state, what was wrong before forgotten."""
        fresh = {"kind": "", "message": "", "hint": "", **changes}
        return replace(self, state=state, time=time, **fresh)

    def to_json(self) -> dict[str, Any]:
        """What is recorded: everything that is not empty."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {key: value for key, value in values.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """Raises KeyError, TypeError or ValueError for what no entry is."""
        if not isinstance(data, dict):
            raise TypeError(data)
        known = {one.name for one in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        return cls(**{**values, "state": State(data["state"]), "shot": str(data["shot"])})


@dataclass(frozen=True)
class Journal:
    """An append-only file of entries; the last one of a shot stands.

    ``path``: the file; ``beside`` is a folder of the same name for what else is kept.
    """

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @classmethod
    def of(cls, settings: Settings, folder: Path) -> Journal:
        """The journal that the project keeps for a watched folder."""
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return cls(settings.root / ".cosmos" / "watch" / f"{name}.jsonl")

    @property
    def beside(self) -> Path:
        """The folder for pictures, and for reports that cannot lie beside the frames."""
        return self.path.with_suffix("")

    def entries(self) -> dict[str, Entry]:
        """Every shot that was ever taken.  A line torn by a crash is passed over."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        found: dict[str, Entry] = {}
        for line in lines:
            try:
                entry = Entry.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
            found[entry.shot] = entry
        return found

    def record(self, entry: Entry) -> None:
        """On the disk when this returns.  Raises CosmosError, and then nothing was recorded."""
        line = (json.dumps(entry.to_json()) + "\n").encode()
        with self._lock:
            size = -1
            try:
                with self.path.open("a+b") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.write(_mend(file, size) + line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                if size >= 0:
                    os.truncate(self.path, size)
                raise CosmosError(
                    f"cannot write {self.path}: {error.strerror}",
                    hint="make room; the watch goes on where it stopped",
                ) from error

    @contextmanager
    def held(self, folder: Path) -> Iterator[None]:
        """Be the one process that watches ``folder``.  Raises WatchInUse.

        The lock in the project holds for this project; the one in the folder for all others, where
        the disk can be written and knows locks.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CosmosError(
                f"cannot make {self.path.parent}: {error.strerror}", hint="check permissions"
            ) from error
        locks = [FileLock(self.path.with_suffix(".lock"), timeout=0)]
        locks += [FileLock(folder / ".cosmos_watch.lock", timeout=0)]
        held: list[FileLock] = []
        try:
            for lock in locks:
                try:
                    lock.acquire()
                    held.append(lock)
                except Timeout:
                    raise WatchInUse(
                        f"{folder} is watched by another process already",
                        hint="one watch a folder; end the other one first"
                        f" (its lock: {lock.lock_file})",
                    ) from None
                except (OSError, NotImplementedError) as error:
                    if lock is locks[0]:
                        raise CosmosError(
                            f"cannot lock {lock.lock_file}: {error}", hint="check permissions"
                        ) from error
            yield
        finally:
            for lock in held:
                lock.release()


def _mend(file: Any, size: int) -> bytes:
    """A line end, if the last line was torn by a crash."""
    if not size:
        return b""
    file.seek(size - 1)
    return b"" if file.read(1) == b"\n" else b"\n"
