"""What moving files is: push a set of files below a folder of a host, pull a set back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import TransferError


@dataclass(frozen=True)
class Moved:
    """What a transfer did: files and bytes really sent (not those that were there already)."""

    files: int
    sent: int
    seconds: float


class ProgramMissing(TransferError):
    """The host lacks the program that this way of moving files needs: another way is taken."""


class Transfer(Protocol):
    """Push and pull over one host.

    Both raise TransferInterrupted when the link breaks (a repeat goes on where it stopped) and
    TransferError otherwise, naming the file: missing, unreadable, no space left.  A file appears
    under its final name only when it is complete.
    """

    def push(
        self, files: Mapping[str, Path], root: str, *, report: Report | None = None,
        new: bool = False,
    ) -> Moved:  # fmt: skip
        """Put local files at ``root``/key for each key of ``files`` (relative POSIX paths).

        Folders are made as needed.  A file whose target exists with the same size is not sent
        again when its key starts with ``inputs/`` (those are named by content); any other file is
        compared by content.  ``new`` says that the caller looked: none of the files is there, so
        whatever is quickest may be done without asking again.
        """

    def pull(
        self, root: str, paths: Sequence[str], into: Path, *, report: Report | None = None,
        size: int = 0,
    ) -> Moved:  # fmt: skip
        """Bring ``root``/path to ``into``/path for each of ``paths``; ``size``: bytes in all, if
        known."""
