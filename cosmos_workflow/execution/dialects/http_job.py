"""A service where a job is created, looked at and fetched: its ways as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from cosmos_workflow.errors import HostUnreachable, SubmissionRejected
from cosmos_workflow.execution.dialect import Answer, Call, Download, Seen
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import RequestJob

Phase = Literal["queued", "running", "succeeded", "failed", "cancelled", "lost"]

RESULT = "outputs/output.mp4"
"""Where a service's video lies in the job's workspace, as engines name it."""


@dataclass(frozen=True)
class Ways:
    """What differs from one such service to the next.

    Paths are relative to the target's url; ``{id}`` and ``{route}`` are filled in.  ``id``,
    ``status``, ``output``, ``error``, ``progress`` and ``log`` are places in the answer:
    ``"assets.video"``, ``"output.0"``; ``progress`` is 0..``whole``.  ``kept``: fields of the last
    answer that go into the run's log, what the service echoes.
    """

    create: str
    look: str
    phases: Mapping[str, Phase]
    cancel: tuple[Literal["POST", "DELETE"], str] | None = None
    id: str = "id"
    status: str = "status"
    output: str = "output"
    error: str = "error"
    progress: str = ""
    whole: float = 1.0
    log: str = ""
    kept: tuple[str, ...] = ()
    scheme: str = "Bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency: str = ""
    probe: str = ""


class HttpJob:
    """The dialect of a service that ``WAYS`` describes; a subclass changes what is different."""

    name: ClassVar[str]
    token: ClassVar[str] = ""
    url: ClassVar[str] = ""
    WAYS: ClassVar[Ways]

    def headers(self, token: str) -> Mapping[str, str]:
        """The service's own, and the token."""
        sign = {"Authorization": f"{self.WAYS.scheme} {token}".strip()} if token else {}
        return {**self.WAYS.headers, **sign}

    def create(self, job: RequestJob) -> Call:
        """One POST of the job's body, repeatable only where the service knows the job's name."""
        key = self.WAYS.idempotency
        return Call(
            "POST",
            self.WAYS.create.format(route=job.route),
            job.body,
            job.encoding,
            headers={key: job.name} if key else {},
            repeat=bool(key),
        )

    def created(self, answer: Answer) -> str:
        """The id.  Raises SubmissionRejected, or HostUnreachable while the service is down."""
        found = place(answer.body, self.WAYS.id)
        if answer.ok and isinstance(found, str | int):
            return str(found)
        if answer.status in (502, 503, 504):
            raise HostUnreachable(f"the service is not ready: {answer.reason()}")
        raise SubmissionRejected(
            f"the service refused the request (HTTP {answer.status}): {answer.reason()}",
            hint="nothing was started; cosmos plan shows the whole request",
        )

    def look(self, ref: str) -> Call:
        """One GET."""
        return Call("GET", self.WAYS.look.format(id=ref))

    def seen(self, ref: str, answer: Answer) -> Seen:
        """The status by the table of phases; 404 is a job that the service lost."""
        status = place(answer.body, self.WAYS.status)
        phase = self.WAYS.phases.get(str(status))
        if phase is None:
            if answer.status in (404, 410):
                return Seen("lost", told={"http_status": answer.status, "error": answer.reason()})
            raise HostUnreachable(
                f"the service answers {status or answer.reason()!r} when asked for job {ref}"
            )
        done = place(answer.body, self.WAYS.progress) if self.WAYS.progress else None
        fraction = float(done) / self.WAYS.whole if isinstance(done, int | float) else None
        log = place(answer.body, self.WAYS.log) if self.WAYS.log else ""
        return Seen(
            phase,
            stage=str(status),
            fraction=fraction,
            log=log if isinstance(log, str) else "",
            told=self.told(answer),
            downloads=self.downloads(ref, answer) if phase == "succeeded" else (),
        )

    def told(self, answer: Answer) -> dict[str, Any]:
        """Status, error and what is echoed."""
        body = answer.body if isinstance(answer.body, Mapping) else {}
        error = place(body, self.WAYS.error)
        return {
            "status": place(body, self.WAYS.status),
            **({"error": error} if error else {}),
            **{key: body[key] for key in self.WAYS.kept if key in body},
        }

    def downloads(self, ref: str, answer: Answer) -> Sequence[Download]:
        """The address in the answer."""
        found = place(answer.body, self.WAYS.output)
        if isinstance(found, list):
            found = found[0] if found else None
        return (Download(RESULT, Call("GET", found)),) if isinstance(found, str) else ()

    def cancel(self, ref: str) -> Call | None:
        """One call, where there is such a one."""
        if self.WAYS.cancel is None:
            return None
        method, path = self.WAYS.cancel
        return Call(method, path.format(id=ref))

    def before(self, job: RequestJob) -> Sequence[Call]:
        """Nothing is asked first."""
        return ()

    def allow(self, job: RequestJob, answers: Sequence[Answer]) -> None:
        """Every version takes every job."""

    def recent(self, job: RequestJob) -> Call | None:
        """There is no list."""
        return None

    def ours(self, answer: Answer, job: RequestJob, since: float) -> Sequence[str]:
        """There is no list."""
        return ()

    def upload(self, key: str, media_type: str) -> Call | None:
        """There is no store."""
        return None

    def uploaded(self, answer: Answer) -> str:
        """There is no store."""
        raise SubmissionRejected("the service has no store for files")

    def probe(self) -> Sequence[Call]:
        """One GET that needs the token, where there is one."""
        return (Call("GET", self.WAYS.probe),) if self.WAYS.probe else ()

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready when it answers."""
        if not answers:
            return ServiceFacts(True, "not asked: it has no call that costs nothing")
        (answer,) = answers
        if answer is None:
            return ServiceFacts(False, "no answer")
        return ServiceFacts(answer.ok, "ready" if answer.ok else answer.reason())


def place(body: Any, path: str) -> Any:
    """``"assets.video"`` in nested objects and lists; None where there is no such place."""
    for part in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(part)
        elif isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body
