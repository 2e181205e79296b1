"""A service tells us that a job is over: its run is brought home at once, whoever started it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError, CosmosError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.runs import index
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.collect import main_output
from cosmos_workflow.workflows.run import carry_on
from cosmos_workflow.workflows.webhook_receiver import Receiver
from cosmos_workflow.workflows.webhook_seen import Seen
from cosmos_workflow.workflows.webhook_signature import key_of

SIGNING = ("replicate",)
"""Dialects of services that sign their calls."""

OVER = ("succeeded", "failed", "canceled", "cancelled", "aborted")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for a run: a quick job may be over before who began it has noted its id."""


def service(settings: Settings, name: str = "") -> str:
    """The service that calls: ``name``, or the only one that does.  Raises ConfigError."""
    known = [one for one, row in settings.services.items() if row.dialect in SIGNING]
    if name in known:
        return name
    if name or not known:
        raise ConfigError(
            f"{name!r} is no service that calls us" if name else "no service calls us",
            hint=f"known: {', '.join(known)}"
            if known
            else '[services.replicate] with dialect = "replicate" in config.toml makes one',
        )
    if len(known) > 1:
        raise ConfigError(
            f"{len(known)} services may call us, each with a secret of its own",
            hint=f"--target NAME, and a cosmos webhook for each: {', '.join(known)}",
        )
    return known[0]


def secret(settings: Settings, name: str, variable: str) -> str:
    """What the service signs with: the variable's value, or what the service itself says."""
    given = os.environ.get(variable, "")
    if given:
        return given
    place = assemble.target(settings, name)
    try:
        assert isinstance(place, OnHttp), "a service that signs is looked at, not held"
        return place.webhook_secret()
    finally:
        place.close()


def receiver(
    settings: Settings, address: tuple[str, int], path: str, key: str, arrivals: Arrivals
) -> Receiver:
    """The server, bound and not yet serving.  Raises ConfigError when the port is taken."""
    seen = Seen(settings.root / ".cosmos" / "webhooks.sqlite")
    try:
        return Receiver(address, path, key_of(key), seen, arrivals.take, arrivals.say)
    except (OSError, OverflowError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise ConfigError(
            f"cannot listen on {address[0]}:{address[1]}: {getattr(error, 'strerror', error)}",
            hint="another cosmos webhook, or another program, has it; --port takes another"
            if taken
            else "--host is an address of this machine, --port 1024 to 65535 or 0",
        ) from error


@dataclass
class Arrivals:
    """Brings home the runs of one service as their calls come in, a few at a time."""

    settings: Settings
    service: str
    say: Callable[[str], None]
    note: Callable[[Mapping[str, Any]], None] = lambda facts: None
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def take(self, sent: Mapping[str, Any]) -> None:
        """What a call says; of one that is not over there is nothing to do."""
        ref, status = sent.get("id"), sent.get("status")
        if not isinstance(ref, str) or not ref:
            self.say("a call that names no job: nothing is done")
        elif status in OVER:
            self.pool.submit(self.bring, ref[:100])

    def bring(self, ref: str) -> None:
        """Carry on with the run of that job, to its end."""
        folder = self.find(ref)
        if folder is None:
            self.say(f"job {ref} is of no run that is under way here: nothing is done")
            return
        place = assemble.target(self.settings, self.service)
        try:
            engine = assemble.engine(folder.spec().engine, self.settings)
            bench = Bench(self.settings, engine, place, assemble.store(self.settings))
            for _ in carry_on(bench, folder):
                pass
            run, result = folder.run(), main_output(folder)
            self.say(f"{run.id} {run.status}: {result or run.message}")
            self.note({"run": run.id, "status": run.status, "video": result and str(result)})
        except RunInUse:
            self.say(f"{folder.id} is over; the process that follows it brings it home")
        except CosmosError as error:
            self.say(f"{folder.id}: {error.message}; cosmos follow {folder.id} goes on with it")
        finally:
            place.close()

    def find(self, ref: str) -> RunFolder | None:
        """The run whose job has this id at the service."""
        for pause in (*PAUSES, None):
            for folder in self.out():
                handle = folder.run().handle
                if handle is not None and handle.ref == ref:
                    return folder
            if pause is not None:
                time.sleep(pause)
        return None

    def out(self) -> list[RunFolder]:
        """Runs that are at the service now."""
        store = assemble.store(self.settings)
        rows = index.page(store, status=ExecutionStatus.RUNNING).rows
        return [RunFolder(store.root / row.id) for row in rows if row.target == self.service]
