"""Services as targets, from settings: which dialect, which address, whose token."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cosmos_workflow.config.settings import ServiceSettings
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution import DIALECTS
from cosmos_workflow.execution.dialect import Dialect
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client


def http(
    name: str, settings: ServiceSettings, root: Path, ask: Callable[[str], str] | None = None
) -> OnHttp:
    """A service.  Raises ConfigError when it has no address or no dialect."""
    for key, like in (("url", "http://localhost:8000"), ("dialect", "videos")):
        if not getattr(settings, key):
            raise ConfigError(
                f"target {name!r} has no {key}",
                hint=f'set {key} below [services.{name}] in config.toml, like "{like}"',
            )
    dialect: Dialect = DIALECTS.load(settings.dialect)()
    variable = settings.token or dialect.token
    address = Address(
        name, settings.url, settings.ca_file, settings.proxy, silence=float(settings.silence)
    )
    client = Client(address, lambda: dialect.headers(os.environ.get(variable, "")))
    return OnHttp(name, client, dialect)
