"""The lab's fixtures, by name."""

from __future__ import annotations

from dockerd import docker, model_image, plain_image
from project import project, remote
from sshd import shared_sshd, slow_link, ssh_host, sshd

__all__ = [
    "docker", "model_image", "plain_image", "project", "remote", "shared_sshd", "slow_link",
    "ssh_host", "sshd",
]  # fmt: skip
