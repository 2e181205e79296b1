"""What a machine is to us: it runs a command, and it streams one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Completed:
    """A command that is over: exit code and what it wrote, decoded as UTF-8 with replacement."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Chunk:
    """Bytes of a running command, from ``out`` or ``err``; last comes ``exit``, with the code."""

    source: Literal["out", "err", "exit"]
    data: bytes = b""
    exit_code: int = 0


class Host(Protocol):
    """A machine that runs commands.  argv is a sequence and never meets a shell on our side.

    Every method connects on first use.  Any of them raises HostUnreachable when there is no
    connection or it goes away, AuthenticationFailed when the machine refuses us or has the wrong
    host key.
    """

    name: str

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float | None = None,
    ) -> Completed:
        """Run to the end.  With ``check``, a non-zero exit raises CommandFailed."""

    def stream(
        self, argv: Sequence[str], *, stdin: bytes = b"", idle_timeout: float | None = None
    ) -> Iterator[Chunk]:
        """Yield output as it comes; ends with one ``exit`` chunk.

        Raises HostUnreachable when nothing at all arrives for ``idle_timeout`` seconds: the
        command on the other side is expected to write a heartbeat.  Closing the iterator closes
        the command's streams; it does not promise to end the command.
        """

    def reach(self, port: int) -> int:
        """A port on our own 127.0.0.1 that leads to 127.0.0.1:``port`` there, until ``close``."""

    def approach(self) -> None:
        """Begin to connect, without waiting: soon there will be something to do.

        What goes wrong is raised by the first method that needs the connection.
        """

    def close(self) -> None:
        """Let go of the connection.  Safe to repeat; the next call connects again."""


Report = Callable[[int, int, float], None]
"""Called with bytes done, bytes in all, bytes a second."""
