"""``serve``: a model's server on an SSH host, and the lines that make it a target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.config.load import load
from cosmos_workflow.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    from cosmos_workflow.workflows.serve import Server

ACTIONS = ("start", "stop", "status")


def serve(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ACTION [MORE]...",
            help="start, stop or status; after -- what the server itself takes.",
        ),
    ],
    target: Annotated[
        str,
        typer.Option("--target", "-t", help="Which SSH host.", autocompletion=completion.targets),
    ] = "",
    engine: Annotated[
        str, typer.Option("--engine", "-e", help="vllm_omni or sglang.")
    ] = "vllm_omni",
    model: Annotated[
        str, typer.Option(help="nano, super, or a model of Hugging Face by its full name.")
    ] = "nano",
    name: Annotated[str, typer.Option(help="Name of the service; else omni or sglang.")] = "",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="On the host's own 127.0.0.1.")
    ] = 8000,
    num_gpu: Annotated[int, typer.Option(min=0, help="GPUs; 0: as many as the model takes.")] = 0,
    cuda_devices: Annotated[str, typer.Option(help='Which GPUs, like "0,1".')] = "",
    image: Annotated[str, typer.Option(help="Container image, else that of the engine.")] = "",
    no_guardrails: Annotated[
        bool, typer.Option("--no-guardrails", help="If the model's licence lets you.")
    ] = False,
    wait: Annotated[
        int, typer.Option(min=0, help="Seconds to wait until it answers; 0: do not wait.")
    ] = 2400,
    save: Annotated[bool, typer.Option("--save", help="Add the service to config.toml.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Start, look at or stop a model's server on an SSH host.

    It runs in a container of its own, listens on the host's loopback alone, and is reached on
    the SSH connection. Ctrl-C leaves it running. Its first start downloads the weights.

    Example: cosmos serve start --target gpu --model nano --save
    """
    from cosmos_workflow.engines.vllm_omni_server import Serving
    from cosmos_workflow.workflows import serve as work

    action, *more = words
    if action not in ACTIONS:
        raise SpecError(
            f"cosmos serve {action}: no such action",
            hint=f"{did_you_mean(action, ACTIONS)}one of: {', '.join(ACTIONS)}",
        )
    called = name or ("omni" if engine == "vllm_omni" else engine)
    serving = Serving("", model, port, num_gpu, cuda_devices, not no_guardrails, more=tuple(more))
    server = work.find(load(), engine, target, called, image, ask)
    with open_screen(json=as_json, verbose=verbose) as screen, closing(server):
        screen.begin(called)
        if action == "stop":
            ran = work.stop(server)
            screen.say(f"{called} is stopped" if ran else f"{called} was not running")
            screen.data({"service": called, "target": server.target, "stopped": ran})
            return
        if action == "start":
            with _goes_on(server):
                screen.events(work.start(server, serving, float(wait), screen.say))
            _offer(screen, server, port, save)
        _show(screen, server, known=save or called in load().services)


@contextmanager
def _goes_on(server: Server) -> Iterator[None]:
    """Ctrl-C says what becomes of the server."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{server.name} goes on starting on {server.target}; {server.command('status')}"
        ) from None


def _offer(screen: Screen, server: Server, port: int, save: bool) -> None:
    """The lines for config.toml, written or shown."""
    from cosmos_workflow.workflows import serve as work

    if save:
        screen.say(f"[services.{server.name}] is in {work.save(server, port)}")
        return
    screen.say("for config.toml (--save writes it):", "dim")
    screen.say(f"[services.{server.name}]")
    for key, value in server.table(port).items():
        screen.say(f'{key} = "{value}"')


def _show(screen: Screen, server: Server, *, known: bool) -> None:
    from cosmos_workflow.workflows import serve as work

    found = work.look(server)
    facts = found.facts
    state = "ready" if facts.ready else "starting" if found.port else "not running"
    screen.data({
        "service": server.name, "target": server.target, "state": state, "port": found.port,
        "model": found.model, "version": facts.version, "last": found.last,
    })  # fmt: skip
    what = f", {found.model} {facts.version}".rstrip() if found.port else ""
    at = f", port {found.port}" if found.port else ""
    screen.say(f"{server.name} on {server.target}: {state}{what}{at}", "bold")
    if not facts.ready and found.last:
        screen.say(found.last)
    if facts.ready and known:
        screen.say(f"next: cosmos run RUN_SPEC --target {server.name}", "cyan")
