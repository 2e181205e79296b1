"""Where rsync's pipes meet a command on the host: bytes moved both ways, and how it ended."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.connection.ssh_command import RemoteCommand
from cosmos_workflow.errors import CosmosError, HostUnreachable

PIECE = 1 << 20
BROKEN = 255


class Joint:
    """Waits for one bridge, starts the command it asks for, and joins the two.

    ``fileno`` is what the bridge inherits.  After ``finish``: ``exit_code`` of the remote command
    (None when it never started), its ``stderr``, ``lost`` when the connection broke, ``failed``
    for any other error of the host.
    """

    def __init__(self, host: SshHost, argv: Callable[[Sequence[str]], Sequence[str]]) -> None:
        self._host = host
        self._argv = argv
        self._ours, self._theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._join, daemon=True)
        self._command: RemoteCommand | None = None
        self.exit_code: int | None = None
        self.stderr = ""
        self.lost: HostUnreachable | None = None
        self.failed: CosmosError | None = None

    @property
    def fileno(self) -> int:
        return self._theirs.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give up whatever still runs."""
        for end in (self._ours, self._theirs):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        if self._command is not None:
            self._command.close()

    def start(self) -> None:
        """Begin to wait.  Call it when the process that inherits ``fileno`` has started."""
        self._theirs.close()
        self._thread.start()

    def finish(self) -> None:
        """Wait until the remote command is over."""
        self._thread.join()

    def _join(self) -> None:
        code = BROKEN
        try:
            words, pipes = _receive(self._ours)
            if words:
                code = self._move(words, *pipes)
        except HostUnreachable as error:
            self.lost = error
        except CosmosError as error:
            self.failed = error
        finally:
            with suppress(OSError):  # rsync may have given up before
                self._ours.send(bytes([code & 255]))

    def _move(self, words: Sequence[str], from_rsync: int, to_rsync: int) -> int:
        try:
            # rsync makes its child's pipes non-blocking; half a write would be lost bytes.
            os.set_blocking(from_rsync, True)
            os.set_blocking(to_rsync, True)
            self._command = command = self._host.open(self._argv(words))
        except BaseException:
            os.close(from_rsync)
            os.close(to_rsync)
            raise
        threading.Thread(target=_up, args=(from_rsync, command), daemon=True).start()
        errors = bytearray()
        try:
            for chunk in command.chunks():
                if chunk.source == "out":
                    _write(to_rsync, chunk.data)
                elif chunk.source == "err":
                    errors += chunk.data
                else:
                    self.exit_code = chunk.exit_code
        finally:
            os.close(to_rsync)
            self.stderr = errors.decode("utf-8", "replace")
        return BROKEN if self.exit_code is None else self.exit_code


def _receive(link: socket.socket) -> tuple[list[str], list[int]]:
    """The bridge's arguments and rsync's two pipes; no words when rsync never started it."""
    data, pipes, _, _ = socket.recv_fds(link, 1 << 16, 2)
    while data and len(data) < 4 + int.from_bytes(data[:4], "big"):
        more = link.recv(1 << 16)
        if not more:
            break
        data += more
    return [os.fsdecode(word) for word in data[4:].split(b"\0") if data], list(pipes)


def _up(from_rsync: int, command: RemoteCommand) -> None:
    # When either side is gone the other thread hears it from the command, with the reason.
    with suppress(OSError, HostUnreachable):
        while data := os.read(from_rsync, PIECE):
            command.send(data)
    command.finish_input()
    os.close(from_rsync)


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    with suppress(ConnectionError):  # rsync ended first: its exit code says why
        while view:
            view = view[os.write(pipe, view) :]
