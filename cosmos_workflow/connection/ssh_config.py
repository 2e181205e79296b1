"""From a host's name to the way there: ``~/.ssh/config``, ProxyJump chains, keys to try."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cosmos_workflow.connection.ssh_errors import translated
from cosmos_workflow.connection.ssh_known_hosts import SYSTEM
from cosmos_workflow.errors import ConfigError

MAX_JUMPS = 8
MAX_INCLUDES = 16


@dataclass(frozen=True)
class SshAddress:
    """Where a machine is, as settings say it.  Whatever is empty comes from ``ssh_config``."""

    host: str
    user: str = ""
    port: int = 0
    ssh_key: Path | str | None = None
    ssh_config: Path | str | None = "~/.ssh/config"
    known_hosts: Path | str | None = "~/.ssh/known_hosts"
    connect_timeout: float = 15.0


@dataclass(frozen=True)
class Hop:
    """One machine on the way, all questions answered."""

    host: str
    port: int
    user: str
    identities: tuple[Path, ...]
    identities_only: bool
    agent: str
    """The agent's socket, ``""`` for the environment's, ``"none"`` for no agent."""
    known_as: tuple[str, int]
    known_hosts: tuple[Path, ...]
    proxy_command: str
    timeout: float

    @property
    def shown(self) -> str:
        """``user@host:port`` for messages."""
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")


def route(address: SshAddress) -> tuple[Hop, ...]:
    """The machines to pass, the wanted one last.  Raises ConfigError for a bad configuration."""
    with translated(address.host):
        return _route(address, _read(address.ssh_config), MAX_JUMPS)


def _route(address: SshAddress, config: list[str], left: int) -> tuple[Hop, ...]:
    if left == 0:
        raise ConfigError(
            f"ProxyJump for {address.host} goes round in circles.", hint="Mend ~/.ssh/config."
        )
    said = _lookup(address, config)
    last = _hop(address, said)
    jumps = said.get("proxyjump", "none")
    if jumps.lower() == "none" or last.proxy_command:
        return (last,)
    hops: tuple[Hop, ...] = ()
    for number, text in enumerate(jumps.split(",")):
        jump = _jump(text.strip(), address)
        # Only the first jump is reached directly; the others are reached through the one before.
        way = _route(jump, config, left - 1)
        hops += way if number == 0 else way[-1:]
    return (*hops, last)


def _jump(text: str, address: SshAddress) -> SshAddress:
    match = re.fullmatch(
        r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?P<host>\[[^]]+\]|[^:]+)(?::(?P<port>\d+))?/?", text
    )
    if match is None:
        raise ConfigError(f"ProxyJump '{text}' is not [user@]host[:port].", hint="~/.ssh/config")
    return replace(
        address,
        host=match["host"].strip("[]"),
        user=match["user"] or "",
        port=int(match["port"] or 0),
    )


def _hop(address: SshAddress, said: Mapping[str, Any]) -> Hop:
    host = said["hostname"]
    port = address.port or int(said.get("port", 22))
    own = [_path(address.ssh_key)] if address.ssh_key else []
    # As ssh does, pass over an IdentityFile that is not there; a missing ssh_key is an error.
    own += [each for each in map(_path, said.get("identityfile", ())) if each.exists()]
    return Hop(
        host=host,
        port=port,
        user=address.user or said.get("user") or getpass.getuser(),
        identities=tuple(dict.fromkeys(own)),
        identities_only=said.get("identitiesonly", "no").lower() == "yes",
        agent=said.get("identityagent", ""),
        known_as=(said["hostkeyalias"], 22) if "hostkeyalias" in said else (host, port),
        known_hosts=_known_hosts(address, said),
        proxy_command=said.get("proxycommand") or "",
        timeout=float(said.get("connecttimeout", address.connect_timeout)),
    )


def _known_hosts(address: SshAddress, said: Mapping[str, Any]) -> tuple[Path, ...]:
    files = [_path(address.known_hosts)] if address.known_hosts else []
    files += [_path(each) for each in shlex.split(said.get("userknownhostsfile", ""))]
    files += [_path(each) for each in shlex.split(said.get("globalknownhostsfile", ""))]
    return tuple(dict.fromkeys((*files, *SYSTEM)))


def _lookup(address: SshAddress, config: list[str]) -> Mapping[str, Any]:
    """What the configuration says of the host.  The first value wins in such a file, so what the
    settings say stands before it, where ``%p`` and ``%r`` of a ProxyCommand see it too."""
    from paramiko.config import SSHConfig

    own = [f"Port {address.port}"] if address.port else []
    own += [f"User {address.user}"] if address.user else []
    said: Mapping[str, Any] = SSHConfig.from_text("\n".join(own + config)).lookup(address.host)
    return said


def _read(file: Path | str | None) -> list[str]:
    path = _path(file) if file else None
    return _lines(path, MAX_INCLUDES) if path is not None and path.exists() else []


def _lines(path: Path, left: int) -> list[str]:
    """The file's lines with every ``Include`` put in its place (the parser knows none)."""
    if left == 0:
        raise ConfigError(f"{path}: Include goes round in circles.", hint="Mend ~/.ssh/config.")
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.fullmatch(r"\s*include\s*[=\s]\s*(.+)", line, re.IGNORECASE)
        if match is None:
            lines.append(line)
            continue
        for pattern in shlex.split(match[1]):
            whole = _path(pattern)
            base = whole if whole.is_absolute() else Path.home() / ".ssh" / pattern
            for found in sorted(Path(base.anchor).glob(str(base.relative_to(base.anchor)))):
                lines += _lines(found, left - 1)
    return lines


def _path(text: Path | str) -> Path:
    return Path(text).expanduser()
