"""``cosmos webhook``: listens for a service's calls, and brings runs home as they end."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.workflows import webhook as calls


def webhook(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0: any that is free.")
    ] = 8787,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    path: Annotated[str, typer.Option(help="The only path that is answered.")] = "/replicate",
    secret_name: Annotated[
        str, typer.Option(help="Variable with the signing secret; unset: the service is asked.")
    ] = "REPLICATE_WEBHOOK_SECRET",
    target: Annotated[
        str,
        typer.Option(
            "--target", "-t", help="The service that calls.", autocompletion=completion.targets
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Bring runs home as their service says that they are over.

    Calls are signed; each is checked, taken once, and at most 5 minutes old. Runs that were
    started with --detach end without anybody waiting. Ctrl-C stops listening; runs go on.
    """
    settings = load()
    if not path.startswith("/"):
        raise ConfigError(f"--path {path}: it begins with a slash", hint=f"--path /{path}")
    name = calls.service(settings, target)
    with open_screen(json=as_json) as screen:
        arrivals = calls.Arrivals(settings, name, screen.say, screen.data)
        key = calls.secret(settings, name, secret_name)
        with calls.receiver(settings, (host, port), path, key, arrivals) as receiver:
            bound = int(receiver.server_address[1])
            _introduce(screen, settings, name, host, bound, path)
            if out := len(arrivals.out()):
                said = f"{counted(out, 'run')} out there; what ended before now calls no more"
                screen.say(f"{said}: cosmos follow brings it home")
            try:
                receiver.serve_forever(poll_interval=0.2)
            except KeyboardInterrupt:
                screen.say("stopped listening; what is under way is brought home first")
            finally:
                arrivals.pool.shutdown()


def _introduce(
    screen: Screen, settings: Settings, name: str, host: str, port: int, path: str
) -> None:
    """Where it listens, and how the service reaches it."""
    local = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
    screen.say(f"listening on {local} for {name}", "bold")
    screen.data({"listening": local, "port": port, "target": name})
    public = settings.services[name].webhook
    if public:
        screen.say(f"{name} is told to call {public}")
    else:
        screen.say("a service needs a public https address that leads here: a reverse proxy, or")
        screen.say(f"  ssh -N -R {port}:{host}:{port} you@server  # whose proxy leads to {port}")
        screen.say(f'and webhook = "https://server{path}" below [services.{name}]')
    if not _is_loopback(host):
        screen.warn(f"{host} is open to the network, and this is plain http; better a proxy before")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
