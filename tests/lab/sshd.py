"""A real sshd on loopback, on a free port, below a temporary folder; ended by its pid."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from need import need, need_root
from slowlink import SlowLink

from cosmos_workflow.connection.ssh import SshAddress, SshHost

READY_S = 10.0


@dataclass
class Sshd:
    """One server: where it listens, and what a client needs to be let in."""

    folder: Path
    options: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 0
    user: str = field(default_factory=getpass.getuser)
    process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "user_key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def config(self) -> Path:
        """An empty client configuration, so that the developer's own does not leak in."""
        return self.folder / "ssh_config"

    @property
    def log(self) -> Path:
        return self.folder / "sshd.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        if not self.key.exists():
            self._prepare()
        self._configure()
        Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [need("sshd"), "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.log)],
            stdin=subprocess.DEVNULL,
        )
        _wait_for(self.port, self.process, self.log)

    def stop(self) -> None:
        """End the server and every session it has, at once."""
        if self.process is None:
            return
        self.kill_sessions()
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self) -> None:
        """As a reboot looks to a client: every session ends, then the server is back."""
        self.stop()
        self.start()

    def kill_sessions(self) -> None:
        """End what the server started for its clients, and leave the server."""
        for pid in _descendants(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def change_host_key(self) -> None:
        """Become another machine at the same address."""
        (self.folder / "host_key").unlink()
        (self.folder / "host_key.pub").unlink()
        _keygen(self.folder / "host_key")
        self.restart()

    def trust(self, port: int | None = None, *, known_hosts: Path | None = None) -> None:
        """Write this server's key into known_hosts, also for a proxy's ``port``."""
        kind, blob = (self.folder / "host_key.pub").read_text().split()[:2]
        with (known_hosts or self.known_hosts).open("a") as file:
            file.write(f"[{self.host}]:{port or self.port} {kind} {blob}\n")

    def address(self, port: int | None = None, **changes: object) -> SshAddress:
        """How to reach it, as the product wants it."""
        values: dict[str, object] = {
            "host": self.host,
            "user": self.user,
            "port": port or self.port,
            "ssh_key": self.key,
            "ssh_config": self.config,
            "known_hosts": self.known_hosts,
        }
        return SshAddress(**{**values, **changes})  # type: ignore[arg-type]

    def ssh(self, port: int | None = None) -> list[str]:
        """Plain OpenSSH's argv for it, without the host; for comparison."""
        return [
            "ssh", "-F", str(self.config), "-i", str(self.key), "-p", str(port or self.port),
            "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes",
            "-o", "IdentitiesOnly=yes", "-l", self.user,
        ]  # fmt: skip

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _keygen(self.folder / "host_key")
        _keygen(self.key)
        (self.folder / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        self.config.write_text("")
        self.port = self.port or free_port()
        self.trust()

    def _configure(self) -> None:
        lines = [
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"HostKey {self.folder}/host_key",
            f"PidFile {self.folder}/sshd.pid",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "Subsystem sftp internal-sftp",
            "MaxStartups 100",
            "MaxAuthTries 20",
            *self.options,
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keygen(path: Path) -> None:
    subprocess.run(
        [need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path)],
        check=True,
    )


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import time

    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                if probe.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)
    text = log.read_text() if log.exists() else ""
    pytest.fail(f"sshd did not come up on port {port}: {text}", pytrace=False)


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for one in level for child in parents.get(one, [])]
        found += level
    return found


def start_sshd(folder: Path, options: Sequence[str] = ()) -> Sshd:
    """A running server of the test's own; the caller stops it."""
    need_root()
    server = Sshd(folder, options)
    server.start()
    return server


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests that leave it as it is."""
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server that the test may stop, restart and spoil."""
    server = start_sshd(tmp_path / "sshd")
    yield server
    server.stop()


@pytest.fixture
def ssh_host(shared_sshd: Sshd) -> Iterator[SshHost]:
    """A connection of the test's own to the shared server."""
    host = SshHost("lab", shared_sshd.address())
    yield host
    host.close()


@pytest.fixture
def slow_link(shared_sshd: Sshd) -> Iterator[SlowLink]:
    """The shared server behind a round-trip time of 100 ms; its host key is known there."""
    with SlowLink(shared_sshd.port, 0.1) as link:
        shared_sshd.trust(link.port)
        yield link
