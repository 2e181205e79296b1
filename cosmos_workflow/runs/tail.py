"""Runs that are looked at again and again, and who shares their jobs."""

from __future__ import annotations

import json

from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder, Store


class Tail:
    """Runs as they are now.  Jobs of runs that nobody asks for any more are to be forgotten."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, tuple[str, ...]] = {}

    def run(self, run_id: str) -> Run:
        """What is known of the run now; one whose folder is gone or not there yet is empty."""
        return self._store.folder(run_id).run()

    def mates(self, run_id: str) -> tuple[str, ...]:
        """The runs of its job, in their order; it alone while that is not known."""
        if run_id not in self._jobs:
            found = _outputs(self._store.folder(run_id))
            if not found:
                return (run_id,)
            self._jobs[run_id] = found
        return self._jobs[run_id]

    def forget_all_but(self, run_ids: set[str]) -> None:
        """Let go of what is known of the jobs of other runs."""
        self._jobs = {key: value for key, value in self._jobs.items() if key in run_ids}


def _outputs(folder: RunFolder) -> tuple[str, ...]:
    """Only the names: a job of a newer version has them as well."""
    try:
        data = json.loads((folder.path / "job.json").read_bytes())
        return tuple(data["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
