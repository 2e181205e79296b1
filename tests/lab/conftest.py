"""The lab's fixtures, by name."""

from __future__ import annotations

from batches import gpu, transfer25_image
from dockerd import docker, model_image, plain_image
from project import project, remote
from scene import fragile, scene
from sshd import shared_sshd, slow_link, ssh_host, sshd

__all__ = [
    "docker", "fragile", "gpu", "model_image", "plain_image", "project", "remote", "scene",
    "shared_sshd", "slow_link", "ssh_host", "sshd", "transfer25_image",
]  # fmt: skip
