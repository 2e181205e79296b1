"""The lab's fixtures, by name."""

from __future__ import annotations

from batches import gpu, transfer25_image
from dockerd import docker, model_image, plain_image
from project import project, remote
from scene import fragile, scene
from slurm import fragile_slurm, login_node, slurm
from sshd import shared_sshd, slow_link, ssh_host, sshd

__all__ = [
    "docker",
    "fragile",
    "fragile_slurm",
    "gpu",
    "login_node",
    "model_image",
    "plain_image",
    "project",
    "remote",
    "scene",
    "shared_sshd",
    "slow_link",
    "slurm",
    "ssh_host",
    "sshd",
    "transfer25_image",
]  # fmt: skip
