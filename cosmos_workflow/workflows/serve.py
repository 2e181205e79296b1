"""A model's server on a machine of ours: start it, wait until it answers, end it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cosmos_workflow.config import secrets, template
from cosmos_workflow.config.load import FILE
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines import sglang_server, vllm_omni_server
from cosmos_workflow.engines.vllm_omni_server import FACTS, READY, Serving, failure, last_words
from cosmos_workflow.errors import (
    ConfigError,
    HostUnreachable,
    JobFailed,
    SubmissionRejected,
    did_you_mean,
)
from cosmos_workflow.events import Event, Log, Progress
from cosmos_workflow.execution.dialects.videos import Videos
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client
from cosmos_workflow.execution.on_http_server import job_of
from cosmos_workflow.execution.places import Ask, ssh
from cosmos_workflow.execution.target import Handle

SERVERS: Mapping[str, Callable[[Serving], CommandJob]] = {
    "sglang": sglang_server.server,
    "vllm_omni": vllm_omni_server.server,
}

Say = Callable[[str], None]

LOOK_S, LONGEST_LOOK_S = 0.5, 5.0
"""Seconds between looks at the log: short at first, then longer and longer."""

ASK_S = 20.0
"""Seconds after which a server is asked whether it is ready, whatever its log says."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")

TAIL = 15
"""Lines of the log that are told of a server that did not come up."""


@dataclass(frozen=True)
class Server:
    """A server by its name, on a machine; nothing is known of it yet."""

    name: str
    engine: str
    target: str
    settings: Settings
    machine: OnHost

    @property
    def handle(self) -> Handle:
        """The job that it is: its name is the lock, for all that share a folder on the machine."""
        return Handle(self.target, job_of(self.name, self.machine.root), "")

    def command(self, action: str) -> str:
        """What a person types to have that done with it."""
        return f"cosmos serve {action} --target {self.target} --name {self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of what it is given through standard input."""
        return self.settings.machines()[self.target].secrets

    def table(self, port: int) -> dict[str, str]:
        """What ``[services.NAME]`` has to say."""
        return {"dialect": Videos.name, "url": f"http://127.0.0.1:{port}", "via": self.target}

    def facts(self, port: int) -> ServiceFacts:
        """What it says of itself, over the connection to its machine."""
        address = Address(self.name, f"http://127.0.0.1:{port}")
        service = OnHttp(self.name, Client(address, reach=self.machine.host.reach), Videos())
        try:
            found = service.facts().service
        finally:
            service.close()
        assert found is not None
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self.machine.close()


@dataclass(frozen=True)
class Standing:
    """How a server is: ``port`` and ``model`` of the one that runs, 0 and empty for none; what it
    says of itself; its last words."""

    port: int
    model: str
    facts: ServiceFacts
    last: str = ""


def find(
    settings: Settings, engine: str, target: str, name: str, image: str = "", ask: Ask | None = None
) -> Server:
    """The server of that name on that machine; nothing is connected.  Raises ConfigError."""
    if engine not in SERVERS:
        raise ConfigError(
            f"--engine {engine}: cosmos starts no server of it",
            hint=f"{did_you_mean(engine, list(SERVERS))}one of: {', '.join(SERVERS)}",
        )
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"--name {name}: a service's name is letters, digits, - and _",
            hint="it is what comes after --target",
        )
    known = {one: machine for one, machine in settings.machines().items() if machine.kind == "ssh"}
    given, target = target, target or settings.default_target
    if target not in known:
        said = f"--target {given}" if given else f"no --target, and {target} is the usual one"
        raise ConfigError(
            f"{said}: a server is started on an SSH target",
            hint=f"{did_you_mean(target, list(known))}known: {', '.join(known) or 'none'}",
        )
    # An image that is set for all engines is one of another model: only the engine's own counts.
    chosen = image or known[target].images.get(engine, "")
    images = {engine: chosen} if chosen else {}
    own = known[target].model_copy(update={"image": "", "images": images})
    project = settings.model_copy(update={"targets": {**settings.targets, target: own}})
    return Server(name, engine, target, project, ssh(project, target, ask))


def _check_name(settings: Settings, name: str) -> None:
    """Raise ConfigError where the name is that of something else in the settings."""
    if name in settings.machines():
        raise ConfigError(
            f"--name {name}: there is a machine of that name", hint="give the service another one"
        )
    there = settings.services.get(name)
    if there is not None and there.dialect != Videos.name:
        raise ConfigError(
            f"--name {name}: [services.{name}] in config.toml is another service ({there.dialect})",
            hint="give this one another name",
        )


