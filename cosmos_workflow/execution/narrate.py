"""A call that reports by callback, as a generator of events: it runs beside, we yield."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Literal, TypeVar, overload

from cosmos_workflow.connection.host import Report
from cosmos_workflow.errors import TransferError
from cosmos_workflow.events import Exchanged, Transferring

T = TypeVar("T")

_LISTEN = 1.0
"""Seconds after which what else there is to tell is told, though nothing moves."""

_LEAVE = 1.0
"""Seconds that a call has to notice that it is to stop; it ends with the process in any case."""


class Stopped(TransferError):
    """Bytes no longer wanted: Ctrl-C."""


@overload
def narrate(
    direction: Literal["up", "down"], call: Callable[[Report], T]
) -> Generator[Transferring, None, T]: ...


@overload
def narrate(
    direction: Literal["up", "down"],
    call: Callable[[Report], T],
    told: Callable[[], Sequence[Exchanged]],
) -> Generator[Transferring | Exchanged, None, T]: ...


def narrate(
    direction: Literal["up", "down"],
    call: Callable[[Report], T],
    told: Callable[[], Sequence[Exchanged]] = tuple,
) -> Generator[Transferring | Exchanged, None, T]:
    """Run ``call(report)`` in a thread; yield a Transferring for each report; return its result.

    ``told`` is asked for what else there is to tell meanwhile: a service may have us wait.
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
        event: Transferring | None
        while True:
            with suppress(queue.Empty):
                event = reports.get(timeout=_LISTEN)
                if event is None:
                    break
                yield event
            yield from told()
    finally:
        over.set()
        thread.join(_LEAVE)
    if fault:
        raise fault[0]
    return result[0]
