"""Runs that begin only once another one has succeeded: what that means at a place, right now."""

from __future__ import annotations

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.execution.on_cluster import OnCluster
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows.assemble import Bench


class NotYet(SpecError):
    """The place cannot hold a run back, and the one that it waits for goes on."""


def held_by(bench: Bench, run_id: str) -> tuple[str, ...]:
    """The jobs that the place itself waits for; none: the run has succeeded, or there is none.

    Raises SpecError when it did not succeed, NotYet when somebody here has to wait for it.
    """
    if not run_id:
        return ()
    folder = _folder(bench, run_id)
    run = folder.run()
    if run.status is ExecutionStatus.SUCCESS:
        return ()
    if run.status.final:
        raise SpecError(
            f"it was to run after {folder.id}, which did not succeed ({run.status.lower()})",
            hint=f"cosmos run {folder.id.partition('.')[0]} tries that one again; then this one",
        )
    here = isinstance(bench.target, OnCluster) and run.target == bench.target.name
    if here and run.handle is not None:
        return (run.handle.ref,)
    raise NotYet(
        f"it is to run after {folder.id}, which is {run.status.lower()}; "
        f"{bench.target.name} cannot hold a run back",
        hint=f"the queue can: cosmos queue add RUN_SPEC --after {folder.id}",
    )


def _folder(bench: Bench, run_id: str) -> RunFolder:
    """The run itself: another attempt at its RunSpec is not what was meant."""
    folder = bench.store.folder(run_id)
    if not folder.path.is_dir():
        raise SpecError(f"it was to run after {run_id}, which is gone", hint="cosmos list runs")
    return folder
