"""What must hold of ``[services.*]``: addresses that are ones, and that hold nobody's password."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError

Where = Callable[[tuple[str, ...]], str]
"""From a key to where it is set: "config.toml, line 4: services.omni.url"."""

_HERE = ("localhost", "127.0.0.1", "::1")
_WEB = ("http", "https")
_PROXIES = ("http", "https", "socks5", "socks5h")


def check(settings: Settings, where: Where) -> None:
    """Raise ConfigError for the first fault."""
    machines = settings.machines()
    for name, service in settings.services.items():
        if name in machines:
            raise ConfigError(
                f"{where(('services', name))}: there is a machine named {name} too",
                hint="--target could mean both; give one of them another name",
            )
        if not service.dialect:
            raise ConfigError(
                f"{where(('services', name))} has no dialect",
                hint='how it is talked to: dialect = "videos", "nim", "replicate" ...',
            )
        address(service.url, _WEB, where(("services", name, "url")))
        address(service.proxy, _PROXIES, where(("services", name, "proxy")))
        if service.via and urlsplit(service.url).hostname not in (*_HERE, None):
            raise ConfigError(
                f"{where(('services', name, 'url'))} is not an address of the machine itself",
                hint=f"with via it is as seen from {service.via}: http://localhost:8000",
            )
        _is_name(service.token, where(("services", name, "token")))


def address(text: str, schemes: tuple[str, ...], place: str) -> None:
    """Raise ConfigError for a text that is no address; an empty one is left out."""
    if not text:
        return
    example = f"like {schemes[0]}://localhost:8000"
    try:
        parts = urlsplit(text)
        secret, port = parts.username or parts.password or parts.query, parts.port
    except ValueError as error:
        raise ConfigError(f"{place} is no address: {error}", hint=example) from error
    if secret or parts.fragment:
        raise ConfigError(
            f"{place} has a name, a password or a query in it",
            hint="what is secret is in a variable: token for a service; HTTPS_PROXY for a proxy",
        )
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ConfigError(f'{place} = "{text}" is no address', hint=example)
    if any(c.isspace() or not c.isprintable() for c in text):
        raise ConfigError(f"{place} has a space or a line break in it", hint=example)


def _is_name(text: str, place: str) -> None:
    if text and not (text.isidentifier() and text.isascii()):
        raise ConfigError(
            f"{place} is not the name of a variable",
            hint='not the token itself: token = "MY_TOKEN", and export MY_TOKEN=... in the shell',
        )
