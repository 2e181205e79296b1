"""The lab's fixtures, by name."""

from __future__ import annotations

from sshd import shared_sshd, slow_link, ssh_host, sshd

__all__ = ["shared_sshd", "slow_link", "ssh_host", "sshd"]
