"""A call that reports by callback, as a generator of events: it runs beside, we yield."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Literal, TypeVar

from cosmos_workflow.connection.host import Report
from cosmos_workflow.events import Transferring

T = TypeVar("T")


def narrate(
    direction: Literal["up", "down"], call: Callable[[Report], T]
) -> Generator[Transferring, None, T]:
    """Run ``call(report)`` in a thread; yield a Transferring for each report; return its result.

    What the call raises is raised here.
    """
    reports: queue.SimpleQueue[Transferring | None] = queue.SimpleQueue()
    result: list[T] = []
    fault: list[BaseException] = []

    def work() -> None:
        try:
            result.append(
                call(lambda done, total, speed: reports.put(
                    Transferring(direction, done, total, speed)
                ))
            )  # fmt: skip
        except BaseException as error:  # handed to the caller's thread, whatever it is
            fault.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=work, name=f"transfer-{direction}", daemon=True)
    thread.start()
    while (event := reports.get()) is not None:
        yield event
    thread.join()
    if fault:
        raise fault[0]
    return result[0]
