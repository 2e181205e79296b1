"""Targets from settings: which machine, how files get there, which launcher."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings, TargetSettings
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution import LAUNCHERS
from cosmos_workflow.execution.launcher import ClusterSite, Launcher, Site
from cosmos_workflow.execution.on_cluster import OnCluster
from cosmos_workflow.execution.on_host import OnHost

Ask = Callable[[str], str]
"""Asks a person for a secret (a key's passphrase) and returns what was typed."""


def local(project: Settings, name: str, ask: Ask | None = None) -> OnHost:
    """This machine.  Jobs live in the project's ``.cosmos``, or in an absolute ``remote_dir``."""
    from cosmos_workflow.connection.local import LocalHost
    from cosmos_workflow.transfer.choose import transfer_for

    settings, host = project.machines()[name], LocalHost()
    folder = str(project.root / ".cosmos")
    if Path(settings.remote_dir).is_absolute():
        folder = settings.remote_dir
    python = sys.executable if settings.python == "python3" else settings.python
    site = _site(settings, folder, python)
    launcher, transfer = _launcher(settings), transfer_for(host)
    return _on(launcher)(name, host, transfer, launcher, site, silence=settings.silence)


def ssh(project: Settings, name: str, ask: Ask | None = None) -> OnHost:
    """A machine behind SSH.  Raises ConfigError when it has no host name."""
    from cosmos_workflow.connection.ssh import SshAddress, SshHost
    from cosmos_workflow.transfer.choose import transfer_for

    settings = project.machines()[name]
    if not settings.host:
        raise ConfigError(
            f"target {name!r} has no host",
            hint=f"set host below [targets.{name}] in config.toml",
        )
    address = SshAddress(
        host=settings.host,
        user=settings.user,
        port=settings.port,
        ssh_key=settings.ssh_key,
        ssh_config=settings.ssh_config,
        known_hosts=settings.known_hosts,
    )
    host = SshHost(name, address, ask=ask)
    site = _site(settings, settings.remote_dir, settings.python)
    launcher, transfer = _launcher(settings), transfer_for(host)
    return _on(launcher)(name, host, transfer, launcher, site, silence=settings.silence, far=True)


def _launcher(settings: TargetSettings) -> Any:
    return LAUNCHERS.load(settings.launcher)()


def _on(launcher: Launcher) -> type[OnHost]:
    """The driver for it."""
    return OnCluster if launcher.queues else OnHost


def _site(settings: TargetSettings, root: str, python: str) -> Site:
    return Site(
        root=root,
        python=python,
        image=settings.image,
        images=settings.images,
        gpu_enabled=settings.gpu_enabled,
        shm_size=settings.shm_size,
        checkpoints=settings.checkpoints,
        hf_cache=settings.hf_cache,
        repo=settings.repo,
        user=settings.container_user,
        cluster=ClusterSite(**settings.slurm.model_dump(), at_once=settings.slots),
    )
