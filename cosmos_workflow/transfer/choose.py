"""Which way files go to a host: a copy, rsync, or SFTP when either side has no rsync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cosmos_workflow.connection.host import Host, Report
from cosmos_workflow.connection.local import LocalHost
from cosmos_workflow.transfer.transfer import Moved, Transfer


def transfer_for(host: Host) -> Transfer:
    """The fastest transfer that works for the host.  Connects to nothing yet."""
    if isinstance(host, LocalHost):
        from cosmos_workflow.transfer.copy import CopyTransfer

        return CopyTransfer()
    from cosmos_workflow.connection.ssh import SshHost
    from cosmos_workflow.transfer.rsync import RsyncTransfer, local_rsync
    from cosmos_workflow.transfer.sftp import SftpTransfer

    if not isinstance(host, SshHost):
        raise TypeError(f"no transfer is known for {type(host).__name__}")
    sftp = SftpTransfer(host)
    rsync = local_rsync()
    return sftp if rsync is None else RsyncOrSftp(RsyncTransfer(host, rsync), sftp)


class RsyncOrSftp:
    """rsync until the host turns out to have none; SFTP from then on."""

    def __init__(self, rsync: Transfer, sftp: Transfer) -> None:
        self._rsync: Transfer | None = rsync
        self._sftp = sftp

    def push(self, files: Mapping[str, Path], root: str, *, report: Report | None = None) -> Moved:
        """See Transfer.push."""
        from cosmos_workflow.transfer.rsync import RsyncMissing

        if self._rsync is not None:
            try:
                return self._rsync.push(files, root, report=report)
            except RsyncMissing:
                self._rsync = None
        return self._sftp.push(files, root, report=report)

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None
    ) -> Moved:
        """See Transfer.pull."""
        from cosmos_workflow.transfer.rsync import RsyncMissing

        if self._rsync is not None:
            try:
                return self._rsync.pull(root, paths, into, report=report)
            except RsyncMissing:
                self._rsync = None
        return self._sftp.pull(root, paths, into, report=report)
