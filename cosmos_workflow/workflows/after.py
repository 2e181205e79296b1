"""Runs that begin only once another one has succeeded: what that means at a place, right now."""

from __future__ import annotations

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.queue import Queue, State
from cosmos_workflow.runs.store import RunFolder, Store
from cosmos_workflow.workflows import collect
from cosmos_workflow.workflows.assemble import Bench


class NotYet(SpecError):
    """The place cannot hold a run back, and the one that it waits for goes on."""


def named(settings: Settings, queue: Queue, text: str) -> str:
    """What the queue is to wait for: the run that is named; or a RunSpec, if its turn is still to
    come; nothing, if none is named.  Raises SpecError."""
    if not text:
        return ""
    try:
        spec = RunSpec.load(library.find(settings, "run", text)).id
    except SpecError:
        spec = ""
    if spec and _is_to_come(queue, spec):
        return spec
    return collect.find_run(settings, text).id


def met(queue: Queue, store: Store, after: str) -> str:
    """The run that is waited for, by now.  Raises NotYet while its RunSpec has none, or another one
    to come after one that failed; SpecError when there will be none."""
    if "." in after or not after:
        return after
    last = store.last_attempts([after]).get(after)
    status = last.run().status if last else None
    if last and status and (not status.final or status is ExecutionStatus.SUCCESS):
        return last.id
    if _is_to_come(queue, after):
        raise NotYet(f"it is to run after {after}, which waits for its turn")
    if last:
        return last.id
    raise SpecError(
        f"it was to run after {after}, which is neither in the queue nor was it run",
        hint=f"cosmos queue add {after}, then this one again",
    )


def _is_to_come(queue: Queue, spec: str) -> bool:
    lively = [state for state in State if not state.over]
    return bool(queue.items(states=lively, specs=[spec], limit=1))


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
    here = bench.target.queue is not None and run.target == bench.target.name
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
