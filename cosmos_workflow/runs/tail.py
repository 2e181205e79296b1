"""Runs that are looked at again and again: of each only what is new is read."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cosmos_workflow.events import Event, from_json
from cosmos_workflow.runs.run import Run, fold
from cosmos_workflow.runs.store import RunFolder, Store


@dataclass(frozen=True)
class Read:
    """What was read of a run: bytes of its events, and the run that they tell of."""

    upto: int
    run: Run


class Tail:
    """Runs as they are now.  Those that nobody asks for any more are to be forgotten."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Read] = {}
        self._jobs: dict[str, tuple[str, ...]] = {}

    def run(self, run_id: str) -> Run:
        """What is known of the run now; one whose folder is gone or not there yet is empty."""
        read = _further(self._store.folder(run_id), self._read.get(run_id))
        self._read[run_id] = read
        return read.run

    def mates(self, run_id: str) -> tuple[str, ...]:
        """The runs of its job, in their order; it alone while that is not known."""
        if run_id not in self._jobs:
            found = _outputs(self._store.folder(run_id))
            if not found:
                return (run_id,)
            self._jobs[run_id] = found
        return self._jobs[run_id]

    def forget_all_but(self, run_ids: set[str]) -> None:
        """Let go of what is known of other runs."""
        self._read = {key: value for key, value in self._read.items() if key in run_ids}
        self._jobs = {key: value for key, value in self._jobs.items() if key in run_ids}


def _further(folder: RunFolder, before: Read | None) -> Read:
    before = before or Read(0, Run(folder.id))
    try:
        with folder.events_file.open("rb") as file:
            size = file.seek(0, 2)
            if size < before.upto:  # another file than before: from its beginning
                before = Read(0, Run(folder.id))
            file.seek(before.upto)
            whole, end, _ = file.read().rpartition(b"\n")
    except OSError:
        return Read(0, Run(folder.id))
    events = [event for line in whole.split(b"\n") for event in _event(line)]
    return Read(before.upto + len(whole) + len(end), fold(folder.id, events, before.run))


def _event(line: bytes) -> list[tuple[Event, float]]:
    try:
        return [from_json(json.loads(line))]
    except (ValueError, KeyError, TypeError):
        return []  # of a newer version, or torn by a full disk: the others stand


def _outputs(folder: RunFolder) -> tuple[str, ...]:
    """Only the names: a job of a newer version has them as well."""
    try:
        data = json.loads((folder.path / "job.json").read_bytes())
        return tuple(data["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
