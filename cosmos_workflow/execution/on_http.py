"""The driver for jobs that are requests to a service: create, look, fetch, cancel."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import (
    ConfigError,
    HostError,
    HostUnreachable,
    SubmissionRejected,
    TransferError,
)
from cosmos_workflow.events import (
    Exchanged,
    JobEnded,
    Log,
    Progress,
    RemoteFile,
    Staged,
    Transferring,
)
from cosmos_workflow.execution.clean import Cleaned
from cosmos_workflow.execution.dialect import Answer, Call, Dialect, Download, Seen
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import Attached, Job, RequestJob, fill_attached
from cosmos_workflow.execution.narrate import narrate
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.on_http_body import Body, form_body, json_body
from cosmos_workflow.execution.on_http_client import Client, LostAnswer
from cosmos_workflow.execution.on_http_download import download
from cosmos_workflow.execution.on_http_explain import explain
from cosmos_workflow.execution.target import Handle

FIRST_LOOK, LONGEST_LOOK = 1.0, 15.0
"""Seconds between looks: short at first, then longer and longer."""


class OnHttp:
    """A target that is a service.  ``token`` is asked when a call is made and never kept.

    ``machine``: one of ours that the server runs on; inputs that it reads by path are put there.
    ``webhook``: the address that the service may call when a job is over.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        dialect: Dialect,
        *,
        machine: OnHost | None = None,
        webhook: str = "",
    ) -> None:
        self.name = name
        self._client = client
        self._dialect = dialect
        self._machine = machine
        self._webhook = webhook
        self._settled: dict[str, RequestJob] = {}
        self._paths: Mapping[str, str] = {}
        self._told: list[Exchanged] = []
        client.tell = self._told.append

    def check(self, job: Job) -> None:
        """Raise ConfigError for a job that is no request in this service's dialect, or whose
        server would read files that cannot be put on its disk."""
        if not isinstance(job, RequestJob) or job.dialect != self._dialect.name:
            speaks = job.dialect if isinstance(job, RequestJob) else "commands"
            raise ConfigError(
                f"{self.name} is a service that speaks {self._dialect.name}; the engine "
                f"{job.engine} speaks {speaks}",
                hint="cosmos targets lists what each target takes; name another with --target",
            )
        by_path = [item.name for item in job.inputs if item.key in _keys(job, "path")]
        if by_path and self._machine is None:
            raise ConfigError(
                f"the server of {self.name} reads {by_path[0]} from its own disk, and cosmos "
                "cannot put it there",
                hint="set via = the name of the SSH target it runs on, below "
                f"[services.{self.name}]",
            )

    def explain(self, job: Job) -> str:
        """The request as text, files by their names; nothing is opened."""
        assert isinstance(job, RequestJob)
        return explain(self.name, self._client.address.url, self._dialect.create(job), job)

    # -- stage ---------------------------------------------------------------------------------

    def stage(self, job: Job) -> Generator[Transferring | Staged | Exchanged, None, None]:
        """Inputs that the server reads by path or address go there; the rest go with the request.

        What is uploaded to the service's store is named in the request that follows at once, so
        it is done by ``submit``.
        """
        assert isinstance(job, RequestJob)
        began, total, sent = time.monotonic(), sum(item.size for item in job.inputs), 0
        answers = [self._client.ask("ask", call) for call in self._dialect.before(job)]
        self._dialect.allow(job, answers)
        self._settled[job.name] = self._dialect.settled(job, answers)
        by_path = [item for item in job.inputs if item.key in _keys(job, "path")]
        if by_path and self._machine is not None:
            self._paths = yield from self._machine.share(by_path)
            sent = sum(item.size for item in by_path)
        yield Staged(sent, total, round(time.monotonic() - began, 3))

    # -- submit --------------------------------------------------------------------------------

    def submit(self, job: Job, secrets: Mapping[str, str], report: Report | None = None) -> Handle:
        """Create the job.  Where no answer came it is looked up, never blindly asked for again."""
        assert isinstance(job, RequestJob)
        files = {item.key: item.source for item in job.inputs if isinstance(item.source, Path)}
        job = self._addressed(self._settled.get(job.name, job), files)
        call = self._dialect.create(job)
        call = self._dialect.notified(call, self._webhook) if self._webhook else call
        since = time.time()
        try:
            answer = self._client.ask("create", call, _body(call, files, report))
        except LostAnswer as error:
            ref = self._found(job, since, error)
        else:
            ref = self._dialect.created(answer)
        return Handle(self.name, job.name, ref, since)

    def _addressed(self, job: RequestJob, files: Mapping[str, Path]) -> RequestJob:
        """The job with paths and addresses in place of what was put elsewhere."""

        def where(attached: Attached) -> object:
            if attached.form == "path":
                return self._paths[attached.key]
            if attached.form == "url":
                small = files[attached.key].stat().st_size <= self._dialect.inline
                return (
                    replace(attached, form="data_uri") if small else self._upload(attached, files)
                )
            return attached

        return replace(job, body=fill_attached(job.body, where))

    def _upload(self, attached: Attached, files: Mapping[str, Path]) -> str:
        call = self._dialect.upload(attached.key, attached.media_type)
        if call is None:
            raise SubmissionRejected(f"{self.name} has no store for {attached.key}")
        return self._dialect.uploaded(self._client.ask("upload", call, _body(call, files)))

    def _found(self, job: RequestJob, since: float, error: LostAnswer) -> str:
        call = self._dialect.recent(job)
        if call is not None:
            # A clock may be off by some seconds between us and the service.
            found = self._dialect.ours(self._client.ask("look up", call), job, since - 5)
            if len(found) == 1:
                return found[0]
        raise SubmissionRejected(
            f"{error.message}; whether it began the job is not known, so it is not asked again",
            hint="look at the service's own list of jobs; cosmos run ... --again starts a new one",
        ) from error

    # -- follow --------------------------------------------------------------------------------

    def follow(
        self, handle: Handle, offset: int, limit: float = 0.0
    ) -> Iterator[Log | Progress | Exchanged | JobEnded]:
        """What the service says of the job until it is over; after ``limit`` seconds it is ended.

        The log is the service's own, and a last line with the facts of its last answer.
        """
        pause, before = FIRST_LOOK, None
        while True:
            seen = self._look(handle)
            yield from self._said()
            yield from _log(seen, offset)
            offset = max(offset, len(_text(seen)))
            if seen.over:
                yield _ended(seen)
                return
            if limit and time.time() - handle.since > limit:
                if self._dialect.cancel(handle.ref):
                    self.cancel(handle)
                yield JobEnded(None, "timeout")
                return
            now = (seen.stage or seen.phase, seen.fraction)
            if now != before:
                yield Progress(*now)
                pause, before = FIRST_LOOK, now
            time.sleep(pause)
            pause = min(pause * 1.3, LONGEST_LOOK)

    def _look(self, handle: Handle) -> Seen:
        answer = self._client.ask("look", self._dialect.look(handle.ref))
        return self._dialect.seen(handle.ref, answer)

    def log_now(self, handle: Handle, offset: int) -> Log:
        """The service's own log by now, from a byte offset."""
        seen = self._look(handle)
        text = _text(seen)[offset:]
        return Log(text.decode("utf-8", "replace"), max(offset, len(_text(seen))))

    # -- fetch ---------------------------------------------------------------------------------

    def fetch(
        self, handle: Handle, files: Sequence[RemoteFile], into: Path
    ) -> Generator[Transferring | Exchanged, None, None]:
        """Bring results home below ``into``, each whole.  Raises JobFailed when they are gone."""
        there = {item.path: item for item in self._look(handle).downloads}
        yield from self._said()
        for file in files:
            if not (into / file.path).is_file():
                yield from narrate("down", partial(self._download, there[file.path], into))

    def _download(self, item: Download, into: Path, report: Report) -> None:
        try:
            download(self._client, item, into / item.path, report)
        except OSError as error:
            raise TransferError(
                f"cannot write {into / item.path}: {error.strerror}",
                hint="make room or check permissions, then: cosmos follow",
            ) from error

    # -- the rest ------------------------------------------------------------------------------

    def cancel(self, handle: Handle) -> None:
        """End the job; one that is over already, or unknown, is no error.

        Raises HostError where the service cannot end what it began.
        """
        if not handle.ref:
            return
        call = self._dialect.cancel(handle.ref)
        if call is None:
            raise HostError(
                f"{self.name} ({self._dialect.name}) cannot end what it began",
                hint="it goes on to its end there, and costs as much; cosmos follow brings it home",
            )
        answer = self._client.ask("cancel", call)
        if not answer.ok and answer.status not in (404, 409, 410, 422):
            raise HostUnreachable(f"{self.name} did not end the job: {answer.reason()}")

    def webhook_secret(self) -> str:
        """What the service signs its calls to us with.  Raises ConfigError where it does not."""
        call = self._dialect.secret()
        if call is None:
            raise ConfigError(f"{self.name} ({self._dialect.name}) does not sign its calls")
        return self._dialect.signed_with(self._client.ask("secret", call))

    def facts(self, files: Sequence[str] = (), image: str = "") -> HostFacts:
        """Whether the service answers, and what it says of itself."""
        answers = [self._asked(call) for call in self._dialect.probe()]
        return HostFacts(service=self._dialect.service(answers))

    def _asked(self, call: Call) -> Answer | None:
        try:
            return self._client.ask("probe", call)
        except HostUnreachable:
            return None

    def clean(self, minutes: int, *, dry: bool, away: Collection[str] = ()) -> Cleaned:
        """A service keeps house itself."""
        return Cleaned()

    def approach(self) -> None:
        """A connection is made in a moment; there is nothing to begin."""

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        if self._machine is not None:
            self._machine.close()

    def _said(self) -> Iterator[Exchanged]:
        said, self._told[:] = list(self._told), []
        yield from said


