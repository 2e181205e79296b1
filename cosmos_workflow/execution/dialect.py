"""How one kind of service is talked to: pure functions from jobs to calls, and from answers back.

A dialect opens nothing.  It says which call to make; the driver (``on_http.py``) makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import Job, RequestJob


@dataclass(frozen=True)
class Call:
    """One HTTP request.

    ``path`` is relative to the target's url, or a whole address.  ``fields``: what is sent, leaves
    may be ``Attached``; ``encoding`` says how.  ``repeat``: whether a second one does no harm.
    ``seconds``: how long the server may stay silent; 0 for the target's own.  ``ours``: a whole
    address elsewhere is the service's own all the same, and gets the token.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    fields: Mapping[str, Any] | None = None
    encoding: Literal["json", "form"] = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: bool = True
    seconds: float = 0.0
    ours: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in lower case, the JSON body if it is one, else its text."""

    status: int
    headers: Mapping[str, str]
    body: Any = None
    text: str = ""

    @property
    def ok(self) -> bool:
        """A status of 2xx."""
        return 200 <= self.status < 300

    def reason(self) -> str:
        """The server's own words for a fault, on one line."""
        said = reason(self.body) or " ".join(self.text.split())[:300] or f"HTTP {self.status}"
        return unsigned(said)


@dataclass(frozen=True)
class Download:
    """A result: its path below the job's workspace, and the call that brings it.

    ``media``: what its content type must begin with.  ``not_yet``: words of a 404 that means only
    that it is not ready; empty where there are none.
    """

    path: str
    call: Call
    media: tuple[str, ...] = ("video/", "application/octet-stream", "binary/octet-stream")
    not_yet: str = ""


@dataclass(frozen=True)
class Seen:
    """What one look at a job says.

    ``log``: the whole of the service's own log so far, if it has one.  ``told``: the facts of the
    answer that are kept, in the log's last line: status, error, echoed parameters; small.
    """

    phase: Literal["queued", "running", "succeeded", "failed", "cancelled", "lost"]
    stage: str = ""
    fraction: float | None = None
    log: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
    downloads: Sequence[Download] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase not in ("queued", "running")


class Dialect(Protocol):
    """One kind of service."""

    name: ClassVar[str]
    token: ClassVar[str]
    """The variable that holds the token where the service names none; empty when none is needed."""
    url: ClassVar[str]
    """Its address where there is only one in the world; else empty."""
    inline: ClassVar[int]
    """Bytes up to which a file goes with the request, though the service has a store."""

    def headers(self, token: str) -> Mapping[str, str]:
        """Headers of every call; ``token`` is empty when there is none."""

    def create(self, job: RequestJob) -> Call:
        """The call that starts the job."""

    def created(self, answer: Answer) -> str:
        """The service's id of the job.  Raises SubmissionRejected with its own reason."""

    def look(self, ref: str) -> Call:
        """The call that asks how the job is doing."""

    def seen(self, ref: str, answer: Answer) -> Seen:
        """What the answer to ``look`` says, whatever its HTTP status.

        Raises HostUnreachable for an answer that says nothing of the job (a proxy's 502).
        """

    def cancel(self, ref: str) -> Call | None:
        """The call that ends the job; None where the service has none."""

    def before(self, job: RequestJob) -> Sequence[Call]:
        """Calls to make before anything is uploaded; none for a job that every version takes."""

    def allow(self, job: RequestJob, answers: Sequence[Answer]) -> None:
        """Raise SubmissionRejected where ``before``'s answers say that it cannot be done here."""

    def settled(self, job: RequestJob, answers: Sequence[Answer]) -> RequestJob:
        """The job with what ``before``'s answers settle, as the newest version of a model."""

    def notified(self, call: Call, address: str) -> Call:
        """``create``'s call, asking to be told at ``address`` when the job is over."""

    def secret(self) -> Call | None:
        """The call that says what such calls are signed with; None where they are not."""

    def signed_with(self, answer: Answer) -> str:
        """The secret in the answer to it.  Raises ConfigError."""

    def recent(self, job: RequestJob) -> Call | None:
        """The call that lists the latest jobs, to look up one whose creation got no answer."""

    def ours(self, answer: Answer, job: RequestJob, since: float) -> Sequence[str]:
        """Ids in that list that may be this job, created at or after ``since`` (epoch seconds)."""

    def upload(self, key: str, media_type: str) -> Call | None:
        """The call that puts an input into the service's store: a form with the file as the part
        that is Attached.  None where it has no store."""

    def uploaded(self, answer: Answer) -> str:
        """The address of what was uploaded.  Raises SubmissionRejected."""

    def probe(self) -> Sequence[Call]:
        """Calls that say how the service is; each may fail on its own."""

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """What the answers to ``probe`` say, in the same order; None where there was none."""


