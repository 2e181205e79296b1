"""A call that reports by callback, as a generator of events: it runs beside, we yield."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Literal, TypeVar

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import TransferError
from cosmos_workflow.events import Transferring

T = TypeVar("T")

_LEAVE = 1.0
"""Seconds that a call has to notice that it is to stop; it ends with the process in any case."""


class Stopped(TransferError):
    """Bytes no longer wanted: Ctrl-C."""


def narrate(
    direction: Literal["up", "down"], call: Callable[[Report], T]
) -> Generator[Transferring, None, T]:
    """Run ``call(report)`` in a thread; yield a Transferring for each report; return its result.

    What the call raises is raised here.  Who stops listening stops the call with its next report.
    """
    reports: queue.SimpleQueue[Transferring | None] = queue.SimpleQueue()
    result: list[T] = []
    fault: list[BaseException] = []
    over = threading.Event()

    def report(done: int, total: int, speed: float) -> None:
        if over.is_set():
            raise Stopped("nobody listens any more")
        reports.put(Transferring(direction, done, total, speed))

    def work() -> None:
        try:
            result.append(call(report))
        except BaseException as error:  # handed to the caller's thread, whatever it is
            fault.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=work, name=f"transfer-{direction}", daemon=True)
    thread.start()
    try:
        while (event := reports.get()) is not None:
            yield event
    finally:
        over.set()
        thread.join(_LEAVE)
    if fault:
        raise fault[0]
    return result[0]
