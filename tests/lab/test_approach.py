"""A connection begun ahead is the one that is used; its faults are told on first use."""

from __future__ import annotations

import time

import pytest
from slowlink import SlowLink
from sshd import Sshd, free_port

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import AuthenticationFailed, HostUnreachable


def test_it_is_the_one_that_is_used(shared_sshd: Sshd, slow_link: SlowLink) -> None:
    host = SshHost("lab", shared_sshd.address(slow_link.port))
    host.approach()
    host.approach()
    assert host.run(["echo", "here"]).stdout == "here\n"
    host.approach()
    assert host.run(["echo", "still"]).stdout == "still\n"
    assert slow_link.connections == 1
    host.close()


def test_what_goes_wrong_is_told_once_on_first_use(shared_sshd: Sshd) -> None:
    host = SshHost("lab", shared_sshd.address(free_port()))
    host.approach()
    with pytest.raises(HostUnreachable):
        host.run(["true"])
    host.address = shared_sshd.address()
    assert host.run(["true"]).exit_code == 0
    host.close()


def test_an_unknown_host_key_is_refused_as_ever(shared_sshd: Sshd) -> None:
    host = SshHost("lab", shared_sshd.address(known_hosts="/dev/null"), ask=lambda question: "")
    host.approach()
    with pytest.raises(AuthenticationFailed, match="is not known"):
        host.run(["true"])


def test_letting_go_waits_for_nothing(shared_sshd: Sshd) -> None:
    with SlowLink(shared_sshd.port, 1.0) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))
        host.approach()
        start = time.monotonic()
        host.close()
        assert time.monotonic() - start < 0.5
        shared = SshHost("lab", shared_sshd.address())
        assert shared.run(["true"]).exit_code == 0
        shared.close()
