"""A machine behind SSH: one connection, made on first use, a channel for every command."""

from __future__ import annotations

import queue
import shlex
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Chunk, Completed
from cosmos_workflow.connection.ssh_command import RemoteCommand, Silence
from cosmos_workflow.connection.ssh_config import SshAddress, route
from cosmos_workflow.connection.ssh_connect import connect
from cosmos_workflow.connection.ssh_errors import translated
from cosmos_workflow.connection.ssh_keys import Ask
from cosmos_workflow.connection.ssh_pulse import Pulse
from cosmos_workflow.connection.ssh_sftp import SftpSession
from cosmos_workflow.errors import CommandFailed, HostUnreachable

if TYPE_CHECKING:
    from paramiko.channel import Channel
    from paramiko.transport import Transport

__all__ = ["SshAddress", "SshHost"]

SPARE = 2
"""Channels opened ahead, so that a command costs one round trip and not two."""
STALE_S = 20.0
"""A connection unused for longer is asked whether it is there before it gets a command."""
OUT_OF_TIME = 124


class SshHost:
    """A Host over one SSH connection.  Safe to use from several threads at once.

    ``ask`` gets the question for a passphrase and returns it; without it an encrypted key that
    no agent holds is refused.  ``commands`` counts what was started on the machine.
    """

    def __init__(self, name: str, address: SshAddress, *, ask: Ask | None = None) -> None:
        self.name = name
        self.address = address
        self.commands = 0
        self._ask = ask
        self._lock = threading.RLock()
        self._link: _Link | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float | None = None,
    ) -> Completed:
        """Run to the end; see Host.  Past ``timeout`` seconds: CommandFailed with code 124, or
        HostUnreachable when the machine does not answer either."""
        until = None if timeout is None else time.monotonic() + timeout
        command = self.open(argv)
        out, err, code = bytearray(), bytearray(), 0
        try:
            command.feed(stdin)
            for chunk in command.chunks(until=until):
                if chunk.source == "exit":
                    code = chunk.exit_code
                else:
                    (out if chunk.source == "out" else err).extend(chunk.data)
        except Silence:
            raise self._too_late(argv, timeout or 0.0) from None
        finally:
            command.close()
        done = Completed(tuple(argv), code, _text(out), _text(err))
        if check and code != 0:
            raise failed(self.name, done)
        return done

    def stream(
        self, argv: Sequence[str], *, stdin: bytes = b"", idle_timeout: float | None = None
    ) -> Iterator[Chunk]:
        """Yield output as it comes, then one ``exit``; see Host."""
        command = self.open(argv)
        try:
            command.feed(stdin)
            yield from command.chunks(idle=idle_timeout)
        except Silence:
            self._forget_if_dead()
            raise HostUnreachable(
                f"Nothing came from {self.name} for {idle_timeout:g} s.",
                hint="The command may still be running there. Check the network and try again.",
            ) from None
        finally:
            command.close()

    def open(self, argv: Sequence[str]) -> RemoteCommand:
        """Start a command and leave its streams to the caller."""
        with translated(self.name):
            link = self._connected()
            channel = link.channel()
            channel.exec_command(shlex.join(argv))
            self.commands += 1
            return RemoteCommand(channel, self.name, link.touch)

    def sftp(self) -> SftpSession:
        """A new SFTP session on the same connection; the caller closes it."""
        from paramiko.sftp_client import SFTPClient

        with translated(self.name):
            channel = self._connected().channel()
            channel.invoke_subsystem("sftp")
            self.commands += 1
            return SftpSession(SFTPClient(channel), self.name)

    def close(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def _connected(self) -> _Link:
        with self._lock:
            if self._link is not None and not self._link.answers(self.address.connect_timeout):
                self._link.close()
                self._link = None
            if self._link is None:
                self._link = _Link(connect(route(self.address), self._ask))
            self._link.touch()
            return self._link

    def _too_late(self, argv: Sequence[str], timeout: float) -> Exception:
        if self._forget_if_dead():
            return HostUnreachable(
                f"{self.name} did not answer for {timeout:g} s.",
                hint="Check the network, then run the command again.",
            )
        return CommandFailed(
            f"{argv[0]} on {self.name} did not finish in {timeout:g} s.",
            exit_code_of_command=OUT_OF_TIME,
            hint="The host answers; it may be busy. The command may still be running there.",
        )

    def _forget_if_dead(self) -> bool:
        with self._lock:
            link = self._link
        if link is not None and link.alive(min(3.0, self.address.connect_timeout)):
            return False
        self.close()
        return True


class _Link:
    """The transports of one connection, its spare channels and its pulse."""

    def __init__(self, transports: list[Transport]) -> None:
        self._transports = transports
        self._last = transports[-1]
        self._spare: queue.SimpleQueue[Channel | None] = queue.SimpleQueue()
        self._used = time.monotonic()
        self._pulse = Pulse(self._last, self.close)
        for _ in range(SPARE):
            self._open_ahead()

    def channel(self) -> Channel:
        """An open channel: one that waits already, or else a new one."""
        ready = self._spare.get()
        if ready is None or ready.closed:
            return self._last.open_session(timeout=30)
        self._open_ahead()
        return ready

    def touch(self) -> None:
        self._used = time.monotonic()

    def answers(self, patience: float) -> bool:
        """False when the connection is gone; asks only when it was not used for a while."""
        if time.monotonic() - self._used < STALE_S:
            return bool(self._last.is_active())
        return self.alive(patience)

    def alive(self, patience: float) -> bool:
        return self._pulse.beat(patience)

    def close(self) -> None:
        self._pulse.stop()
        for transport in reversed(self._transports):
            transport.close()

    def _open_ahead(self) -> None:
        threading.Thread(target=self._put_spare, daemon=True).start()

    def _put_spare(self) -> None:
        from paramiko.ssh_exception import SSHException

        try:
            self._spare.put(self._last.open_session(timeout=30))
        except (SSHException, OSError, EOFError):
            # A server with a low MaxSessions, or a connection that just ended: whoever comes
            # next opens its own channel and hears the reason.
            self._spare.put(None)


def failed(name: str, done: Completed) -> CommandFailed:
    """What a non-zero exit is to a user: the command, the code, the last line of its stderr."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    said = f": {lines[-1].strip()}" if lines else ""
    return CommandFailed(
        f"{done.argv[0]} on {name} exited with {done.exit_code}{said}",
        exit_code_of_command=done.exit_code,
        stderr=done.stderr,
    )


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "replace")
