"""Runs of many jobs onto their way at once: staged in one transfer, started by one command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cosmos_workflow.config import secrets
from cosmos_workflow.errors import CosmosError, SubmissionRejected
from cosmos_workflow.events import Disconnected, Event, Failed, Staged, Submitted
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.target import Handle, QueuingTarget
from cosmos_workflow.runs.claims import Claim
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows.retry import PAUSES


@dataclass(frozen=True)
class Lot:
    """A begun claim: its job, and the folders of its runs."""

    claim: Claim
    job: CommandJob
    folders: tuple[RunFolder, ...]

    @property
    def over(self) -> bool:
        """Whether all its runs are."""
        return all(folder.run().status.final for folder in self.folders)

    def record(self, event: Event) -> None:
        """Of all its runs that are not over."""
        for folder in self.folders:
            if not folder.run().status.final:
                folder.record(event)


Tell = Callable[[Lot, Event], None]
"""Hears what was recorded of a lot."""


def launch(
    target: QueuingTarget, lots: Sequence[Lot], tell: Tell, staged: Staged | None = None
) -> Iterator[tuple[Lot, Handle]]:
    """Start them; what was started before is found.  Each comes as soon as its handle is recorded.

    Lots that the cluster refuses fail, and do not come.  ``staged``: all was brought there a moment
    ago, as this tells.  Raises CosmosError when the place cannot be reached: those that did not
    come may be tried again.
    """
    waiting = {lot.job.name: lot for lot in lots}
    for pause in (*PAUSES, None):
        try:
            for name, handle in _started(target, list(waiting.values()), tell, staged):
                lot = waiting.pop(name)
                if lot.over:  # cancelled meanwhile, by another process
                    target.cancel(handle)
                lot.record(Submitted(handle.to_json()))
                tell(lot, Submitted(handle.to_json()))
                yield lot, handle
            return
        except SubmissionRejected as error:
            for lot in waiting.values():
                lot.record(Failed("submission", error.message, error.hint))
                tell(lot, Failed("submission", error.message, error.hint))
            return
        except CosmosError as error:
            if not error.transient or pause is None:
                raise
            for lot in waiting.values():
                tell(lot, Disconnected(error.message, pause))
            staged = None
            time.sleep(pause)


def _started(
    target: QueuingTarget, lots: Sequence[Lot], tell: Tell, staged: Staged | None
) -> Iterator[tuple[str, Handle]]:
    jobs = [lot.job for lot in lots]
    if staged is None:
        for event in target.stage_all(jobs):
            staged = event if isinstance(event, Staged) else None
    assert staged is not None, "the last event of a stage is Staged"
    for number, lot in enumerate(lots):  # what went up together is told once
        event = Staged(0, staged.total, staged.seconds) if number else staged
        lot.record(event)
        tell(lot, event)
    values = secrets.values({name for job in jobs for name in job.secrets})
    for handles in target.submit_all(jobs, values):
        yield from handles.items()
