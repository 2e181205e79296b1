"""Colours for ids: the same id has the same colour in every frame, shot and machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEVELS = (7, 9, 6)
"""Steps of red, green and blue: as fine as 4:2:0 video can show."""

_DARKEST, _PALEST = 100, 160
"""The greatest of red, green, blue is at least the one, the least at most the other."""

_WELL_APART = 80
"""So many of the colours are taken first."""

_TRIES, _MORE_TRIES = 24, 48


@cache
def palette() -> NDArray[np.uint8]:
    """All colours, (n, 3), each as far as can be from those before it.

    None is near black, the background, or near white.  Whole numbers only, so that the order is
    the same on every machine.
    """
    import numpy as np

    axes = [np.linspace(0, 255, count).round().astype(np.int64) for count in _LEVELS]
    colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    kept = (colours.max(axis=1) >= _DARKEST) & (colours.min(axis=1) <= _PALEST)
    colours = colours[kept]
    order = [0]
    nearest = _differ(colours, colours[0])
    while len(order) < len(colours):
        order.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _differ(colours, colours[order[-1]]))
    return np.asarray(colours[order], np.uint8)


def _differ(colours: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """How different people see colours to be: squared, weighted by how red they are."""
    import numpy as np

    red = (colours[:, 0] + other[0]) // 2
    by = (colours - other) ** 2
    seen = (512 + red) * by[:, 0] + 1024 * by[:, 1] + (767 - red) * by[:, 2]
    return np.asarray(seen, np.int64)


def places(ids: NDArray[np.uint32], attempt: int = 0) -> NDArray[np.intp]:
    """The place in the palette of each id: its bits well mixed, so that neighbours differ.

    ``attempt``: others for the same id, when the first is taken.
    """
    import numpy as np

    mixed = ids ^ np.uint32(attempt * 0x9E3779B9 & 0xFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    count = _WELL_APART if attempt < _TRIES else len(palette())
    return np.asarray(mixed % np.uint32(count), np.intp)


def moved(ids: Iterable[int]) -> dict[int, int]:
    """Of ids of one shot that would share a colour, the place that each but the first moves to.

    They are taken in the order of their numbers, so the same set gives the same places always.
    Where there are more ids than colours, those left over stay where they were.
    """
    import numpy as np

    ordered = np.array(sorted(set(ids) - {0}), np.uint32)
    if not ordered.size:
        return {}
    tries = [places(ordered, attempt) for attempt in range(_TRIES + _MORE_TRIES)]
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
