"""Who we are and who they are, against a real sshd."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from need import need
from slowlink import SlowLink
from sshd import Sshd, free_port, start_sshd

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import AuthenticationFailed, HostUnreachable


@pytest.fixture(autouse=True)
def no_agent_and_no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("COSMOS_SSH_PASSPHRASE", raising=False)


def new_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(
        [need("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True
    )
    return path


def allow(server: Sshd, key: Path) -> None:
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())


def works(host: SshHost) -> None:
    assert host.run(["echo", "in"]).stdout == "in\n"
    host.close()


def test_an_unknown_host_is_refused_with_the_command_that_adds_it(
    shared_sshd: Sshd, tmp_path: Path
) -> None:
    mine = tmp_path / "known"
    host = SshHost("lab", shared_sshd.address(known_hosts=mine))
    with pytest.raises(AuthenticationFailed) as caught:
        host.run(["true"])
    fingerprint = subprocess.run(
        [need("ssh-keygen"), "-lf", str(shared_sshd.folder / "host_key.pub")],
        capture_output=True, text=True, check=True,
    ).stdout.split()[1]  # fmt: skip
    assert fingerprint in caught.value.message
    command = caught.value.hint.splitlines()[-1].strip()
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    works(host)


def test_a_changed_host_key_is_refused_loudly(sshd: Sshd) -> None:
    host = SshHost("lab", sshd.address())
    host.run(["true"])
    sshd.change_host_key()
    with pytest.raises(AuthenticationFailed, match="HAS CHANGED") as caught:
        SshHost("lab", sshd.address()).run(["true"])
    for command in caught.value.hint.splitlines()[1:]:
        subprocess.run(["sh", "-c", command.strip()], check=True, capture_output=True)
    works(SshHost("lab", sshd.address()))


def test_a_hashed_entry(shared_sshd: Sshd, tmp_path: Path) -> None:
    mine = tmp_path / "known"
    shared_sshd.trust(known_hosts=mine)
    subprocess.run([need("ssh-keygen"), "-q", "-H", "-f", str(mine)], check=True)
    assert "|1|" in mine.read_text()
    works(SshHost("lab", shared_sshd.address(known_hosts=mine)))


def test_the_kind_of_host_key_that_we_know_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    new_key(folder / "second", kind="ecdsa")
    server = start_sshd(folder, [f"HostKey {folder}/second"])
    try:
        kind, blob = (folder / "second.pub").read_text().split()[:2]
        server.known_hosts.write_text(f"[{server.host}]:{server.port} {kind} {blob}\n")
        works(SshHost("lab", server.address()))
    finally:
        server.stop()


def test_a_key_that_is_not_in_authorized_keys(shared_sshd: Sshd, tmp_path: Path) -> None:
    host = SshHost("lab", shared_sshd.address(ssh_key=new_key(tmp_path / "other")))
    with pytest.raises(AuthenticationFailed, match="refused 1 key") as caught:
        host.run(["true"])
    assert "ssh-copy-id" in caught.value.hint


def test_a_key_that_others_can_read(shared_sshd: Sshd, tmp_path: Path) -> None:
    key = new_key(tmp_path / "open")
    key.chmod(0o644)
    with pytest.raises(AuthenticationFailed, match="can be read by others") as caught:
        SshHost("lab", shared_sshd.address(ssh_key=key)).run(["true"])
    assert caught.value.hint == f"chmod 600 {key}"


def test_a_missing_key_and_one_that_is_none(shared_sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationFailed, match="gone"):
        SshHost("lab", shared_sshd.address(ssh_key=tmp_path / "gone")).run(["true"])
    text = tmp_path / "text"
    text.write_text("hello")
    text.chmod(0o600)
    with pytest.raises(AuthenticationFailed, match="not a private key"):
        SshHost("lab", shared_sshd.address(ssh_key=text)).run(["true"])


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_an_encrypted_key(
    sshd: Sshd, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(tmp_path / "locked", "open sesame", kind)
    allow(sshd, key)
    address = sshd.address(ssh_key=key)
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "open sesame"

    works(SshHost("lab", address, ask=answer))
    assert len(asked) == 1 and str(key) in asked[0]
    with pytest.raises(AuthenticationFailed, match="nobody to ask") as caught:
        SshHost("lab", address).run(["true"])
    assert "ssh-add" in caught.value.hint
    with pytest.raises(AuthenticationFailed, match="passphrase is wrong"):
        SshHost("lab", address, ask=lambda _: "wrong").run(["true"])
    monkeypatch.setenv("COSMOS_SSH_PASSPHRASE", "open sesame")
    works(SshHost("lab", address))


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = Path("/tmp") / f"cosmos-lab-{free_port()}.agent"
    process = subprocess.Popen(
        [need("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.wait()
    process.stdout.close()
    path.unlink(missing_ok=True)


def test_a_key_in_the_agent(sshd: Sshd, tmp_path: Path, agent: Path) -> None:
    key = new_key(tmp_path / "held")
    allow(sshd, key)
    subprocess.run([need("ssh-add"), "-q", str(key)], check=True)
    key.unlink()
    works(SshHost("lab", sshd.address(ssh_key=None)))


def test_a_chain_of_two_machines(shared_sshd: Sshd, sshd: Sshd, tmp_path: Path) -> None:
    both = tmp_path / "both"
    sshd.trust(known_hosts=both)
    shared_sshd.trust(known_hosts=both)
    config = tmp_path / "config"
    config.write_text(
        f"Host inner\n HostName 127.0.0.1\n Port {sshd.port}\n IdentityFile {sshd.key}\n"
        f" ProxyJump outer\n"
        f"Host outer\n HostName 127.0.0.1\n Port {shared_sshd.port}\n"
        f" IdentityFile {shared_sshd.key}\nHost *\n UserKnownHostsFile {both}\n"
    )
    from cosmos_workflow.connection.ssh import SshAddress

    host = SshHost("inner", SshAddress("inner", ssh_config=config, known_hosts=None))
    works(host)
    accepted = "Accepted publickey"
    assert accepted in sshd.log.read_text()


def test_a_proxy_command(shared_sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    bare = " ".join(shared_sshd.ssh())
    config.write_text(f"Host *\n ProxyCommand {bare} -W %h:%p {shared_sshd.host}\n")
    works(SshHost("lab", shared_sshd.address(ssh_config=config)))


def test_nothing_listens() -> None:
    from cosmos_workflow.connection.ssh import SshAddress

    with pytest.raises(HostUnreachable, match="nothing listens") as caught:
        SshHost("lab", SshAddress("127.0.0.1", port=free_port(), ssh_config=None)).run(["true"])
    assert caught.value.transient


def test_something_listens_and_says_nothing(tmp_path: Path) -> None:
    from cosmos_workflow.connection.ssh import SshAddress

    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        address = SshAddress("127.0.0.1", port=port, ssh_config=None, connect_timeout=0.5)
        with pytest.raises(HostUnreachable):
            SshHost("lab", address).run(["true"])


def test_a_login_costs_few_round_trips(shared_sshd: Sshd, slow_link: SlowLink) -> None:
    first, second = [], []
    for _ in range(3):
        host = SshHost("lab", shared_sshd.address(slow_link.port))
        for times in (first, second):
            start = time.monotonic()
            host.run(["true"])
            times.append(time.monotonic() - start)
        host.close()
    # Two round trips for TCP and the versions, one for the keys, one for us, one to open a
    # channel, one for the command; the machine's own work comes on top.
    assert min(first) < 1.2
    assert min(second) < 0.4
    assert slow_link.connections == 3