def _body(call: Call, files: Mapping[str, Path], report: Report | None = None) -> Body | None:
    if call.fields is None:
        return None
    make = form_body if call.encoding == "form" else json_body
    return replace(make(call.fields, files.__getitem__), report=report)


def _keys(job: Job, form: str) -> set[str]:
    keys: set[str] = set()

    def note(attached: Attached) -> Attached:
        keys.update([attached.key] if attached.form == form else [])
        return attached

    if isinstance(job, RequestJob):
        fill_attached(job.body, note)
    return keys


def _text(seen: Seen) -> bytes:
    """The log as it is kept: whole lines while the job runs, and the answer's facts at its end."""
    text = seen.log if seen.over else seen.log.rpartition("\n")[0]
    text = f"{text.rstrip()}\n" if text.strip() else ""
    if seen.over:
        text += f"answer: {json.dumps(dict(seen.told), ensure_ascii=False)}\n"
    return text.encode()


def _log(seen: Seen, offset: int) -> Iterator[Log]:
    text = _text(seen)
    if len(text) > offset:
        yield Log(text[offset:].decode("utf-8", "replace"), len(text))


def _ended(seen: Seen) -> JobEnded:
    match seen.phase:
        case "cancelled":
            return JobEnded(None, "cancelled")
        case "lost":
            return JobEnded(None, "gone")
        case "succeeded":
            return JobEnded(0, "exited", tuple(RemoteFile(d.path, 0, "") for d in seen.downloads))
    return JobEnded(1, "exited")
