"""Few bytes in one go: a tar stream each way, where rsync's conversation costs more than they do.

At 100 ms round trip rsync talks for 0.7 s, whatever there is to move; a stream takes one trip.  It
cannot go on where it broke off, so it is only for what is quickly sent again.
"""

from __future__ import annotations

import errno
import io
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from cosmos_workflow.connection.host import Chunk, Report
from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import HostUnreachable, TransferError
from cosmos_workflow.transfer.manifest import Item, checked, manifest
from cosmos_workflow.transfer.rsync import (
    NO_FOLDER,
    NOT_FOUND,
    full,
    interrupted,
    make_folder,
    no_folder,
    unmoved,
)
from cosmos_workflow.transfer.transfer import Moved, ProgramMissing

MOST_BYTES = 16_000_000
MOST_FILES = 64
"""At most so much goes in a stream: what breaks off is sent again from its start."""

PIECE = 1 << 17

UNPACK = f"""mkdir -p -- "$1" && cd -- "$1" || exit {NO_FOLDER}
command -v tar >/dev/null 2>&1 || exit {NOT_FOUND}
shift
beside=.arriving.$$
mkdir -- "$beside" || exit {NO_FOLDER}
trap 'rm -rf -- "$beside"' EXIT
trap 'exit 1' HUP INT TERM
tar -xof - -C "$beside" || exit 1
for path do
  case $path in */*) mkdir -p -- "${{path%/*}}" ;; esac
  mv -f -- "$beside/$path" "$path" || exit 1
done
"""
"""Root, then every path: nothing has its final name before all have arrived."""

PACK = f"""cd -- "$1" || exit {NO_FOLDER}
command -v tar >/dev/null 2>&1 || exit {NOT_FOUND}
shift; exec tar -chf - -- "$@"
"""


class TarMissing(ProgramMissing):
    """The host has no tar."""


def fits(files: int, size: int) -> bool:
    """Is so little better sent at once than talked about?"""
    return files <= MOST_FILES and size <= MOST_BYTES


class BundleTransfer:
    """A Transfer by one stream, of files that are not there yet: it sends all that it is given."""

    def __init__(self, host: SshHost) -> None:
        self.host = host

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """See Transfer.push."""
        items = manifest(files)
        if not items:
            return Moved(0, 0, 0.0)
        start, total = time.monotonic(), sum(item.size for item in items)
        data = _packed(items)
        command = self.host.open(["sh", "-c", UNPACK, "sh", root, *(item.key for item in items)])
        try:
            # A command that ends early says why when it is read; a line that breaks, too.
            with suppress(HostUnreachable):
                for done in _pieces(len(data)):
                    command.send(data[done : done + PIECE])
                    _tell(report, done, total, start)
            command.finish_input()
            self._check(list(command.chunks()), root)
        except HostUnreachable as error:
            raise interrupted(self.host.name, error.message) from error
        finally:
            command.close()
        _tell(report, total, total, start)
        return Moved(len(items), total, time.monotonic() - start)

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """See Transfer.pull."""
        if not paths:
            return Moved(0, 0, 0.0)
        start, data, rest = time.monotonic(), bytearray(), []
        command = self.host.listen(
            ["sh", "-c", PACK, "sh", root, *(f"./{checked(p)}" for p in paths)]
        )
        try:
            for chunk in command.chunks():
                if chunk.source == "out":
                    data += chunk.data
                    _tell(report, min(len(data), size), size, start)
                else:
                    rest.append(chunk)
            self._check(rest, root)
        except HostUnreachable as error:
            raise interrupted(self.host.name, error.message) from error
        finally:
            command.close()
        sent = _unpacked(io.BytesIO(data), set(paths), into)
        _tell(report, sent, sent, start)
        return Moved(len(paths), sent, time.monotonic() - start)

    def _check(self, chunks: Sequence[Chunk], root: str) -> None:
        """Raise what the command's end means."""
        name, code = self.host.name, chunks[-1].exit_code
        said = b"".join(c.data for c in chunks if c.source == "err").decode("utf-8", "replace")
        if code == 0:
            return
        if code == NOT_FOUND:
            raise TarMissing(f"{name} has no tar.")
        if "No space left on device" in said or "Disk quota exceeded" in said:
            raise full(name, said)
        first = next(iter(said.strip().splitlines()), "tar gave no reason.")
        if code == NO_FOLDER:
            raise no_folder(root, name, first)
        raise unmoved(name, first)


def _packed(items: Iterable[Item]) -> bytes:
    stream = io.BytesIO()
    # The format that every tar reads, busybox's too, with names of any length.
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for item in items:
            with _opened(item) as file:
                member = tarfile.TarInfo(item.key)
                member.size, member.mode = item.size, 0o755 if _runs(item.path) else 0o644
                member.mtime = int(item.path.stat().st_mtime)
                tar.addfile(member, file)
    return stream.getvalue()


def _opened(item: Item) -> IO[bytes]:
    try:
        return item.path.open("rb")
    except OSError as error:
        raise TransferError(f"{item.path} cannot be sent: {error.strerror}.") from error


def _runs(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _unpacked(stream: IO[bytes], wanted: set[str], into: Path) -> int:
    """Write what was asked for, each file beside its name and then renamed; bytes in all."""
    make_folder(into)
    sent = 0
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            source = tar.extractfile(member) if member.isfile() else None
            if source is None or name not in wanted:
                continue
            place = into / name
            beside = place.with_name(f".{place.name}.part")
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(source.read())
                beside.replace(place)
            except OSError as error:
                with suppress(OSError):
                    beside.unlink()
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise full("this machine", f"{place}: no space left") from error
                raise TransferError(f"{place} cannot be written: {error.strerror}.") from error
            wanted.discard(name)
            sent += member.size
    if wanted:
        raise TransferError(f"The host did not send {', '.join(sorted(wanted))}.")
    return sent


def _pieces(length: int) -> Iterator[int]:
    return iter(range(0, length, PIECE))


def _tell(report: Report | None, done: int, total: int, start: float) -> None:
    if report is not None:
        report(done, total, done / max(time.monotonic() - start, 1e-3))
