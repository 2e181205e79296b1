"""Trying again: only what is transient, with growing pauses, and saying so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from typing import TypeVar

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.events import Disconnected, Event

T = TypeVar("T")
E = TypeVar("E", bound=Event)

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between tries of one step; after the last, the error is the caller's."""


def persistently(
    make: Callable[[], Generator[E, None, T]], pauses: tuple[float, ...] = PAUSES
) -> Generator[E | Disconnected, None, T]:
    """The events of ``make()``; after a transient error, those of another ``make()``.

    Returns what the generator returns.  Raises the error when it is not transient, or the last
    try failed too.
    """
    for pause in (*pauses, None):
        try:
            return (yield from make())
        except CosmosError as error:
            if not error.transient or pause is None:
                raise
            pause *= random.uniform(0.8, 1.2)
            yield Disconnected(error.message, round(pause, 1))
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")
