"""A place that runs jobs: it stages, submits, follows, fetches, and says how it is doing."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cosmos_workflow.connection.host import Report
from cosmos_workflow.events import (
    Alive,
    Exchanged,
    JobEnded,
    JobOver,
    Log,
    Progress,
    RemoteFile,
    Staged,
    Transferring,
)
from cosmos_workflow.execution.clean import Cleaned
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Job


@dataclass(frozen=True)
class Handle:
    """Enough for a fresh process, on another day, to find a job again."""

    target: str
    job: str
    ref: str
    since: float = 0.0
    """When the job was submitted, in seconds since the epoch; 0 where the host keeps the time."""
    server: str = ""
    """The job that the service itself is on a machine of ours; empty for all other services."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        told = {"target": self.target, "job": self.job, "ref": self.ref, "since": self.since}
        return {**told, "server": self.server} if self.server else told

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Handle:
        """Read back what ``to_json`` wrote."""
        since, server = data.get("since", 0.0), data.get("server", "")
        return cls(data["target"], data["job"], data["ref"], since, server)


class Target(Protocol):
    """One place.  Transient faults are raised as errors with ``transient`` set; all calls may be
    repeated after them, and nothing happens twice."""

    name: str

    @property
    def queue(self) -> QueuingTarget | None:
        """The same place, if it has a queue of its own."""

    def check(self, job: Job) -> None:
        """Raise ConfigError for a job that this place does not run, by its kind or its settings."""

    def explain(self, job: Job) -> str:
        """The exact command, files and uploads, for a person; nothing is opened."""

    def stage(self, job: Job) -> Generator[Transferring | Staged | Exchanged, None, None]:
        """Put inputs and written files in place; the last event is Staged."""

    def submit(self, job: Job, secrets: Mapping[str, str], report: Report | None = None) -> Handle:
        """Start the staged job detached.  A job that was already started is found, not repeated.

        ``report`` hears of bytes that go up with the request itself.  Raises SubmissionRejected,
        with the cause and its fix.
        """

    def find(self, job: Job, first: float, last: float) -> Handle | None:
        """The job that an earlier ``submit`` may have begun, between these times (epoch seconds),
        where the place does not know jobs by our names for them; else None.

        Raises what ``submit`` raises where that is not known, or not yet.
        """

    def told(self) -> Sequence[Exchanged]:
        """Calls worth keeping that no generator has yielded: those of ``submit``, ``cancel``."""

    def log_now(self, handle: Handle, offset: int) -> Log:
        """What the job has written by now, from a byte offset, whole lines; waits for nothing."""

    def follow(
        self, handle: Handle, offset: int, limit: float = 0.0
    ) -> Iterator[Log | Progress | Exchanged | Alive | JobOver | JobEnded]:
        """The job's log from a byte offset, whole lines; the last event is JobEnded.

        ``limit``: seconds the job may take, where nobody on the place itself ends it.
        """

    def so_far(self, handle: Handle, patterns: Sequence[str]) -> JobEnded:
        """The job as it stands while it goes on: when it began, and which of its files fit one of
        the patterns (``*`` also fits a slash).  Nothing is said of its end."""

    def fetch(
        self, handle: Handle, files: Sequence[RemoteFile], into: Path
    ) -> Generator[Transferring | Exchanged, None, None]:
        """Bring files home below ``into``; each appears only when its sha256 is the host's."""

    def cancel(self, handle: Handle) -> None:
        """End the job; one that is over already is no error."""

    def facts(self, files: Sequence[str] = (), image: str = "") -> HostFacts:
        """What the place says of itself; ``files`` below its checkpoints, ``image`` to look for."""

    def clean(self, minutes: int, *, dry: bool, away: Collection[str] = ()) -> Cleaned:
        """Remove what jobs that are over have left and nobody touched for ``minutes``.

        With ``dry`` only look.  ``away``: ids of runs whose workspaces stay.
        """

    def approach(self) -> None:
        """There will be something to do here: begin to connect, and wait for nothing."""

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class InVain:
    """A job waits for what does not come: why, and what to do."""

    why: str


@dataclass(frozen=True)
class Made:
    """There is more in the outputs of a job that goes on."""


Seen = Progress | Made | InVain | JobOver | Alive
"""What is seen of a job in the queue of a cluster."""


class QueuingTarget(Target, Protocol):
    """A place with a queue of its own: it takes many jobs at once, and holds jobs back that come
    after others.

    What it is asked is the same for any number of jobs that are alike.
    """

    @property
    def most(self) -> int:
        """How many jobs it takes at once."""

    @property
    def patience(self) -> float:
        """Seconds after which a job that waits in vain had better be taken back; 0: never."""

    def stage_all(self, jobs: Sequence[CommandJob]) -> Generator[Transferring | Staged, None, None]:
        """As ``stage``: the last event is Staged, and tells of all."""

    def submit_all(
        self, jobs: Sequence[CommandJob], secrets: Mapping[str, str]
    ) -> Iterator[Mapping[str, Handle]]:
        """As ``submit``, in as few pieces as can be; of each, the handles by the jobs' names."""

    def watch(self, handles: Sequence[Handle]) -> Iterator[tuple[str, Seen]]:
        """What changes of submitted jobs, by name: why one waits, that it runs, that it is over;
        that there is more in its outputs; and, each time that the queue is looked at, which of them
        wait in vain.

        Ends when all are over.  Of a job that the queue knows no more it says that it is over, too:
        ``follow`` knows how.
        """
