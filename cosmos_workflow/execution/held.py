"""A service whose answer is the result, as a target: the request is held by a job on this machine.

Such a service has no job that could be asked after, so the one who asks has to stay.  That is a
detached process here (``on_http_held.py``), started, followed, ended and fetched from like any
other job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from cosmos_workflow.config import secrets as variables
from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import ConfigError, HostError
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
from cosmos_workflow.execution.dialect import Synchronous, in_dialect
from cosmos_workflow.execution.facts import HostFacts, ServiceFacts
from cosmos_workflow.execution.job import (
    Attached,
    CommandJob,
    Job,
    Place,
    RequestJob,
    WrittenFile,
    fill_attached,
)
from cosmos_workflow.execution.job_json import job_to_json
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.on_http_client import Client
from cosmos_workflow.execution.on_http_explain import explain
from cosmos_workflow.execution.on_http_probe import probed
from cosmos_workflow.execution.target import Handle

PROGRAM = "cosmos_workflow.execution.on_http_held"
_EXCHANGE = "exchange: "


class HeldTarget:
    """``row``: the dialect's name in the table.  ``token``: the variable with the token.

    ``wanted``: the settings name that variable, so that it has to be set.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        dialect: Synchronous,
        machine: OnHost,
        *,
        row: str,
        token: str,
        wanted: bool = False,
    ) -> None:
        self.name = name
        self._client = client
        self._dialect = dialect
        self._machine = machine
        self._row = row
        self._token = token
        self._wanted = wanted
        self._facts: HostFacts | None = None

    def check(self, job: Job) -> None:
        """Raise ConfigError for a job that is no request in this service's dialect."""
        job = in_dialect(self.name, self._dialect.name, job)

        def within(attached: Attached) -> Attached:
            if attached.form not in ("base64", "data_uri"):
                raise ConfigError(f"{self.name} takes files within the request only")
            return attached

        fill_attached(job.body, within)

    def explain(self, job: Job) -> str:
        """The request as text, files by their names; nothing is opened."""
        assert isinstance(job, RequestJob)
        url = self._client.address.url
        return explain(self.name, url, self._dialect.create(job, url), job)

    # -- the job that holds it ------------------------------------------------------------------

    def _command(self, job: Job) -> CommandJob:
        assert isinstance(job, RequestJob)
        names = (self._token,) if self._wanted or os.environ.get(self._token) else ()
        request = {
            "dialect": self._row,
            "address": asdict(self._client.address),
            "token": self._token,
            "job": job_to_json(job),
            "inputs": {item.key: Place("input", item.key) for item in job.inputs},
        }
        return CommandJob(
            name=job.name,
            engine=job.engine,
            argv=(Place("python"), "-m", PROGRAM, Place("workspace", "request.json")),
            outputs=job.outputs,
            secrets=tuple(dict.fromkeys((*job.secrets, *names))),
            inputs=job.inputs,
            files=(WrittenFile("request.json", json=request),),
            time_limit=job.time_limit,
        )

    def stage(self, job: Job) -> Generator[Transferring | Staged | Exchanged, None, None]:
        """Inputs under the name of their content, the request into the workspace."""
        yield from self._machine.stage(self._command(job))

    def submit(self, job: Job, secrets: Mapping[str, str], report: Report | None = None) -> Handle:
        """Start the process that asks.  The token goes to it through its pipe."""
        command = self._command(job)
        more = variables.values(name for name in command.secrets if name not in secrets)
        return self._machine.submit(command, {**secrets, **more}, report)

    def find(self, job: Job, first: float, last: float) -> Handle | None:
        """None: a second ``submit`` finds the first one's process by its name."""
        return None

    def told(self) -> Sequence[Exchanged]:
        """The process tells of its calls in its log."""
        return ()

    def so_far(self, handle: Handle, patterns: Sequence[str]) -> JobEnded:
        """The process as it stands; see Target."""
        return self._machine.so_far(handle, patterns)

    def log_now(self, handle: Handle, offset: int) -> Log:
        """What the process has written by now."""
        return self._machine.log_now(handle, offset)

    def follow(
        self, handle: Handle, offset: int, limit: float = 0.0
    ) -> Iterator[Log | Progress | Exchanged | Alive | JobOver | JobEnded]:
        """The process's log; the calls that it tells of in there are events too."""
        for event in self._machine.follow(handle, offset, limit):
            yield event
            if isinstance(event, Log):
                yield from exchanges(event.text)

    def fetch(
        self, handle: Handle, files: Sequence[RemoteFile], into: Path
    ) -> Generator[Transferring | Exchanged, None, None]:
        """Bring files home; each has the sha256 that it has in the workspace."""
        yield from self._machine.fetch(handle, files, into)

    def cancel(self, handle: Handle) -> None:
        """End the process, and with it the request."""
        self._machine.cancel(handle)

    def clean(self, minutes: int, *, dry: bool, away: Collection[str] = ()) -> Cleaned:
        """Remove what jobs on this machine have left."""
        return self._machine.clean(minutes, dry=dry, away=away)

    # -- the service itself ---------------------------------------------------------------------

    def facts(self, files: Sequence[str] = (), image: str = "") -> HostFacts:
        """What the service says of itself; asked once, when it was ready."""
        if self._dialect.ready(self._client.address.url) is None:
            return HostFacts(service=ServiceFacts(True, "not asked: it is hosted"))
        if self._facts is None:
            facts = HostFacts(service=probed(self._client, self._dialect, self._token))
            if not facts.service or not facts.service.ready:
                return facts
            self._facts = facts
        return self._facts

    def approach(self) -> None:
        """There is nothing to begin."""

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        self._machine.close()


def exchanges(text: str) -> Iterator[Exchanged]:
    """The calls that a piece of the log tells of."""
    for line in text.splitlines():
        if line.startswith(_EXCHANGE):
            try:
                yield Exchanged(**json.loads(line.removeprefix(_EXCHANGE)))
            except (ValueError, TypeError) as error:
                raise HostError(f"a line of the log is not as it was written: {line}") from error
