"""The lab's fixtures for the contracts that need a real server."""

from __future__ import annotations

from sshd import shared_sshd, ssh_host

__all__ = ["shared_sshd", "ssh_host"]
