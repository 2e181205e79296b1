"""Services as targets, from settings: which dialect, which address, whose token."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError, did_you_mean
from cosmos_workflow.execution import DIALECTS
from cosmos_workflow.execution.dialect import Dialect, Synchronous
from cosmos_workflow.execution.held import HeldTarget
from cosmos_workflow.execution.launcher import Site
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client
from cosmos_workflow.execution.places import Ask, ssh


def http(project: Settings, name: str, ask: Ask | None = None) -> OnHttp | HeldTarget:
    """A service.  Raises ConfigError when it has no address, or is by way of no known machine."""
    settings = project.services[name]
    if settings.dialect not in DIALECTS.names():
        known = DIALECTS.names()
        raise ConfigError(
            f"the service {name!r} speaks {settings.dialect!r}, which nobody here knows",
            hint=f"{did_you_mean(settings.dialect, known)}dialect is one of {', '.join(known)}",
        )
    dialect: Dialect | Synchronous = DIALECTS.load(settings.dialect)()
    url = settings.url or dialect.url
    if not url:
        raise ConfigError(
            f"the service {name!r} has no url",
            hint=f'set url below [services.{name}] in config.toml, like "http://localhost:8000"',
        )
    address = Address(name, url, settings.ca_file, settings.proxy, silence=float(settings.silence))
    variable = settings.token or dialect.token
    client = Client(address, lambda: dialect.headers(_token(name, settings.token, variable)))
    if isinstance(dialect, Synchronous):
        return _held(project, name, client, dialect, variable)
    if not settings.via:
        return OnHttp(name, client, dialect, webhook=settings.webhook, token=variable)
    known = [one for one, machine in project.machines().items() if machine.kind == "ssh"]
    if settings.via not in known:
        raise ConfigError(
            f"the service {name!r} is reached by {settings.via!r}, which is no SSH target",
            hint=f"{did_you_mean(settings.via, known)}known: {', '.join(known) or 'none'}",
        )
    machine = ssh(project, settings.via, ask)
    client.reach = machine.host.reach
    hook = settings.webhook
    return OnHttp(name, client, dialect, machine=machine, webhook=hook, token=variable)


def _token(name: str, named: str, variable: str) -> str:
    """The token's value.  Raises ConfigError where the settings name a variable that is not set."""
    value = os.environ.get(variable, "")
    if named and not value:
        raise ConfigError(
            f"the token of {name} is to be in {named}, which is not set",
            hint=f"export {named} in the shell that runs cosmos; it is kept in no file",
        )
    return value


def _held(
    project: Settings, name: str, client: Client, dialect: Synchronous, token: str
) -> HeldTarget:
    """A service whose requests are held on this machine, in the project's ``.cosmos``."""
    from cosmos_workflow.connection.local import LocalHost
    from cosmos_workflow.execution.shell import ShellLauncher
    from cosmos_workflow.transfer.choose import transfer_for

    settings, host = project.services[name], LocalHost()
    if settings.via:
        raise ConfigError(
            f"the service {name!r} ({settings.dialect}) cannot be reached via {settings.via}: a "
            "request is held longer than our connection may last",
            hint=f"ssh -N -L 8000:localhost:8000 {settings.via}, and url = "
            '"http://localhost:8000" without via',
        )
    client.address = replace(client.address, url=dialect.root(client.address.url))
    site = Site(root=str(project.root / ".cosmos"), python=sys.executable)
    machine = OnHost(name, host, transfer_for(host), ShellLauncher(), site)
    return HeldTarget(
        name,
        client,
        dialect,
        machine,
        row=settings.dialect,
        token=token,
        wanted=bool(settings.token),
    )
