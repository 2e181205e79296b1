"""``queue work``: a worker in the foreground, or the service file that starts one."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from cosmos_workflow.cli.arguments import Targets
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.queue_told import Told
from cosmos_workflow.cli.queue_words import PAUSED
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.connection.local import LocalHost
from cosmos_workflow.errors import CosmosError, SpecError
from cosmos_workflow.runs.queue import queue_of
from cosmos_workflow.workflows.enqueue import targets_of
from cosmos_workflow.workflows.queue_service import unit
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.worker import Ended, Terms, Worker

Budget = Annotated[
    float | None,
    typer.Option(min=0, help="Begin no more once so much was spent; what runs is not ended."),
]


def work(
    targets: Targets = "",
    label: Annotated[str, typer.Option(help="Only what has this label, to its end.")] = "",
    idle_stop: Annotated[
        str, typer.Option(metavar="TIME", help="End after so long without work: 90s, 10m, 1h.")
    ] = "",
    on_idle: Annotated[
        str, typer.Option(metavar="COMMAND", help="Run this then, once all results are home.")
    ] = "",
    budget: Budget = None,
    service: Annotated[
        bool, typer.Option("--service", help="Print a systemd unit that does this, and stop.")
    ] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Work through the queue until Ctrl-C, or as the flags say.

    Runs that can share a loaded model share one job. Ctrl-C, a crash or a switched-off machine
    leave jobs running on their hosts; the next worker finds them again.
    """
    settings = load()
    places = targets_of(settings, targets, How()) if targets else _all(settings)
    idle = seconds(idle_stop) if idle_stop else None
    if on_idle and idle is None:
        raise SpecError("--on-idle needs --idle-stop", hint='like --idle-stop 10m --on-idle "..."')
    command = _argv(on_idle)
    if service:
        typer.echo(unit(settings, places, label, idle_stop, on_idle, budget))
        return
    terms = Terms(places, label, idle, budget)
    with open_screen(json=as_json, verbose=verbose) as screen:
        ended = run_worker(screen, settings, terms)
        if command and ended.idle:
            _run(screen, command)


def _all(settings: Settings) -> tuple[str, ...]:
    """Every target that somebody wants an item to run on, or the default one."""
    known = settings.all_targets()
    wanted = [name for item in queue_of(settings).items() for name in item.targets]
    found = tuple(name for name in dict.fromkeys(wanted) if name in known)
    return found or (settings.default_target,)


def run_worker(screen: Screen, settings: Settings, terms: Terms) -> Ended:
    """Work, and tell of it.  Raises KeyboardInterrupt with how to go on."""
    worker = Worker(settings, terms, ask)
    told = Told(screen, worker.queue, terms.label)
    screen.say(f"working on {', '.join(terms.targets)}; Ctrl-C leaves what runs running", "dim")
    if worker.queue.paused:
        screen.say(PAUSED, "yellow")
    try:
        with terminated():
            for news in worker.work():
                told.show(news)
                if isinstance(news, Ended):
                    return news
    except KeyboardInterrupt:
        raise KeyboardInterrupt(told.how_to_go_on()) from None
    raise AssertionError("a worker tells why it ended")


@contextmanager
def terminated() -> Iterator[None]:
    """SIGTERM is told like Ctrl-C: a service is stopped by it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def seconds(text: str) -> float:
    """``90``, ``90s``, ``10m``, ``1.5h`` in seconds.  Raises SpecError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|)", text.strip())
    if not match:
        raise SpecError(f"{text!r} is not a time", hint="like 90s, 10m or 1h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]


def _argv(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SpecError(f"--on-idle {text!r}: {error}") from error


def _run(screen: Screen, command: list[str]) -> None:
    screen.say(f"on idle: {shlex.join(command)}")
    done = LocalHost().run(command, check=False)
    for text in filter(None, (done.stdout.strip(), done.stderr.strip())):
        screen.say(text, "dim")
    if done.exit_code:
        raise CosmosError(
            f"--on-idle {shlex.join(command)} ended with {done.exit_code}",
            hint="it is a program and its arguments, not a line for a shell; see to the host by "
            "hand: it may still cost money",
        )
