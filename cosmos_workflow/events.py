"""What happens to a run, as frozen facts: the only thing that comes back from a target.

Each event is one JSON object on one line of the run's ``events.jsonl``.  A run's status is a
fold over them (``runs/run.py``) and is stored nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Literal


class ExecutionStatus(StrEnum):
    """Where a run stands.  BLOCKED is a guardrail's refusal, which is not a crash."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    BLOCKED = "BLOCKED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """True when nothing more will happen to the run."""
        return self not in (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)


@dataclass(frozen=True)
class Event:
    """Base of all events.  ``at`` is seconds since the epoch, set when it is recorded."""

    status: ClassVar[ExecutionStatus | None] = None
    """The status that this event puts its run in; None leaves it as it was."""


@dataclass(frozen=True)
class Planned(Event):
    """The run has a folder and a job; nothing has left this machine."""

    status = ExecutionStatus.PENDING
    run_id: str
    engine: str
    target: str


@dataclass(frozen=True)
class Transferring(Event):
    """Bytes on their way: ``direction`` "up" or "down", bytes, bytes a second."""

    direction: Literal["up", "down"]
    done: int
    total: int
    speed: float = 0.0


@dataclass(frozen=True)
class Staged(Event):
    """Every input lies on the target.  ``sent`` bytes of ``total``; the rest was there already."""

    sent: int
    total: int
    seconds: float


@dataclass(frozen=True)
class Submitted(Event):
    """The job runs on its own from here: ``handle`` is all that is needed to find it again."""

    status = ExecutionStatus.RUNNING
    handle: Mapping[str, Any]


@dataclass(frozen=True)
class Log(Event):
    """A piece of the job's own output, whole lines; recorded in ``job.log``, not as an event.

    ``offset`` is the byte offset *after* the piece in the job's log on its host.
    """

    text: str
    offset: int


@dataclass(frozen=True)
class Progress(Event):
    """How far the engine says it is: a stage in its own words and a fraction 0..1, if known."""

    stage: str
    fraction: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Disconnected(Event):
    """The link to the target broke; the job goes on, and we try again in ``retry_in`` seconds."""

    reason: str
    retry_in: float


@dataclass(frozen=True)
class Exchanged(Event):
    """A call to a service that is worth keeping: the first of its kind, one that was repeated,
    one that failed.

    ``operation``: create, look, download ...  ``phase``: "asked" (it goes out now), "answered",
    "repeated", "failed", "lost" (no answer, and it may have been done).  ``http_status``: 0 when
    there was no answer.  ``target``: host and path, without query, user and token.
    """

    operation: str
    phase: Literal["asked", "answered", "repeated", "failed", "lost"]
    http_status: int
    attempt: int
    target: str
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class RemoteFile:
    """A file the job left behind: path relative to its workspace, bytes, sha256.

    A service does not tell the last two: ``size`` is then 0 and ``sha256`` empty.
    ``made``: when it was last written, in seconds since the epoch by the host's own clock; 0 where
    that is not known.
    """

    path: str
    size: int
    sha256: str
    made: float = 0.0


@dataclass(frozen=True)
class Alive(Event):
    """There is nothing new of the job, and the line to it is alive; never recorded."""


@dataclass(frozen=True)
class JobOver(Event):
    """The job works no more: its GPUs are free.  What it has left is still being looked at."""


Reason = Literal[
    "exited", "killed", "oom", "timeout", "cancelled", "gone", "server_gone", "preempted",
    "node_failed", "dependency", "limit",
]  # fmt: skip


@dataclass(frozen=True)
class JobEnded(Event):
    """The job is over on its target, whatever that means for the run.

    ``reason``: exited (by itself, see ``exit_code``), killed, oom (host memory), timeout,
    cancelled, gone (the target has no trace of it), server_gone (nor is there the server that had
    it, on a machine of ours), preempted (a cluster took the place away for another job),
    node_failed, dependency (what it waited for did not succeed), limit (a cluster allows no more
    time, though the job was within its own).  ``began`` and ``over``: when it began to work and
    when it was over, in seconds since the epoch by the host's own clock; 0 where that is not known.
    """

    exit_code: int | None
    reason: Reason
    files: tuple[RemoteFile, ...] = ()
    began: float = 0.0
    over: float = 0.0


@dataclass(frozen=True)
class Output(Event):
    """A result that is home and verified: path relative to the run folder, bytes, sha256.

    ``media``: what kind of result it is, which says how it is verified.  ``seconds``: how long a
    video plays.
    """

    path: str
    size: int
    sha256: str
    media: Literal["video", "text"] = "video"
    seconds: float = 0.0


@dataclass(frozen=True)
class Used(Event):
    """What of its GPUs' time a run accounts for: ``since`` to ``until`` on a slot of a target.

    Seconds since the epoch by the host's own clock.  Runs that share a job share its time: each has
    what passed since the one before it was done, the first one also has the load of the model.
    ``gpus``: how many it had, 0 for none.  ``price_per_hour``: of one GPU then, 0 if not known.
    """

    slot: str
    since: float
    until: float
    gpus: int
    price_per_hour: float = 0.0

    @property
    def gpu_seconds(self) -> float:
        """Of all its GPUs together; of the machine where it used none."""
        return (self.until - self.since) * max(1, self.gpus)

    @property
    def cost(self) -> float:
        """In the currency of the price."""
        return self.gpu_seconds / 3600 * self.price_per_hour


@dataclass(frozen=True)
class Succeeded(Event):
    """The result is home, its bytes are the host's, and it is what its engine says it is."""

    status = ExecutionStatus.SUCCESS
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Blocked(Event):
    """A guardrail refused.  ``what``: which text or video; ``by``: which guardrail."""

    status = ExecutionStatus.BLOCKED
    what: str
    by: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Failed(Event):
    """The run is over without a result.

    ``cause`` is a short word to count by: submission, out_of_memory, engine, no_output,
    bad_output, expired, timeout, killed, lost, host_memory, host_disk, preempted, node_failed, and
    not_begun: another run of the same job ended it before the model turned to this one.
    """

    status = ExecutionStatus.FAILED
    cause: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Cancelling(Event):
    """Somebody asked for the end of the run; a service may forget the job at once."""


@dataclass(frozen=True)
class Cancelled(Event):
    """Somebody cancelled the run."""

    status = ExecutionStatus.CANCELLED
    message: str = ""


Verdict = Succeeded | Blocked | Failed
"""What an engine concludes from a finished job (an engine's Succeeded names remote files)."""

_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Planned, Transferring, Staged, Submitted, Log, Progress, Disconnected, Exchanged, Alive,
        JobOver, JobEnded, Output, Used, Succeeded, Blocked, Failed, Cancelling, Cancelled,
    )
}  # fmt: skip

_NESTED = {"files": RemoteFile, "outputs": Output}


def to_json(event: Event, at: float) -> dict[str, Any]:
    """The event as a JSON object: ``{"event": "Staged", "at": 1790000000.0, ...}``."""
    return {"event": type(event).__name__, "at": round(at, 3), **asdict(event)}


def from_json(data: Mapping[str, Any]) -> tuple[Event, float]:
    """The event and its time.  Unknown fields are dropped, so that older programs can read on.

    Raises KeyError for an event this version does not know.
    """
    values = _known(_KINDS[data["event"]], data)
    for name, nested in _NESTED.items():
        if name in values:
            values[name] = tuple(nested(**_known(nested, item)) for item in values[name])
    return _KINDS[data["event"]](**values), float(data["at"])


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: data[field.name] for field in fields(kind) if field.name in data}
