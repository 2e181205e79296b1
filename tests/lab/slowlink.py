"""A TCP proxy on loopback with a round-trip time, which can be cut silently or dropped."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from typing import Self


class SlowLink:
    """Listens on ``port`` and forwards to ``target_port``, each direction ``rtt_s / 2`` later.

    It is a delay line: what is sent together arrives together, so the throughput stays.  The TCP
    handshake costs its round trip too.  ``cut()`` stops forwarding and closes nothing, as a
    network does that went away; ``mend()`` lets new connections through again; ``drop()`` closes
    every connection.  ``bytes_per_s`` narrows each direction of a connection, 0 leaves it wide; it
    may be changed at any time.
    """

    def __init__(self, target_port: int, rtt_s: float = 0.0, bytes_per_s: float = 0) -> None:
        self.target_port = target_port
        self.rtt_s = rtt_s
        self.bytes_per_s = bytes_per_s
        self.connections = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.drop_after: int | None = None
        """Close every connection once so many bytes came down."""
        self._cut = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        if bytes_per_s:  # or a short narrow line would keep megabytes in its buffers
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> None:
        """From now on nothing passes, and nobody is told."""
        self._cut.set()

    def mend(self) -> None:
        """Connections made from now on pass again; those that were cut stay silent."""
        self._cut = threading.Event()

    def drop(self) -> None:
        """Close every connection there is."""
        sockets, self._sockets = self._sockets, []
        for each in sockets:
            _hang_up(each)

    def refuse(self) -> None:
        """Close every connection and take no new one, until ``accept``."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.close()

    def accept(self) -> None:
        """Take connections again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        self.connections += 1
        # A real SYN, SYN-ACK, ACK reaches the server one and a half round trips after connect().
        time.sleep(1.5 * self.rtt_s)
        server = socket.create_connection(("127.0.0.1", self.target_port))
        self._sockets += [client, server]
        for source, sink in ((client, server), (server, client)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            up = source is client
            threading.Thread(
                target=self._read, args=(source, line, self._cut, up), daemon=True
            ).start()
            threading.Thread(target=self._write, args=(line, sink, self._cut), daemon=True).start()

    def _read(
        self,
        source: socket.socket,
        line: queue.SimpleQueue[tuple[float, bytes]],
        cut: threading.Event,
        up: bool,
    ) -> None:
        while True:
            try:
                data = source.recv(1 << 18)
            except OSError:
                data = b""
            if up:
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)
                if self.drop_after is not None and self.bytes_down > self.drop_after:
                    self.drop()
                    return
            if self.bytes_per_s:
                time.sleep(len(data) / self.bytes_per_s)
            if cut.is_set():
                return
            line.put((time.monotonic() + self.rtt_s / 2, data))
            if not data:
                return

    def _write(
        self,
        line: queue.SimpleQueue[tuple[float, bytes]],
        sink: socket.socket,
        cut: threading.Event,
    ) -> None:
        while True:
            due, data = line.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if cut.is_set():
                return
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return


def _hang_up(each: socket.socket) -> None:
    with suppress(OSError):  # it may have gone already
        each.shutdown(socket.SHUT_RDWR)
    each.close()
