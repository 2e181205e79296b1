"""The lab's fixtures for the contracts that need a real server."""

from __future__ import annotations

from dockerd import docker, plain_image
from slurm import slurm
from sshd import shared_sshd, ssh_host

__all__ = ["docker", "plain_image", "shared_sshd", "slurm", "ssh_host"]
