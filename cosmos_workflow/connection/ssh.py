"""A machine behind SSH: one connection, made on first use, a channel for every command."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cosmos_workflow.connection.host import Chunk, Completed
from cosmos_workflow.connection.ssh_ahead import Ahead
from cosmos_workflow.connection.ssh_command import RemoteCommand, Silence
from cosmos_workflow.connection.ssh_config import SshAddress, route
from cosmos_workflow.connection.ssh_connect import connect
from cosmos_workflow.connection.ssh_errors import translated
from cosmos_workflow.connection.ssh_keys import Ask
from cosmos_workflow.connection.ssh_link import Link, within
from cosmos_workflow.connection.ssh_sftp import SftpSession
from cosmos_workflow.connection.ssh_shell import Shell, ShellCommand
from cosmos_workflow.connection.ssh_tunnel import Tunnel
from cosmos_workflow.errors import AuthenticationFailed, CommandFailed, HostError, HostUnreachable

if TYPE_CHECKING:
    from paramiko.channel import Channel

__all__ = ["SshAddress", "SshHost"]

OUT_OF_TIME = 124
KEPT = 2
"""Shells that are kept for the next command."""
ANSWER_S = 10.0
"""How long an answer may take behind the bytes of a transfer on a slow line."""


class SshHost:
    """A Host over one SSH connection.  Safe to use from several threads at once.

    ``ask`` gets the question for a passphrase and returns it; without it an encrypted key that
    no agent holds is refused.  ``commands`` counts what was started on the machine.  Commands that
    read nothing go into a shell that stays, the others have a session each.
    """

    def __init__(self, name: str, address: SshAddress, *, ask: Ask | None = None) -> None:
        self.name = name
        self.address = address
        self.commands = 0
        self._ask = ask
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._ahead: Ahead | None = None
        self._shells: list[tuple[Link, Shell]] = []
        self._tunnels: dict[int, Tunnel] = {}

    def approach(self) -> None:
        """Begin to connect, in the background; see Host."""
        # Loaded here and whole: two threads that load it at once get halves of it.
        import paramiko  # noqa: F401

        with self._lock:
            if self._link is None and self._ahead is None:
                # Nobody is asked for a passphrase while something else is on the screen.
                self._ahead = Ahead(self._made_ready)

    def _made_ready(self) -> Link:
        """A connection, and a shell that has read its start-up files before it is needed.

        The lock is not for this thread: whoever waits for the connection holds it.
        """
        link, seconds = Link(connect(route(self.address), None)), self.address.connect_timeout

        def begin(argv: Sequence[str]) -> RemoteCommand:
            with translated(self.name):
                channel = within(seconds, link.channel)
                return self._asked(link, channel, _execution(argv), seconds)

        shell = Shell(begin)
        with suppress(HostError):  # the first command says what is wrong
            shell.warm_up()
            self._shells.append((link, shell))
        return link

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
        command = self._started(argv, stdin, timeout)
        out, err, code = bytearray(), bytearray(), 0
        try:
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
        command = self._started(argv, stdin)
        try:
            yield from command.chunks(idle=idle_timeout)
        except Silence:
            self._forget_if_dead()
            raise HostUnreachable(
                f"Nothing came from {self.name} for {idle_timeout:g} s.",
                hint="The command may still be running there. Check the network and try again.",
            ) from None
        finally:
            command.close()

    def open(self, argv: Sequence[str], *, patience: float | None = None) -> RemoteCommand:
        """Start a command and leave its streams to the caller.

        Raises HostUnreachable when the machine does not take it within ``patience`` seconds, or
        within the time for a connection when that is shorter.
        """
        self.commands += 1
        return self._session(argv, patience)

    def listen(self, argv: Sequence[str], *, patience: float | None = None) -> ShellCommand:
        """The same for a command that reads nothing: it runs where the one before it ran."""
        self.commands += 1
        link, shell = self._kept_shell()
        if shell is not None:
            try:
                return self._tell(link, shell, argv)
            except HostUnreachable:  # it had ended unnoticed, and was not even told
                shell.close()
        return self._tell(link, Shell(lambda words: self._session(words, patience)), argv)

    def sftp(self) -> SftpSession:
        """A new SFTP session on the same connection; the caller closes it."""
        from paramiko.sftp_client import SFTPClient

        with translated(self.name):
            self.commands += 1
            command = self._begin(lambda channel: channel.invoke_subsystem("sftp"), None)
            return SftpSession(SFTPClient(command.channel), self.name)

    def reach(self, port: int) -> int:
        """A port of ours that leads to one of the machine's; see Host."""
        with self._lock:
            self._connected()  # that the machine is not there is said here, not by a closed port
            if port not in self._tunnels:
                self._tunnels[port] = Tunnel(lambda: self._connected().passage(port))
            return self._tunnels[port].port

    def close(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        with self._lock:
            while self._tunnels:
                self._tunnels.popitem()[1].close()
            self._shells.clear()
            link, self._link = self._link, None
            ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.drop()
        if link is not None:
            link.close()

    def _started(
        self, argv: Sequence[str], stdin: bytes, patience: float | None = None
    ) -> RemoteCommand | ShellCommand:
        if not stdin:
            return self.listen(argv, patience=patience)
        command = self.open(argv, patience=patience)
        command.feed(stdin)
        return command

    def _session(self, argv: Sequence[str], patience: float | None) -> RemoteCommand:
        return self._begin(_execution(argv), patience)

    def _tell(self, link: Link, shell: Shell, argv: Sequence[str]) -> ShellCommand:
        return shell.start(shlex.join(argv), lambda: self._put_back(link, shell))

    def _kept_shell(self) -> tuple[Link, Shell | None]:
        """A shell of the connection that does nothing, if there is one."""
        with translated(self.name):
            link = self._connected()
        with self._lock:
            while self._shells:
                its, shell = self._shells.pop()
                if its is link and shell.idle:
                    return link, shell
                shell.close()
        return link, None

    def _put_back(self, link: Link, shell: Shell) -> None:
        link.touch()
        with self._lock:
            if shell.idle and link is self._link and len(self._shells) < KEPT:
                self._shells.append((link, shell))
                return
        shell.close()

    def _begin(self, request: Callable[[Channel], None], patience: float | None) -> RemoteCommand:
        limit = self.address.connect_timeout
        seconds = min(limit, patience or limit)
        with translated(self.name):
            link, channel = self._channel(seconds)
            with self._ended_by_failure(link):
                return self._asked(link, channel, request, seconds)

    def _asked(
        self, link: Link, channel: Channel, request: Callable[[Channel], None], seconds: float
    ) -> RemoteCommand:
        within(seconds, lambda: request(channel))
        return RemoteCommand(channel, self.name, link.touch)

    def _channel(self, seconds: float) -> tuple[Link, Channel]:
        from paramiko.ssh_exception import ChannelException, SSHException

        link = self._connected()
        try:
            if link.crowded:
                self._give_up_shells()
            with self._ended_by_failure(link):
                return link, within(seconds, link.channel)
        except (ChannelException, TimeoutError):
            raise
        except (SSHException, OSError, EOFError):
            # The connection had ended unnoticed, and nothing was asked of the machine yet.
            again = self._connected()
            return again, within(seconds, again.channel)

    @contextmanager
    def _ended_by_failure(self, link: Link) -> Iterator[None]:
        """Let go of a connection that fails, so that the next call makes a new one."""
        from paramiko.ssh_exception import ChannelException, SSHException

        try:
            yield
        except ChannelException:
            raise
        except TimeoutError:
            # Others may be at work on this connection: end it only when it is dead.
            if not link.alive(min(ANSWER_S, self.address.connect_timeout)):
                self._forget(link)
            raise
        except (SSHException, OSError, EOFError):
            self._forget(link)
            raise

    def _give_up_shells(self) -> None:
        """A server that allows few sessions has none left for a shell that does nothing."""
        with self._lock:
            while self._shells:
                self._shells.pop()[1].close()

    def _forget(self, link: Link) -> None:
        with self._lock:
            if self._link is link:
                self._link = None
        link.close()

    def _connected(self) -> Link:
        with self._lock:
            if self._link is not None and not self._link.answers(self.address.connect_timeout):
                self._link.close()
                self._link = None
            if self._link is None:
                self._link = self._approached() or Link(connect(route(self.address), self._ask))
            self._link.touch()
            return self._link

    def _approached(self) -> Link | None:
        """The connection that was begun in the background; None if it takes a passphrase."""
        ahead, self._ahead = self._ahead, None
        try:
            return ahead.take() if ahead is not None else None
        except AuthenticationFailed:
            if self._ask is None:
                raise
            return None

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
        if link is not None:
            if link.alive(min(ANSWER_S, self.address.connect_timeout)):
                return False
            self._forget(link)
        return True


def _execution(argv: Sequence[str]) -> Callable[[Channel], None]:
    return lambda channel: channel.exec_command(shlex.join(argv))


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
