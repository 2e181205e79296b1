"""What is known of a run: a fold over its events, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cosmos_workflow.events import (
    Blocked,
    Cancelled,
    Cancelling,
    Event,
    Exchanged,
    ExecutionStatus,
    Failed,
    JobEnded,
    Output,
    Planned,
    Progress,
    Staged,
    Submitted,
    Succeeded,
    Transferring,
    Used,
)
from cosmos_workflow.execution.target import Handle


@dataclass(frozen=True)
class Run:
    """One attempt at a RunSpec.  Times are seconds since the epoch, None when not reached.

    ``stage`` and ``fraction`` (0..1) say how far a running one is; ``message``, ``hint`` and
    ``cause`` why an unsuccessful one ended; ``cancelling``: somebody asked for its end.
    ``asked``: between these times a service was asked for the job, and we know of no answer.
    ``used``: what of its GPUs' time it accounts for, once that is known.
    """

    id: str
    engine: str = ""
    target: str = ""
    status: ExecutionStatus = ExecutionStatus.PENDING
    created: float | None = None
    submitted: float | None = None
    ended: float | None = None
    stage: str = ""
    fraction: float | None = None
    handle: Handle | None = None
    outputs: tuple[Output, ...] = ()
    sent: int | None = None
    cause: str = ""
    message: str = ""
    hint: str = ""
    cancelling: bool = False
    asked: tuple[float, float] | None = None
    used: Used | None = None

    @property
    def spec_id(self) -> str:
        """The RunSpec that was run."""
        return self.id.partition(".")[0]

    @property
    def seconds(self) -> float | None:
        """From submission to the end, once both are known."""
        if self.submitted is None or self.ended is None:
            return None
        return self.ended - self.submitted


def fold(run: Run, events: Iterable[tuple[Event, float]]) -> Run:
    """What these events make of the run.  The first final event stands."""
    for event, at in events:
        if run.status.final:
            break
        run = _after(run, event, at)
    return run


def _asked(run: Run, event: Exchanged, at: float) -> tuple[float, float] | None:
    """Whether there may be a job after this exchange; one that was refused made none."""
    refused = event.phase == "answered" and not 200 <= event.http_status < 300
    if refused or event.phase == "failed":
        return None
    return (run.asked[0] if run.asked else at, at)


def _after(run: Run, event: Event, at: float) -> Run:
    if event.status is not None:
        run = replace(run, status=event.status, ended=at if event.status.final else None)
    match event:
        case Planned():
            return replace(run, engine=event.engine, target=event.target, created=at)
        case Transferring():
            word = "uploading" if event.direction == "up" else "downloading"
            return replace(run, stage=word, fraction=event.done / max(event.total, 1))
        case Staged():
            return replace(run, stage="staged", fraction=None, sent=event.sent)
        case Submitted():
            handle = Handle.from_json(event.handle)
            run = replace(run, handle=handle, submitted=at, asked=None)
            return replace(run, stage="submitted", fraction=None)
        case Exchanged(operation="create"):
            return replace(run, asked=_asked(run, event, at))
        case Progress():
            return replace(run, stage=event.stage, fraction=event.fraction)
        case JobEnded():
            return replace(run, stage="ended", fraction=None)
        case Used():
            return replace(run, used=event)
        case Succeeded():
            return replace(run, outputs=event.outputs, stage="done", fraction=1.0)
        case Failed():
            return replace(run, cause=event.cause, message=event.message, hint=event.hint)
        case Blocked():
            return replace(run, cause="blocked", message=event.message, hint=event.hint)
        case Cancelling():
            return replace(run, cancelling=True)
        case Cancelled():
            return replace(run, cause="cancelled", message=event.message)
    return run
