"""The driver for jobs that are requests to a service: create, look, fetch, cancel."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import (
    ConfigError,
    HostError,
    HostUnreachable,
    JobFailed,
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
from cosmos_workflow.execution.dialect import (
    Answer,
    Call,
    Dialect,
    Download,
    Seen,
    in_dialect,
    unsigned,
)
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import Attached, Input, Job, RequestJob, fill_attached
from cosmos_workflow.execution.narrate import narrate
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.on_http_body import Body, form_body, json_body
from cosmos_workflow.execution.on_http_client import Client, LostAnswer, plain
from cosmos_workflow.execution.on_http_download import download
from cosmos_workflow.execution.on_http_explain import explain
from cosmos_workflow.execution.on_http_probe import probed, understood
from cosmos_workflow.execution.on_http_server import found as server_of
from cosmos_workflow.execution.on_http_server import is_gone
from cosmos_workflow.execution.target import Handle

LOOKS = (1.0, 15.0)
"""Seconds between looks: short at first, then longer and longer."""

_CLOCK = 2.0
"""Seconds that two clocks may differ after the difference we know of is taken off."""


class OnHttp:
    """A target that is a service.  ``token``: the variable with it, if it is asked with one.
    ``looks``: seconds between looks at a job, the shortest and the longest.

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
        token: str = "",
        looks: tuple[float, float] = LOOKS,
    ) -> None:
        self.name = name
        self._client = client
        self._dialect = dialect
        self.machine = machine
        self._webhook = webhook
        self._token = token
        self._looks = looks
        self._settled: dict[str, RequestJob] = {}
        self._paths: Mapping[str, str] = {}
        self._lost: dict[str, tuple[float, float]] = {}
        self._told: list[Exchanged] = []
        client.tell = self._told.append

    @property
    def queue(self) -> None:
        """None: a service that makes requests wait takes them one by one."""

    def check(self, job: Job) -> None:
        """Raise ConfigError for a job that is no request in this service's dialect, or whose
        server would read files that cannot be put on its disk."""
        job = in_dialect(self.name, self._dialect.name, job)
        by_path = [item.name for item in job.inputs if item.key in _keys(job, "path")]
        if by_path and self.machine is None:
            raise ConfigError(
                f"the server of {self.name} reads {by_path[0]} from its own disk, and cosmos "
                "cannot put it there",
                hint="set via = the name of the SSH target it runs on, below "
                f"[services.{self.name}]",
            )

    def explain(self, job: Job) -> str:
        """The request as text, files by their names; nothing is opened."""
        assert isinstance(job, RequestJob)
        url = plain(self._client.address.url)
        return explain(self.name, url, self._dialect.create(job), job)

    # -- stage ---------------------------------------------------------------------------------

    def stage(self, job: Job) -> Generator[Transferring | Staged | Exchanged, None, None]:
        """Inputs that the server reads by path or address go there; the rest go with the request.

        What is uploaded to the service's store is named in the request that follows at once, so
        it is done by ``submit``.
        """
        assert isinstance(job, RequestJob)
        began, sent = time.monotonic(), 0
        with self._by_way():
            answers = [self._client.ask("ask", call) for call in self._dialect.before(job)]
        with self._understood():
            self._dialect.allow(job, answers)
            self._settled[job.name] = self._dialect.settled(job, answers)
        yield from self.told()
        by_path = [item for item in job.inputs if item.key in _keys(job, "path")]
        if by_path and self.machine is not None:
            self._paths = yield from self.machine.share(by_path)
            sent = sum(item.size for item in by_path)
        if not self._dialect.create(job).repeat:
            # Recorded before it is sent: who finds us dead after this has to look the job up.
            yield Exchanged("create", "asked", 0, 1, plain(self._client.address.url), 0.0)
        yield Staged(sent, sent, round(time.monotonic() - began, 3))

    # -- submit --------------------------------------------------------------------------------

    def submit(self, job: Job, secrets: Mapping[str, str], report: Report | None = None) -> Handle:
        """Create the job.  One whose creation got no answer is looked up, never asked for again.

        Raises LostAnswer, which is transient: the next call looks it up.
        """
        assert isinstance(job, RequestJob)
        if job.name in self._lost and (found := self.find(job, *self._lost[job.name])):
            return found
        since = time.time()
        try:
            ref = self._created(job, report)
        except LostAnswer:
            first, _ = self._lost.get(job.name, (since, since))
            self._lost[job.name] = first, time.time()
            raise
        return self._handle(job, ref, since)

    def _handle(self, job: RequestJob, ref: str, since: float) -> Handle:
        return Handle(self.name, job.name, ref, since, server_of(self.machine, self.name))

    def _created(self, job: RequestJob, report: Report | None) -> str:
        """The id in the answer.  Raises LostAnswer where there may be a job and we cannot tell."""
        files = {item.key: item for item in job.inputs}
        job = self._addressed(self._settled.get(job.name, job), files, report)
        call = self._dialect.create(job)
        call = self._dialect.notified(call, self._webhook) if self._webhook else call
        answer = self._client.ask("create", call, _body(call, files, report))
        try:
            with self._understood():
                return self._dialect.created(answer)
        except HostUnreachable:
            raise
        except HostError as error:
            raise LostAnswer(error.message, hint=error.hint) from error

    def find(self, job: Job, first: float, last: float) -> Handle | None:
        """The job, where a request for it went out between these times and got no answer.

        None when it surely did not begin.  Raises HostUnreachable while that is not known yet,
        SubmissionRejected where it will not be.
        """
        assert isinstance(job, RequestJob)
        job = self._settled.get(job.name, job)
        if self._dialect.create(job).repeat:
            return None  # the service knows it by our name for it
        call = self._dialect.recent(job)
        if call is None:
            raise self._unknown(f"{self.name} has no list of jobs")
        asked = time.time()
        answer = self._client.ask("look up", call)
        if not answer.ok:
            raise HostUnreachable(f"{self.name} does not list its jobs: {answer.reason()}")
        with self._understood():
            ahead = _clock(answer) - (asked + time.time()) / 2
            found = self._dialect.ours(answer, job, first + ahead - _CLOCK)
        if len(found) == 1:
            return self._handle(job, found[0], first)
        if found:
            raise self._unknown(f"{self.name} lists {len(found)} jobs that could be it")
        if time.time() - last < self._client.address.silence:
            raise HostUnreachable(
                f"{self.name} gave no answer, and does not list the job; it may do so yet",
                hint="in a minute, cosmos run looks again before it asks for anything",
            )
        self._lost.pop(job.name, None)
        return None

    def _unknown(self, why: str) -> SubmissionRejected:
        return SubmissionRejected(
            f"the request got no answer, and {why}: whether it began the job is not known, so it "
            "is not sent again",
            hint="look at the service's own list of jobs; cosmos run ... --again starts a new one",
        )

    def _addressed(
        self, job: RequestJob, files: Mapping[str, Input], report: Report | None
    ) -> RequestJob:
        """The job with paths and addresses in place of what was put elsewhere."""

        def where(attached: Attached) -> object:
            if attached.form == "path":
                return self._paths[attached.key]
            if attached.form == "url":
                if files[attached.key].size <= self._dialect.inline:
                    return replace(attached, form="data_uri")
                return self._upload(attached, files, report)
            return attached

        return replace(job, body=fill_attached(job.body, where))

    def _upload(self, attached: Attached, files: Mapping[str, Input], report: Report | None) -> str:
        call = self._dialect.upload(attached.key, attached.media_type)
        if call is None:
            raise SubmissionRejected(f"{self.name} has no store for {attached.key}")
        try:
            answer = self._client.ask("upload", call, _body(call, files, report))
        except LostAnswer as error:
            # A file that lies there twice does no harm; it is the job that must not.
            raise HostUnreachable(error.message, hint=error.hint) from error
        return self._dialect.uploaded(answer)

    # -- follow --------------------------------------------------------------------------------

    def follow(
        self, handle: Handle, offset: int, limit: float = 0.0
    ) -> Iterator[Log | Progress | Exchanged | JobEnded]:
        """What the service says of the job until it is over; after ``limit`` seconds it is ended.

        The log is the service's own, and a last line with the facts of its last answer.
        """
        shortest, longest = self._looks
        pause, before = shortest, None
        while True:
            try:
                seen = self._look(handle)
            except HostUnreachable:
                yield from self.told()
                if not is_gone(self.machine, handle.server):
                    raise
                yield JobEnded(None, "server_gone")
                return
            yield from self.told()
            yield from _log(seen, offset)
            offset = max(offset, len(_text(seen)))
            if seen.over:
                yield _ended(seen)
                return
            left = handle.since + limit - time.time() if limit else longest + 1
            if left <= 0:
                if self._dialect.cancel(handle.ref):
                    self.cancel(handle)
                yield JobEnded(None, "timeout")
                return
            now = _where(seen)
            if now != before:
                yield Progress(*now)
                pause, before = shortest, now
            time.sleep(min(pause, left))
            pause = min(pause * 1.3, longest)

    def _look(self, handle: Handle) -> Seen:
        answer = self._client.ask("look", self._dialect.look(handle.ref))
        with self._understood():
            return self._dialect.seen(handle.ref, answer)

    def so_far(self, handle: Handle, patterns: Sequence[str]) -> JobEnded:
        """Nothing: a service makes one result, and says so when it is whole."""
        return JobEnded(None, "exited")

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
        try:
            there = {item.path: item for item in self._look(handle).downloads}
        except HostUnreachable as error:
            if not is_gone(self.machine, handle.server):
                raise
            raise JobFailed(
                f"the server of {self.name} ended before its video was fetched",
                hint="it is gone with the server: start one again, and run it again",
            ) from error
        yield from self.told()
        for file in files:
            if (into / file.path).is_file():
                continue
            if file.path not in there:
                raise JobFailed(
                    f"{self.name} no longer names {file.path} among the job's results",
                    hint="results are kept there for a while only; run it again",
                )
            try:
                yield from narrate("down", partial(self._download, there[file.path], into))
            finally:
                yield from self.told()

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
                f"{self.name} has no way to end a job that it began",
                hint="it goes on to its end there, and costs as much; "
                f"cosmos follow {handle.job.rpartition('-')[0]} brings its result home",
            )
        try:
            answer = self._client.ask("cancel", call)
        except HostUnreachable:
            if is_gone(self.machine, handle.server):
                return
            raise
        if not answer.ok and answer.status not in (404, 409, 410, 422):
            raise HostUnreachable(f"{self.name} did not end the job: {answer.reason()}")

    def webhook_secret(self) -> str:
        """What the service signs its calls to us with.  Raises ConfigError where it does not."""
        call = self._dialect.secret()
        if call is None:
            raise ConfigError(f"{self.name} does not sign its calls")
        return self._dialect.signed_with(self._client.ask("secret", call))

    def facts(self, files: Sequence[str] = (), image: str = "") -> HostFacts:
        """Whether the service answers, and what it says of itself."""
        with self._by_way():
            return HostFacts(service=probed(self._client, self._dialect, self._token))

    def clean(self, minutes: int, *, dry: bool, away: Collection[str] = ()) -> Cleaned:
        """A service keeps house itself."""
        return Cleaned()

    def approach(self) -> None:
        """A connection is made in a moment; there is nothing to begin."""

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        if self.machine is not None:
            self.machine.close()

    def told(self) -> Sequence[Exchanged]:
        """Calls worth keeping since this was last asked."""
        said = []
        while self._told:  # another thread may add to it
            said.append(self._told.pop(0))
        return said

    @contextmanager
    def _by_way(self) -> Iterator[None]:
        """A server behind a tunnel hangs up where there is none: how to see that is the hint."""
        try:
            yield
        except HostUnreachable as error:
            if self.machine is not None and not error.hint:
                there = f"--target {self.machine.name} --name {self.name}"
                error.hint = f"does its server run? cosmos serve status {there}"
            raise

    def _understood(self) -> AbstractContextManager[None]:
        return understood(self.name, self._dialect.name)


def _body(call: Call, files: Mapping[str, Input], report: Report | None = None) -> Body | None:
    if call.fields is None:
        return None

    def source(key: str) -> Path:
        path = files[key].source
        assert isinstance(path, Path), "derived inputs are made before they are sent"
        return path

    sums = {key: item.sha256 for key, item in files.items()}
    make = form_body if call.encoding == "form" else json_body
    return replace(make(call.fields, source, sums), report=report)


def _clock(answer: Answer) -> float:
    """The service's own time as it answered, or ours where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _where(seen: Seen) -> tuple[str, float | None]:
    """Stage and fraction as they may be shown: one line, and a number from 0 to 1."""
    stage = " ".join((seen.stage or seen.phase).split())[:120]
    known = seen.fraction is not None and math.isfinite(seen.fraction)
    return stage, min(max(seen.fraction or 0.0, 0.0), 1.0) if known else None


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
    return unsigned(text).encode("utf-8", "replace")


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
    return JobEnded(None, "exited")  # a service has no exit codes
