"""Is the other side still there?  Asked at intervals, so that a silent cut is noticed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramiko.transport import Transport

INTERVAL_S = 15.0
PATIENCE_S = 60.0
"""Long, for the question waits behind what a slow line is busy with."""


class Pulse:
    """Asks the machine at intervals; when no answer comes in time, calls ``dead`` once.

    An answer, even a refusal, is a sign of life.  The question also keeps a NAT's memory of the
    connection.
    """

    def __init__(self, transport: Transport, dead: Callable[[], None]) -> None:
        self._transport = transport
        self._dead = dead
        self._stopped = threading.Event()
        self._asking = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def beat(self, patience: float) -> bool:
        """Ask now: True when an answer came within ``patience`` seconds."""
        if not self._transport.is_active():
            return False
        answered = threading.Event()
        threading.Thread(target=self._ask, args=(answered,), daemon=True).start()
        return answered.wait(patience) and bool(self._transport.is_active())

    def stop(self) -> None:
        self._stopped.set()

    def _ask(self, answered: threading.Event) -> None:
        from paramiko.ssh_exception import SSHException

        # The library has room for one such question at a time.
        with self._asking:
            # When the transport is over, is_active tells it to whoever asks.
            with suppress(SSHException, OSError, EOFError):
                self._transport.global_request("keepalive@openssh.com", wait=True)
            answered.set()

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            if not self.beat(PATIENCE_S):
                self._dead()
                return
