"""Which way files go to a host: a copy; or a stream for little, rsync for much, SFTP at need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Host, Report
from cosmos_workflow.connection.local import LocalHost
from cosmos_workflow.transfer.manifest import manifest
from cosmos_workflow.transfer.transfer import Moved, ProgramMissing, Transfer

if TYPE_CHECKING:
    from cosmos_workflow.connection.ssh import SshHost


def transfer_for(host: Host) -> Transfer:
    """The fastest transfer that works for the host.  Connects to nothing yet."""
    if isinstance(host, LocalHost):
        from cosmos_workflow.transfer.copy import CopyTransfer

        return CopyTransfer()
    from cosmos_workflow.connection.ssh import SshHost

    if not isinstance(host, SshHost):
        raise TypeError(f"no transfer is known for {type(host).__name__}")
    return FirstThatWorks(host)


class FirstThatWorks:
    """A stream where so little is to move that it is best, rsync, SFTP: whichever the host has."""

    def __init__(self, host: SshHost) -> None:
        self._host = host
        self._missing: set[type[Transfer]] = set()

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """See Transfer.push."""
        from cosmos_workflow.transfer.bundle import fits

        little = new and fits(len(files), sum(item.size for item in manifest(files)))
        return self._first(little, lambda way: way.push(files, root, report=report, new=new))

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """See Transfer.pull."""
        from cosmos_workflow.transfer.bundle import fits

        little = size > 0 and fits(len(paths), size)
        return self._first(
            little, lambda way: way.pull(root, paths, into, report=report, size=size)
        )

    def _first(self, little: bool, move: Callable[[Transfer], Moved]) -> Moved:
        """The first way that the host has the program for; what it lacks is remembered."""
        for way in self._ways(little):
            if type(way) not in self._missing:
                try:
                    return move(way)
                except ProgramMissing:
                    self._missing.add(type(way))
        raise AssertionError("SFTP needs no program")

    def _ways(self, little: bool) -> Iterator[Transfer]:
        from cosmos_workflow.transfer.bundle import BundleTransfer
        from cosmos_workflow.transfer.rsync import RsyncTransfer, local_rsync
        from cosmos_workflow.transfer.sftp import SftpTransfer

        if little:
            yield BundleTransfer(self._host)
        if rsync := local_rsync():
            yield RsyncTransfer(self._host, rsync)
        yield SftpTransfer(self._host)
