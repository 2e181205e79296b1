"""Colours for ids: the same id has the same colour in every frame, shot and machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEVELS = (7, 9, 6)
"""Steps of red, green and blue: as fine as the eye and 4:2:0 video keep them apart."""

_DARKEST = 96
_TRIES = 48


@cache
def palette() -> NDArray[np.uint8]:
    """All colours, (n, 3): none near black, which is the background."""
    import numpy as np

    axes = [np.linspace(0, 255, count).round().astype(np.uint8) for count in _LEVELS]
    colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(colours[colours.max(axis=1) >= _DARKEST], np.uint8)


def places(ids: NDArray[np.uint32], attempt: int = 0) -> NDArray[np.intp]:
    """The place in the palette of each id: its bits well mixed, so that neighbours differ."""
    import numpy as np

    mixed = ids ^ np.uint32(attempt * 0x9E3779B9 & 0xFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return np.asarray(mixed % np.uint32(len(palette())), np.intp)


def moved(ids: Iterable[int]) -> dict[int, int]:
    """Of ids of one shot that would share a colour, the place that each but the first moves to.

    They are taken in the order of their numbers, so the same set gives the same places always.
    Where there are more ids than colours, those left over stay where they were.
    """
    import numpy as np

    ordered = np.array(sorted(set(ids) - {0}), np.uint32)
    if not ordered.size:
        return {}
    tries = [places(ordered, attempt) for attempt in range(_TRIES)]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for row, number in enumerate(ordered):
        if len(taken) == len(palette()):
            break
        place = next((int(one[row]) for one in tries if int(one[row]) not in taken), None)
        if place is None:
            continue
        taken.add(place)
        if place != tries[0][row]:
            found[int(number)] = place
    return found
