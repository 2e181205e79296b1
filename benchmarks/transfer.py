"""Upload and download speed against plain rsync over ssh: ``python benchmarks/transfer.py``.

Starts an sshd on loopback (as root).  Every figure is the best of a few rounds in which ours and
the comparison take turns; ours starts with the connection a run already has, plain rsync makes
its own each time, as it must.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "lab")]

from slowlink import SlowLink  # noqa: E402
from sshd import Sshd, start_sshd  # noqa: E402

from benchmarks import table  # noqa: E402
from cosmos_workflow.connection.ssh import SshHost  # noqa: E402
from cosmos_workflow.transfer.rsync import RsyncTransfer, local_rsync  # noqa: E402
from cosmos_workflow.transfer.sftp import SftpTransfer  # noqa: E402
from cosmos_workflow.transfer.transfer import Transfer  # noqa: E402

ROUNDS = 5
GOAL = 0.95


@dataclass
class Ground:
    """Where a comparison takes place."""

    folder: Path
    server: Sshd
    port: int
    host: SshHost

    @property
    def remote(self) -> Path:
        return self.folder / "remote"

    def clear(self) -> None:
        shutil.rmtree(self.remote, ignore_errors=True)
        self.remote.mkdir()


@dataclass(frozen=True)
class Row:
    what: str
    ours: float
    theirs: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rtt", type=float, default=0.0, help="round-trip time in seconds")
    options.add_argument("--sftp", action="store_true", help="also measure the fall-back")
    chosen = options.parse_args()
    with _ground(chosen.rtt) as ground:
        _table(_rows(ground, chosen.sftp), chosen.rtt)


def measure() -> Iterator[table.Row]:
    """A row for each way and amount, on loopback."""
    with _ground(0.0) as ground:
        argv = [*ground.server.ssh(), ground.server.host, "true"]
        login = table.in_turn([lambda: subprocess.run(argv, check=True)], ROUNDS)[0]
        for row in _rows(ground, sftp=False):
            speed = row.theirs / row.ours
            up = " up" in row.what
            yield table.Row(
                f"{row.what}, against plain rsync over ssh", f"{speed:.2f} of its speed",
                f"{GOAL} or better" if up else "", speed >= GOAL if up else None,
                f"{row.ours:.2f} s against {row.theirs:.2f} s, with {login:.2f} s of login in it",
            )  # fmt: skip


@contextmanager
def _ground(rtt: float) -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        server = start_sshd(Path(name) / "sshd")
        try:
            with SlowLink(server.port, rtt) as link:
                server.trust(link.port)
                port = link.port if rtt else server.port
                host = SshHost("bench", server.address(port))
                host.run(["true"])
                yield Ground(Path(name), server, port, host)
                host.close()
        finally:
            server.stop()


def _rows(ground: Ground, sftp: bool) -> list[Row]:
    program = local_rsync()
    if program is None:
        raise SystemExit("this machine has no rsync")
    rsync = RsyncTransfer(ground.host, program)
    big, many = (
        _files(ground.folder / "big", 1, 200_000_000),
        _files(ground.folder / "many", 1000, 50_000),
    )
    rows = [
        _upload("200 MB up", ground, rsync, big),
        _upload("200 MB up again, unchanged", ground, rsync, big, again=True),
        _upload("1,000 x 50 kB up", ground, rsync, many),
        _upload("1,000 x 50 kB up again, unchanged", ground, rsync, many, again=True),
        _download("200 MB down", ground, rsync, big),
        _download("1,000 x 50 kB down", ground, rsync, many),
    ]
    if sftp:
        fallback = SftpTransfer(ground.host)
        rows += [
            _upload("200 MB up by SFTP", ground, fallback, big),
            _upload("1,000 x 50 kB up by SFTP", ground, fallback, many),
            _download("200 MB down by SFTP", ground, fallback, big),
        ]
    return rows


def _files(folder: Path, count: int, size: int) -> dict[str, Path]:
    (folder / "inputs").mkdir(parents=True)
    made = {f"inputs/{number:04d}": folder / "inputs" / f"{number:04d}" for number in range(count)}
    for path in made.values():
        path.write_bytes(os.urandom(size))
    return made


def _upload(
    what: str, ground: Ground, way: Transfer, files: dict[str, Path], *, again: bool = False
) -> Row:
    source = next(iter(files.values())).parent

    def ours() -> None:
        way.push(files, str(ground.remote))

    def theirs() -> None:
        _plain(ground, [f"{source}", f"{ground.server.host}:{ground.remote}/"])

    return Row(what, *_best(ours, theirs, ground.clear, keep=again))


def _download(what: str, ground: Ground, way: Transfer, files: dict[str, Path]) -> Row:
    back = ground.folder / "back"
    ground.clear()
    source = next(iter(files.values())).parent
    _plain(ground, [f"{source}", f"{ground.server.host}:{ground.remote}/"])

    def ours() -> None:
        way.pull(str(ground.remote), list(files), back)

    def theirs() -> None:
        _plain(ground, [f"{ground.server.host}:{ground.remote}/inputs", f"{back}/"])

    def clear() -> None:
        shutil.rmtree(back, ignore_errors=True)
        back.mkdir()

    return Row(what, *_best(ours, theirs, clear, keep=False))


def _plain(ground: Ground, ends: Sequence[str]) -> None:
    shell = " ".join(ground.server.ssh(ground.port))
    subprocess.run(["rsync", "-rt", "-e", shell, *ends], check=True)


def _best(
    ours: Callable[[], None], theirs: Callable[[], None], clear: Callable[[], None], *, keep: bool
) -> tuple[float, float]:
    best = [float("inf"), float("inf")]
    for way in (ours, theirs) if keep else ():
        clear()
        way()
    for _ in range(ROUNDS):
        for number, way in enumerate((ours, theirs)):
            if not keep:
                clear()
            start = time.perf_counter()
            way()
            best[number] = min(best[number], time.perf_counter() - start)
    return best[0], best[1]


def _table(rows: Sequence[Row], rtt: float) -> None:
    print(f"round trip {rtt * 1000:.0f} ms, best of {ROUNDS}; speed: plain rsync's time / ours\n")
    print(f"{'':36}{'ours':>9}{'rsync -e ssh':>15}{'speed':>9}")
    for row in rows:
        ratio = row.theirs / row.ours
        print(f"{row.what:36}{row.ours:8.2f}s{row.theirs:14.2f}s{ratio:8.2f}x")


if __name__ == "__main__":
    main()
