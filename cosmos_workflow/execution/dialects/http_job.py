"""A service where a job is created, looked at and fetched: its ways as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from cosmos_workflow.errors import ConfigError, HostUnreachable, SubmissionRejected
from cosmos_workflow.execution.dialect import Answer, Call, Download, Seen
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import RequestJob

Phase = Literal["queued", "running", "succeeded", "failed", "cancelled", "lost"]

RESULT = "outputs/output.mp4"
"""Where a service's video lies in the job's workspace, as engines name it."""

BESIDE = "outputs/output_*"
"""Further results beside it, as engines name them."""

ANY_MEDIA = ("video/", "image/", "audio/", "application/octet-stream", "binary/octet-stream")
"""What may lie beside a video."""


@dataclass(frozen=True)
class Ways:
    """What differs from one such service to the next.

    Paths are relative to the target's url; ``{id}`` and ``{route}`` are filled in.  ``id``,
    ``status``, ``output``, ``error``, ``progress`` and ``log`` are places in the answer:
    ``"assets.video"``, ``"output.0"``; ``progress`` is 0..``whole``.  ``phases`` are by status in
    lower case.  ``kept``: fields of the last answer that go into the run's log, what the service
    echoes.
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
    inline: ClassVar[int] = 0
    WAYS: ClassVar[Ways]

    def headers(self, token: str) -> Mapping[str, str]:
        """The service's own, and the token.  Raises ConfigError where it needs one: there is none.

        A token that a header cannot hold is refused here, because httpx would say it aloud.
        """
        if self.token and not token:
            raise ConfigError(
                f"{self.name} takes no call without a token, and {self.token} is not set",
                hint=f"export {self.token} in the shell that runs cosmos; or name another variable "
                "with token, below the service in config.toml",
            )
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ConfigError(
                f"the token of {self.name} has spaces, line breaks or letters that no token has",
                hint="copy it once more; it is one word",
            )
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
        if answer.ok and isinstance(found, str | int) and not isinstance(found, bool) and found:
            return str(found)
        if answer.status in (429, 502, 503, 504):
            raise HostUnreachable(f"the service is not ready: {answer.reason()}")
        if answer.ok:
            raise SubmissionRejected(
                f"the service does not say which job it began (HTTP {answer.status}): "
                f"{answer.reason()}",
                hint="look at its own list of jobs; is the url that of its API?",
            )
        if 300 <= answer.status < 400:
            raise SubmissionRejected(
                f"the service sends the request elsewhere (HTTP {answer.status}), and a request "
                "with a token is not sent on",
                hint=f"set url to the new address: {answer.headers.get('location', 'not told')}",
            )
        raise SubmissionRejected(
            f"the service refused the request (HTTP {answer.status}): {self.refused(answer)}",
            hint="nothing was started; cosmos plan shows the whole request",
        )

    def refused(self, answer: Answer) -> str:
        """Why a request was refused, in the service's own words."""
        return answer.reason()

    def look(self, ref: str) -> Call:
        """One GET."""
        return Call("GET", self.WAYS.look.format(id=quote(ref, safe="")))

    def seen(self, ref: str, answer: Answer) -> Seen:
        """The status by the table of phases; 404 is a job that the service lost."""
        status = place(answer.body, self.WAYS.status)
        phase = self.WAYS.phases.get(str(status).lower()) if isinstance(status, str) else None
        if phase is None:
            if answer.status in (404, 410):
                return Seen("lost", told={"http_status": answer.status, "error": answer.reason()})
            raise HostUnreachable(
                f"the service answers {status or answer.reason()!r} when asked for job {ref}"
            )
        done = place(answer.body, self.WAYS.progress) if self.WAYS.progress else None
        fraction = float(done) / self.WAYS.whole if isinstance(done, int | float) else None
        fraction = None if fraction is None else min(max(fraction, 0.0), 1.0)
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
        """The addresses in the answer: the result, and those beside it in a list."""
        found = place(answer.body, self.WAYS.output)
        links = [
            link
            for link in (found if isinstance(found, list) else [found])
            if isinstance(link, str) and link.startswith(("https://", "http://"))
        ]
        beside = enumerate(links[1:], start=1)
        return (
            *(Download(RESULT, Call("GET", link)) for link in links[:1]),
            *(Download(_beside(n, link), Call("GET", link), ANY_MEDIA) for n, link in beside),
        )

    def cancel(self, ref: str) -> Call | None:
        """One call, where there is such a one."""
        if self.WAYS.cancel is None:
            return None
        method, path = self.WAYS.cancel
        return Call(method, path.format(id=quote(ref, safe="")))

    def before(self, job: RequestJob) -> Sequence[Call]:
        """Nothing is asked first."""
        return ()

    def allow(self, job: RequestJob, answers: Sequence[Answer]) -> None:
        """Every version takes every job."""

    def settled(self, job: RequestJob, answers: Sequence[Answer]) -> RequestJob:
        """The job as it is."""
        return job

    def notified(self, call: Call, address: str) -> Call:
        """The service calls nobody."""
        return call

    def secret(self) -> Call | None:
        """Nothing is signed."""
        return None

    def signed_with(self, answer: Answer) -> str:
        """Nothing is signed."""
        raise ConfigError(f"{self.name} does not sign its calls")

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


def _beside(number: int, link: str) -> str:
    """The path of a further result: numbered, with the ending that its address has."""
    ending = PurePosixPath(urlsplit(link).path).suffix
    return f"outputs/output_{number}{ending if ending[1:].isalnum() else '.bin'}"