@runtime_checkable
class Synchronous(Protocol):
    """A service whose answer to the request is the result: the request has to be held.

    ``url`` in the methods is the address in the settings: one kind of service may be laid out
    otherwise where it is hosted.
    """

    name: ClassVar[str]
    token: ClassVar[str]
    """The variable with the token; the service may do without one."""
    url: ClassVar[str]

    def headers(self, token: str) -> Mapping[str, str]:
        """Headers of every call."""

    def root(self, url: str) -> str:
        """The address that calls are below, of one that a person wrote."""

    def ready(self, url: str) -> Call | None:
        """The call that says whether it can be asked now; None where there is none."""

    def is_ready(self, answer: Answer) -> str:
        """What the service says of itself.  Raises HostError where it says no, or nothing."""

    def create(self, job: RequestJob, url: str) -> Call:
        """The request."""

    def again(self, job: RequestJob, url: str, answer: Answer) -> Call | None:
        """The next call when the answer was "not yet" (202), else None."""

    def result(self) -> Mapping[str, str]:
        """Fields of the answer that hold a file in base64, and the path each is written to."""

    def fault(self, fields: Mapping[str, Any]) -> str:
        """The failure that an answer of 200 tells of, in words; empty when it tells of none.

        ``fields``: the answer's own, without the files in it, which are left as empty text.
        """

    def missing(self, fields: Mapping[str, Any]) -> str:
        """Why there is no result in an answer, in words; empty when there is one."""

    def better(self, job: RequestJob, call: Call, fields: Mapping[str, Any]) -> Call | None:
        """The next call, where the answer to ``call`` is not as it has to be; None where it is.

        Raises TransferError where it has been asked often enough.
        """

    def written(self, job: RequestJob, fields: Mapping[str, Any]) -> Mapping[str, str]:
        """Results that are text in the answer: the path each is written to, and the text."""

    def told(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The facts of the answer that are kept; those of another type than agreed are left out."""

    def probe(self) -> Sequence[Call]:
        """Calls that say how the service is."""

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """What the answers to ``probe`` say."""


def unsigned(text: str) -> str:
    """``text`` with addresses in it cut before their queries: those may be signed, like a key."""
    return _SIGNED.sub(r"\1?...", text)


_SIGNED = re.compile(r"(https?://[^\s?\"'<>\\]+)\?[^\s\"'<>\\]+")


def in_dialect(target: str, dialect: str, job: Job) -> RequestJob:
    """The job, which is a request in this dialect.  Raises ConfigError when it is not."""
    if isinstance(job, RequestJob) and job.dialect == dialect:
        return job
    speaks = job.dialect if isinstance(job, RequestJob) else "commands"
    raise ConfigError(
        f"{target} is a service that speaks {dialect}; the engine {job.engine} speaks {speaks}",
        hint="cosmos targets lists what each target takes; name another with --target",
    )


def reason(body: Any) -> str:
    """The words in the usual shapes of an error body; empty when there are none.

    ``{"detail": ...}``, ``{"error": {"message": ...}}``, ``{"title", "detail"}``, a list of
    ``{"loc", "msg"}`` as FastAPI writes it.
    """
    if isinstance(body, str):
        return " ".join(body.split())[:600]
    if isinstance(body, Sequence):
        return "; ".join(filter(None, (reason(item) for item in body)))[:600]
    if not isinstance(body, Mapping):
        return ""
    if "msg" in body and "loc" in body:
        return f"{'.'.join(str(part) for part in body['loc'])}: {body['msg']}"
    for key in ("message", "detail", "error", "title", "description", "reason"):
        if body.get(key):
            return reason(body[key])
    return ""