def start(server: Server, serving: Serving, patience: float, say: Say) -> Iterator[Event]:
    """Start it unless it runs, and wait until it answers; ``patience`` 0 waits for nothing.

    ``say`` hears the last words of one that did not come up.
    Raises SubmissionRejected when it cannot be started, JobFailed when it ends before it is
    ready, HostUnreachable when ``patience`` seconds have passed.
    """
    _check_name(server.settings, server.name)
    machine = server.machine
    job = SERVERS[server.engine](replace(serving, job=server.handle.job, secrets=server.secrets))
    if machine.runs(job.name):
        _same(server, job)
        yield Progress("running already")
    else:
        values = secrets.values(job.secrets)
        machine.forget(job.name)
        for _ in machine.stage(job):
            pass  # a few scripts: nothing worth a line
        machine.submit(job, values)
        yield Progress("started")
    if patience:
        yield from _until_ready(server, job.port, patience, say)


def _same(server: Server, job: CommandJob) -> None:
    """Raise SubmissionRejected when it is another one that runs under that name."""
    asked, runs = job.files[0].json, _told(server)
    if runs and runs != asked:
        raise SubmissionRejected(
            f"{server.name} runs on {server.target} already, with {runs['model']} on port "
            f"{runs['port']}",
            hint=f"{server.command('stop')} ends it; or give the new one another --name and --port",
        )


def _told(server: Server) -> dict[str, Any]:
    """Model and port of the one that was started last; empty when there is none."""
    file = f"{server.machine.root}/runs/{server.handle.job}/{FACTS}"
    done = server.machine.host.run(["cat", file], check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _until_ready(server: Server, port: int, patience: float, say: Say) -> Iterator[Event]:
    end, asked, pause = time.monotonic() + patience, time.monotonic(), LOOK_S
    offset, lines = 0, [""]
    hidden = secrets.present(server.secrets)
    while True:
        alive = server.machine.runs(server.handle.job)
        log = server.machine.log_now(server.handle, offset)
        if log.text:
            offset, pause = log.offset, LOOK_S
            text = secrets.mask(log.text, hidden)
            lines = [*lines, *text.splitlines()][-400:]
            yield Log(text, offset)
            yield Progress("starting", None, "".join(last_words(lines, 1))[:60])
        if not alive:
            for line in last_words(lines, TAIL):
                say(f"  {line[:300]}")
            why = failure(lines, None)
            raise JobFailed(f"{server.name} did not come up: {why.message}", hint=why.hint)
        due = time.monotonic() - asked > ASK_S
        if due or any(READY.search(line) for line in log.text.splitlines()):
            asked = time.monotonic()
            if server.facts(port).ready:
                yield Progress("ready")
                return
        if time.monotonic() > end:
            raise HostUnreachable(
                f"{server.name} is still starting on {server.target} after {patience:.0f} s: "
                f"{lines[-1].strip()[:200]}",
                hint=f"it goes on without us: {server.command('status')}, or start again to go on "
                "waiting",
            )
        time.sleep(pause)
        pause = min(pause * 1.3, LONGEST_LOOK_S)


def stop(server: Server) -> bool:
    """End it and remove what is left of it; False when it did not run."""
    ran = server.machine.runs(server.handle.job)
    if ran:
        server.machine.cancel(server.handle)
    server.machine.forget(server.handle.job)
    return ran


def look(server: Server) -> Standing:
    """How it is now."""
    if not server.machine.runs(server.handle.job):
        return Standing(0, "", ServiceFacts(False, "not running"), _last(server))
    told = _told(server)
    port = int(told.get("port", 0))
    return Standing(port, str(told.get("model", "")), server.facts(port), _last(server))


def _last(server: Server) -> str:
    lines = server.machine.log_now(server.handle, 0).text.splitlines()
    told = "".join(last_words(lines, 1))
    return secrets.mask(told, secrets.present(server.secrets))


def save(server: Server, port: int) -> str:
    """Write ``[services.NAME]`` into config.toml and return its path.  Raises ConfigError."""
    file = server.settings.config_file or server.settings.root / FILE
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        beside.write_text(
            template.with_service(old, server.name, server.table(port)), encoding="utf-8"
        )
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"cannot write {file}: {error.strerror}", hint="add the lines to it by hand"
        ) from error
    return str(file)
