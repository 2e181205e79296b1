"""Transfers that are cut, killed, or find no room, and what lies there afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from need import missing, need
from slowlink import SlowLink
from sshd import Sshd, start_sshd

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import TransferError, TransferInterrupted
from cosmos_workflow.transfer.choose import transfer_for
from cosmos_workflow.transfer.rsync import RsyncTransfer, local_rsync
from cosmos_workflow.transfer.sftp import SftpTransfer
from cosmos_workflow.transfer.transfer import Transfer

SIZE = 40_000_000
KEY = "inputs/ab12/big.mp4"


def rsync(host: SshHost) -> Transfer:
    need("rsync")
    program = local_rsync()
    assert program is not None
    return RsyncTransfer(host, program)


WAYS = pytest.mark.parametrize("way", [rsync, SftpTransfer], ids=["rsync", "sftp"])


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


def partial(root: Path) -> int:
    """Bytes that lie there under a name that is not the final one."""
    assert not (root / KEY).exists()
    return max((p.stat().st_size for p in root.rglob("*") if p.is_file()), default=0)


@WAYS
def test_a_dropped_upload_goes_on_where_it_stopped(
    shared_sshd: Sshd, tmp_path: Path, big: Path, way: Callable[[SshHost], Transfer]
) -> None:
    root = tmp_path / "root"
    with SlowLink(shared_sshd.port, 0.02) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))
        host.run(["true"])

        def drop_half_way(done: int, total: int, speed: float) -> None:
            if done > SIZE // 3:
                link.drop()

        with pytest.raises(TransferInterrupted) as caught:
            way(host).push({KEY: big}, str(root), report=drop_half_way)
        assert "goes on where it stopped" in caught.value.hint
        _wait_until(lambda: partial(root) > SIZE // 10)
        before = link.bytes_up
        _repeated(lambda: way(host).push({KEY: big}, str(root)))
        assert (root / KEY).read_bytes() == big.read_bytes()
        assert link.bytes_up - before < SIZE
        host.close()


def test_a_client_that_is_killed_leaves_nothing_under_the_final_name(
    shared_sshd: Sshd, tmp_path: Path, big: Path
) -> None:
    need("rsync")
    root = tmp_path / "root"
    with SlowLink(shared_sshd.port, 0.05) as link:
        shared_sshd.trust(link.port)
        program = (
            "import sys; from pathlib import Path\n"
            "from cosmos_workflow.connection.ssh import SshAddress, SshHost\n"
            "from cosmos_workflow.transfer.choose import transfer_for\n"
            "port, key, known, big, root = sys.argv[1:]\n"
            "host = SshHost('lab', SshAddress('127.0.0.1', port=int(port), ssh_key=key,\n"
            "               ssh_config=None, known_hosts=known))\n"
            "transfer_for(host).push({'" + KEY + "': Path(big)}, root,\n"
            "    report=lambda *r: print(r[0], flush=True))\n"
        )
        client = subprocess.Popen(
            [sys.executable, "-c", program, str(link.port), str(shared_sshd.key),
             str(shared_sshd.known_hosts), str(big), str(root)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        assert client.stdout is not None
        for line in client.stdout:
            if int(line) > SIZE // 4:
                break
        client.kill()
        client.wait()
        client.stdout.close()
        _wait_until(lambda: partial(root) > SIZE // 10)
        host = SshHost("lab", shared_sshd.address(link.port))
        moved = transfer_for(host).push({KEY: big}, str(root))
        assert (root / KEY).read_bytes() == big.read_bytes()
        assert moved.sent < SIZE
        host.close()


@WAYS
def test_a_dropped_download_is_repeated(
    shared_sshd: Sshd, tmp_path: Path, big: Path, way: Callable[[SshHost], Transfer]
) -> None:
    with SlowLink(shared_sshd.port, 0.02) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))
        host.run(["true"])

        link.drop_after = link.bytes_down + SIZE // 3
        back = tmp_path / "back"
        with pytest.raises(TransferInterrupted):
            _repeated(lambda: way(host).pull(str(tmp_path), ["big.mp4"], back))
        assert not (back / "big.mp4").exists()
        link.drop_after = None
        _repeated(lambda: way(host).pull(str(tmp_path), ["big.mp4"], back))
        assert (back / "big.mp4").read_bytes() == big.read_bytes()
        host.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small disk"
    folder.mkdir()
    done = subprocess.run(
        [need("mount"), "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        missing(f"a small file system cannot be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run([need("umount"), "-l", str(folder)], check=True)


@WAYS
def test_a_full_disk_on_the_host_is_said(
    ssh_host: SshHost, small_disk: Path, big: Path, way: Callable[[SshHost], Transfer]
) -> None:
    with pytest.raises(TransferError, match="disk of lab is full") as caught:
        way(ssh_host).push({KEY: big}, str(small_disk))
    assert not caught.value.transient and "Make room" in caught.value.hint
    assert not (small_disk / KEY).exists()
    assert ssh_host.run(["echo", "fine"]).stdout == "fine\n"


@WAYS
def test_a_full_disk_here_is_said(
    ssh_host: SshHost, small_disk: Path, big: Path, way: Callable[[SshHost], Transfer]
) -> None:
    with pytest.raises(TransferError, match=r"disk of this machine is full") as caught:
        way(ssh_host).pull(str(big.parent), [big.name], small_disk)
    assert not caught.value.transient and not (small_disk / big.name).exists()


def test_a_host_without_rsync_gets_sftp(tmp_path: Path) -> None:
    need("rsync")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "mkdir", "df"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    server = start_sshd(tmp_path / "sshd", [f"SetEnv PATH={tools}"])
    try:
        host = SshHost("lab", server.address())
        transfer = transfer_for(host)
        source = tmp_path / "job.json"
        source.write_bytes(b"{}")
        root = tmp_path / "root"
        transfer.push({"runs/j/job.json": source}, str(root))
        assert (root / "runs/j/job.json").read_bytes() == b"{}"
        before = host.commands
        transfer.pull(str(root), ["runs/j/job.json"], tmp_path / "back")
        assert (tmp_path / "back/runs/j/job.json").read_bytes() == b"{}"
        assert host.commands - before == 1  # it remembers
        host.close()
    finally:
        server.stop()


def test_interrupting_ends_the_transfer(shared_sshd: Sshd, tmp_path: Path, big: Path) -> None:
    with SlowLink(shared_sshd.port, 0.05) as link:
        shared_sshd.trust(link.port)
        host = SshHost("lab", shared_sshd.address(link.port))

        def stop(done: int, total: int, speed: float) -> None:
            if done > SIZE // 10:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rsync(host).push({KEY: big}, str(tmp_path / "root"), report=stop)
        assert host.run(["echo", "fine"]).stdout == "fine\n"
        host.close()


def test_two_transfers_at_once(ssh_host: SshHost, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(os.urandom(3_000_000))
    failures: list[BaseException] = []

    def push(number: int) -> None:
        try:
            rsync(ssh_host).push({f"runs/{number}/x": source}, str(tmp_path / "root"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for number in range(3):
        assert (tmp_path / f"root/runs/{number}/x").read_bytes() == source.read_bytes()


def _repeated(act: Callable[[], object]) -> None:
    """As a caller does: a connection may take a moment to know that it is dead."""
    for _ in range(2):
        try:
            act()
            return
        except TransferInterrupted:
            continue
    act()


def _wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
