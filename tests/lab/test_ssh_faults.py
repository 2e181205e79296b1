"""The network and the server failing under a running command."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from slowlink import SlowLink
from sshd import Sshd, start_sshd

from cosmos_workflow.connection import ssh_pulse
from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import CommandFailed, HostUnreachable

TALK = ["sh", "-c", "while :; do echo tick; sleep 0.1; done"]


def test_the_server_restarts_under_a_stream(sshd: Sshd) -> None:
    host = SshHost("lab", sshd.address())
    stream = host.stream(TALK, idle_timeout=10)
    assert next(stream).data == b"tick\n"
    sshd.restart()
    with pytest.raises(HostUnreachable) as caught:
        list(stream)
    assert caught.value.transient
    assert host.run(["echo", "again"]).stdout == "again\n"
    host.close()


def test_the_server_goes_away_under_a_command(sshd: Sshd) -> None:
    host = SshHost("lab", sshd.address())
    host.run(["true"])
    stopping = threading.Timer(0.3, sshd.stop)
    stopping.start()
    with pytest.raises(HostUnreachable):
        host.run(["sleep", "20"])
    stopping.join()
    with pytest.raises(HostUnreachable):
        host.run(["true"])


def test_the_link_is_cut_silently_under_a_stream(shared_sshd: Sshd) -> None:
    with SlowLink(shared_sshd.port) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port, connect_timeout=0.5))
        stream = host.stream(TALK, idle_timeout=0.6)
        next(stream)
        link.cut()
        with pytest.raises(HostUnreachable, match="Nothing came"):
            list(stream)
        link.mend()
        assert host.run(["echo", "again"]).stdout == "again\n"
        host.close()


def test_the_link_is_cut_silently_under_a_command(shared_sshd: Sshd) -> None:
    with SlowLink(shared_sshd.port) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port, connect_timeout=0.5))
        host.run(["true"])
        link.cut()
        with pytest.raises(HostUnreachable):
            host.run(["sleep", "20"], timeout=0.5)
        host.close()


def test_a_silent_cut_is_noticed_without_any_timeout(
    shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_pulse, "INTERVAL_S", 0.2)
    monkeypatch.setattr(ssh_pulse, "PATIENCE_S", 0.3)
    with SlowLink(shared_sshd.port) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))
        host.run(["sleep", "0.6"])  # the pulse beats and does no harm
        threading.Timer(0.2, link.cut).start()
        with pytest.raises(HostUnreachable):
            host.run(["sleep", "20"])


def test_a_connection_that_dies_while_idle_is_made_again(shared_sshd: Sshd) -> None:
    with SlowLink(shared_sshd.port) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))
        host.run(["true"])
        link.drop()
        with suppress(HostUnreachable):  # a command that was on its way says so, once
            host.run(["true"])
        assert host.run(["echo", "again"]).stdout == "again\n"
        host.close()


def test_a_server_that_allows_one_session(tmp_path: Path) -> None:
    server = start_sshd(tmp_path / "one", ["MaxSessions 1"])
    try:
        host = SshHost("lab", server.address())
        for number in range(4):
            assert host.run(["echo", str(number)]).stdout == f"{number}\n"
        host.close()
    finally:
        server.stop()


def test_a_server_without_commands(tmp_path: Path) -> None:
    server = start_sshd(tmp_path / "none", ["ForceCommand echo not here; exit 5"])
    try:
        host = SshHost("lab", server.address())
        with pytest.raises(CommandFailed) as caught:
            host.run(["true"])
        assert caught.value.exit_code_of_command == 5
        host.close()
    finally:
        server.stop()
