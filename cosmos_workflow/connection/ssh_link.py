"""One live connection: its transports, the channels opened ahead, and its pulse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from cosmos_workflow.connection.ssh_pulse import Pulse

if TYPE_CHECKING:
    from paramiko.channel import Channel
    from paramiko.transport import Transport

SPARE = 2
"""Channels opened ahead, so that a command costs one round trip and not two."""
STALE_S = 20.0
"""A connection unused for longer is asked whether it is there before it gets a command."""
OPEN_S = 30.0
CROWDED_S = (0.02, 0.1, 0.5)
"""Waits before a refused channel is asked for again."""

T = TypeVar("T")


class Link:
    """Made from the transports of every hop, the wanted machine's last.  Close it once."""

    def __init__(self, transports: list[Transport]) -> None:
        self._transports = transports
        self._last = transports[-1]
        self._changed = threading.Condition()
        self._spare: list[Channel] = []
        self._opening = 0
        self._crowded = False
        self._used = time.monotonic()
        self._pulse = Pulse(self._last, self.close)
        for _ in range(SPARE):
            self._open_ahead()

    @property
    def crowded(self) -> bool:
        """Whether the server has refused a channel that was to be opened ahead."""
        return self._crowded

    def touch(self) -> None:
        self._used = time.monotonic()

    def answers(self, patience: float) -> bool:
        """False when the connection is gone; asks only when it was not used for a while."""
        if time.monotonic() - self._used < STALE_S:
            return bool(self._last.is_active())
        return self.alive(patience)

    def alive(self, patience: float) -> bool:
        """Ask the machine now, and wait ``patience`` seconds for any answer."""
        return self._pulse.beat(patience)

    def close(self) -> None:
        self._pulse.stop()
        for transport in reversed(self._transports):
            transport.close()

    def channel(self) -> Channel:
        """An open channel: one that waits already, or else a new one."""
        with self._changed:
            while not self._spare and self._opening:
                self._changed.wait()
            ready = self._spare.pop(0) if self._spare else None
        if ready is None or ready.closed:
            return self._open_now()
        self._open_ahead()
        return ready

    def passage(self, port: int) -> Channel:
        """A channel to a port of the machine's own loopback."""
        there, here = ("127.0.0.1", port), ("127.0.0.1", 0)
        return self._last.open_channel("direct-tcpip", there, here, timeout=OPEN_S)

    def _open_now(self) -> Channel:
        from paramiko.ssh_exception import ChannelException

        for wait in CROWDED_S:
            try:
                return self._last.open_session(timeout=OPEN_S)
            except ChannelException:
                # A session that just ended may still count against a low MaxSessions.
                time.sleep(wait)
        return self._last.open_session(timeout=OPEN_S)

    def _open_ahead(self) -> None:
        if self._crowded:
            return
        with self._changed:
            self._opening += 1
        threading.Thread(target=self._put_spare, daemon=True).start()

    def _put_spare(self) -> None:
        from paramiko.ssh_exception import SSHException

        opened = []
        try:
            opened.append(self._last.open_session(timeout=OPEN_S))
        except (SSHException, OSError, EOFError):
            # A server with a low MaxSessions, or a connection that just ended: from now on
            # whoever wants a channel opens it, and hears the reason.
            self._crowded = True
        with self._changed:
            self._spare += opened
            self._opening -= 1
            self._changed.notify_all()


def within(seconds: float, act: Callable[[], T]) -> T:
    """The result of ``act``, or TimeoutError: the library waits for some answers for ever."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return results[0]
