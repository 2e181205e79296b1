"""Moving files where one side has no rsync: SFTP sessions on the SSH connection that is open."""

from __future__ import annotations

import errno
import queue
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from cosmos_workflow.connection.host import Report
from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.connection.ssh_sftp import SftpRefused, SftpSession
from cosmos_workflow.errors import HostError, HostUnreachable, TransferError, TransferInterrupted
from cosmos_workflow.transfer.manifest import Item, checked, folders, manifest
from cosmos_workflow.transfer.transfer import Moved

Work = Callable[[SftpSession], None]

SESSIONS = 4
"""Sessions for many small files: each file costs a few round trips, and they overlap."""


class SftpTransfer:
    """A Transfer without programs on either side.

    A file is written as ``.NAME.part`` and renamed.  An interrupted upload below ``inputs/`` goes
    on from its part, which can only hold the beginning of the same content; any other file is
    sent from its start again.  "Compared by content" is "always sent" here.
    """

    def __init__(self, host: SshHost) -> None:
        self._host = host

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """See Transfer.push."""
        items = manifest(files)
        tally = _Tally(report, sum(item.size for item in items))
        with self._failures(root), self._sessions(len(items)) as run:
            run([lambda sftp: self._make_folders(sftp, root, items)] if items else [])
            run([_pusher(item, _below(root, item.key), tally) for item in items])
        return tally.moved()

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """See Transfer.pull."""
        tally = _Tally(report, 0)
        with self._failures(root), self._sessions(len(paths)) as run:
            run([_puller(_below(root, checked(p)), into / p, tally) for p in paths])
        return tally.moved()

    def _make_folders(self, sftp: SftpSession, root: str, items: Sequence[Item]) -> None:
        _make(sftp, PurePosixPath(root))
        for folder in folders(item.key for item in items):
            _make(sftp, PurePosixPath(_below(root, folder)), above=False)

    @contextmanager
    def _sessions(self, files: int) -> Iterator[Callable[[Sequence[Work]], None]]:
        """Run pieces of work, each with a session of its own, and wait for all of them."""
        ready: queue.SimpleQueue[SftpSession] = queue.SimpleQueue()
        opened: list[SftpSession] = []

        def open_one() -> None:
            opened.append(self._host.sftp())
            ready.put(opened[-1])

        def do(work: Work) -> None:
            sftp = ready.get()
            try:
                work(sftp)
            finally:
                ready.put(sftp)

        with ThreadPoolExecutor(SESSIONS) as pool:

            def run(pieces: Sequence[Work]) -> None:
                for future in [pool.submit(do, piece) for piece in pieces]:
                    future.result()

            try:
                if files:
                    open_one()
                for extra in [pool.submit(open_one) for _ in range(_more(files))]:
                    with suppress(HostError):  # the host allows fewer: those there are do
                        extra.result()
                yield run
            finally:
                pool.shutdown(cancel_futures=True)
                for sftp in opened:
                    sftp.close()

    @contextmanager
    def _failures(self, root: str) -> Iterator[None]:
        try:
            yield
        except HostUnreachable as error:
            raise _interrupted(self._host.name, error.message) from error
        except SftpRefused as error:
            raise self._refused(error, root) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise TransferError("The disk of this machine is full.") from error
            raise TransferError(f"{error.filename}: {error.strerror or error}.") from error

    def _refused(self, error: SftpRefused, root: str) -> TransferError:
        """SFTP has one word for most failures; ask the host whether its disk is full."""
        name = self._host.name
        try:
            done = self._host.run(["df", "-Pk", root], check=False, timeout=15)
        except HostUnreachable as gone:
            return _interrupted(name, gone.message)
        lines = [line.split() for line in done.stdout.splitlines()]
        if len(lines) > 1 and len(lines[1]) > 3 and lines[1][3] == "0":
            return TransferError(
                f"The disk of {name} is full: {error.path} could not be written.",
                hint=f"Make room (`cosmos status --target {name}` shows the disk), then repeat.",
            )
        return TransferError(
            f"{error.path} on {name}: {error.why}.",
            hint="Check that it is there, is readable, and that its folder can be written.",
        )


class _Tally:
    """What was moved so far, counted from several threads."""

    def __init__(self, report: Report | None, total: int) -> None:
        self._report = report
        self._total = total
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._files = self._sent = self._done = 0

    def expect(self, size: int) -> None:
        with self._lock:
            self._total += size

    def add(self, size: int, *, sent: bool = True) -> None:
        with self._lock:
            self._done += size
            self._sent += size if sent else 0
            if self._report is not None:
                passed = max(time.monotonic() - self._start, 1e-3)
                self._report(self._done, self._total, self._sent / passed)

    def file(self) -> None:
        with self._lock:
            self._files += 1

    def moved(self) -> Moved:
        return Moved(self._files, self._sent, time.monotonic() - self._start)


def _pusher(item: Item, place: str, tally: _Tally) -> Work:
    def push(sftp: SftpSession) -> None:
        if item.by_content and sftp.size(place) == item.size:
            tally.add(item.size, sent=False)
            return
        part = _part(place)
        begun = min(sftp.size(part) or 0, item.size) if item.by_content else 0
        tally.add(begun, sent=False)
        with item.path.open("rb") as local:
            local.seek(begun)
            for size in sftp.write(part, local, begun):
                tally.add(size)
        if sftp.size(part) != item.size:
            raise SftpRefused(place, "it did not arrive whole")
        sftp.chmod(part, stat.S_IMODE(item.path.stat().st_mode) | stat.S_IWUSR)
        sftp.rename(part, place)
        tally.file()

    return push


def _puller(place: str, target: Path, tally: _Tally) -> Work:
    def pull(sftp: SftpSession) -> None:
        size = sftp.size(place)
        if size is None:
            raise SftpRefused(place, "No such file")
        tally.expect(size)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        with part.open("wb") as local:
            for data in sftp.read(place):
                local.write(data)
                tally.add(len(data))
        if part.stat().st_size != size:
            raise SftpRefused(place, "it did not arrive whole")
        part.replace(target)
        tally.file()

    return pull


def _make(sftp: SftpSession, folder: PurePosixPath, *, above: bool = True) -> None:
    if sftp.is_folder(str(folder)):
        return
    if above and folder.parent != folder:
        _make(sftp, folder.parent)
    try:
        sftp.mkdir(str(folder))
    except SftpRefused:
        if not sftp.is_folder(str(folder)):  # else another client made it just now
            raise


def _below(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}" if root not in ("", ".") else key


def _part(place: str) -> str:
    folder, _, name = place.rpartition("/")
    return f"{folder}/.{name}.part" if "/" in place else f".{name}.part"


def _more(files: int) -> int:
    return max(0, min(SESSIONS, files // 8) - 1)


def _interrupted(name: str, why: str) -> TransferInterrupted:
    return TransferInterrupted(
        f"The transfer with {name} was interrupted: {why}",
        hint="Repeat the command: it goes on where it stopped.",
    )
