"""A connection that is being made while its owner still does other things."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cosmos_workflow.connection.ssh_link import Link


class Ahead:
    """Starts at once, in the background.  ``take`` it or ``drop`` it, once."""

    def __init__(self, make: Callable[[], Link]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._unwanted = False
        self._link: Link | None = None
        self._fault: Exception | None = None
        threading.Thread(target=self._work, daemon=True).start()

    def take(self) -> Link:
        """The connection, once it is there.  Raises what went wrong with it."""
        self._over.wait()
        if self._link is None:
            assert self._fault is not None
            raise self._fault
        return self._link

    def drop(self) -> None:
        """Nobody wants it any more; waits for nothing."""
        with self._lock:
            self._unwanted = True
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def _work(self) -> None:
        try:
            link = self._make()
        except Exception as error:  # whoever takes it is told, in the thread that asked
            self._fault = error
        else:
            with self._lock:
                unwanted = self._unwanted
                self._link = None if unwanted else link
            if unwanted:
                link.close()
        self._over.set()
