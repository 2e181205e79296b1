"""One command on an open SSH connection: its streams, joined in the order they arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Chunk
from cosmos_workflow.connection.ssh_errors import translated
from cosmos_workflow.errors import HostUnreachable

if TYPE_CHECKING:
    from paramiko.channel import Channel

PIECE = 1 << 18
INLINE = 1 << 16
SIGNALLED = 255
"""Exit code for a command that a signal ended: the library does not pass on which one."""


class Silence(Exception):
    """Nothing arrived for as long as the caller was willing to wait."""


class RemoteCommand:
    """A running command.  Made by ``SshHost.open``; ``chunks`` is read by one thread.

    Another thread may ``send`` meanwhile.
    """

    def __init__(self, channel: Channel, where: str, done: Callable[[], None]) -> None:
        self._channel = channel
        self._where = where
        self._done = done
        self._wake = _Wake()
        channel.in_buffer.set_event(self._wake)
        channel.in_stderr_buffer.set_event(self._wake)

    @property
    def channel(self) -> Channel:
        """The library's own object, for a session that is no command."""
        return self._channel

    @property
    def ended(self) -> bool:
        """Whether the machine has closed its streams, as far as we have heard."""
        return bool(self._channel.closed or self._channel.eof_received)

    def send(self, data: bytes) -> None:
        """Write to the command's stdin.  Raises HostUnreachable when it takes no more."""
        with translated(self._where):
            self._channel.sendall(data)

    def finish_input(self) -> None:
        """End of stdin."""
        with suppress(OSError, EOFError):  # the command is over: it needs no end of input
            self._channel.shutdown_write()

    def feed(self, data: bytes) -> None:
        """Give the whole stdin, without waiting for a command that does not read it."""
        if len(data) <= INLINE:
            self._feed(data)
        else:
            threading.Thread(target=self._feed, args=(data,), daemon=True).start()

    def chunks(self, *, idle: float | None = None, until: float | None = None) -> Iterator[Chunk]:
        """Output as it comes, then one ``exit``.

        Raises Silence after ``idle`` seconds without any, or when the monotonic clock passes
        ``until``; HostUnreachable when the connection ends before the command does.
        """
        channel = self._channel
        while True:
            self._wake.again()
            over = channel.closed
            yield from self._waiting()
            if over:
                break
            self._wait(idle, until)
        code = self._exit_code()
        self.close()
        yield Chunk("exit", exit_code=code)

    def close(self) -> None:
        """Close the command's streams."""
        with suppress(OSError, EOFError):  # the connection may have gone already
            self._channel.close()
        self._done()

    def _feed(self, data: bytes) -> None:
        # A command may end without reading its input; its exit code says what that means.
        with suppress(OSError, EOFError):
            self._channel.sendall(data)
        self.finish_input()

    def _waiting(self) -> Iterator[Chunk]:
        channel = self._channel
        while channel.recv_stderr_ready():
            yield Chunk("err", self._received(channel.recv_stderr))
        while channel.recv_ready():
            yield Chunk("out", self._received(channel.recv))

    def _received(self, receive: Callable[[int], bytes]) -> bytes:
        with translated(self._where):  # it also tells the machine that there is room again
            return receive(PIECE)

    def _wait(self, idle: float | None, until: float | None) -> None:
        left = None if until is None else max(0.0, until - time.monotonic())
        waits = [each for each in (idle, left) if each is not None]
        if not self._wake.wait(min(waits) if waits else None):
            raise Silence

    def _exit_code(self) -> int:
        channel = self._channel
        if channel.exit_status >= 0:
            return int(channel.exit_status)
        # A server ends a channel politely, with an end of file, also when a signal ended the
        # command; a connection that breaks says nothing.
        if channel.eof_received and channel.get_transport().is_active():
            return SIGNALLED
        raise HostUnreachable(
            f"The connection to {self._where} broke while a command was running.",
            hint="The command may still be running there. Check the network and try again.",
        )


class _Wake(threading.Event):
    """Set by either stream.  The library clears it when one stream is empty; we look at both."""

    def clear(self) -> None:
        pass

    def again(self) -> None:
        super().clear()
