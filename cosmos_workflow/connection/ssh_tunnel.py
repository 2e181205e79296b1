"""A port of this machine that leads to a port of the other one, on the connection there is."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from cosmos_workflow.errors import CosmosError

if TYPE_CHECKING:
    from paramiko.channel import Channel

PIECE = 1 << 16
LOOPBACK = "127.0.0.1"


class Tunnel:
    """Listens on 127.0.0.1; each connection becomes a channel that ``open_channel`` makes.

    ``port``: where it listens.  When no channel can be had, the caller's connection is closed,
    as that of a service that is down.
    """

    def __init__(self, open_channel: Callable[[], Channel]) -> None:
        self._open = open_channel
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, name=f"tunnel-{self.port}", daemon=True).start()

    def close(self) -> None:
        """Listen no more; connections that are open go on until they end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        from paramiko.ssh_exception import SSHException

        with caller:
            try:
                channel = self._open()
            except (CosmosError, SSHException, OSError, EOFError):
                return
            try:
                _join(caller, channel)
            except (OSError, EOFError):
                return  # one side is gone: the other sees its connection end
            finally:
                channel.close()


def _join(caller: socket.socket, channel: Channel) -> None:
    """Bytes both ways until both sides have said all."""
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    talking = {caller.fileno(): True, channel.fileno(): True}
    while any(talking.values()):
        ready, _, _ = select.select([one for one, on in talking.items() if on], [], [])
        if caller.fileno() in ready:
            data = caller.recv(PIECE)
            if data:
                channel.sendall(data)
            else:
                talking[caller.fileno()] = False
                channel.shutdown_write()
        if channel.fileno() in ready:
            data = channel.recv(PIECE)
            if not data:
                return
            caller.sendall(data)
