"""Which object a pixel shows: of a cryptomatte's ranks, or of a pass of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rank = tuple[NDArray[np.float32], NDArray[np.floating[Any]]]
    """Ids, whose bits count, and the share of each pixel that they cover."""

_SURE = 0.5
"""A share that no other can exceed."""

_MOST = 2.0**32
_ALL = 0xFFFFFFFF


def strongest(ranks: Sequence[Rank]) -> NDArray[np.uint32]:
    """The id that covers most of each pixel, (H, W); 0 where the background does.

    Ranks come in the order of their shares; only pixels on outlines need a look at all of them.
    """
    import numpy as np

    ids, share = ranks[0]
    sure = share >= _SURE
    won = np.where(sure, ids.view(np.uint32), np.uint32(0))
    torn = np.nonzero((share > 0) & ~sure)
    if torn[0].size:
        won[torn] = _torn([(i[torn].view(np.uint32), s[torn]) for i, s in ranks])
    return won


def _torn(ranks: Sequence[tuple[NDArray[np.uint32], NDArray[Any]]]) -> NDArray[np.uint32]:
    """The same for pixels that several objects share; what is left over is background."""
    import numpy as np

    shares = np.nan_to_num(np.stack([share for _, share in ranks]).astype(np.float32))
    ids = np.stack([one for one, _ in ranks])
    most = shares.argmax(axis=0)
    columns = np.arange(most.size)
    left = 1 - shares.sum(axis=0)
    return np.where(shares[most, columns] >= left, ids[most, columns], np.uint32(0))


def whole_numbers(values: NDArray[Any]) -> NDArray[np.uint32]:
    """Ids that a renderer wrote as numbers, (H, W); 0 for those below and for what is none."""
    import numpy as np

    if values.dtype.kind == "u":
        return np.asarray(values, np.uint32)
    with np.errstate(invalid="ignore"):
        rounded = np.rint(values.astype(np.float32))
        rounded *= (rounded > 0) & (rounded < _MOST)
    return np.nan_to_num(rounded, copy=False).astype(np.uint32)


def runs(ids: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Equal neighbours, row after row, taken together: their ids and how many they are.

    Objects are areas, so there are far fewer of these than pixels.
    """
    import numpy as np

    flat = np.ascontiguousarray(ids).reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    return flat[starts], np.diff(starts, append=flat.size)


def id_of(name: str) -> int:
    """The id that renderers give an object of this name: MurmurHash3, kept a finite float."""
    number = _murmur(name.encode("utf-8"))
    exponent = number >> 23 & 0xFF
    return number ^ 1 << 23 if exponent in (0, 0xFF) else number


def _murmur(data: bytes) -> int:
    """MurmurHash3 in 32 bits, seed 0."""
    state, whole = 0, len(data) & ~3
    for at in range(0, whole, 4):
        state ^= _scrambled(int.from_bytes(data[at : at + 4], "little"))
        state = (state << 13 | state >> 19) & _ALL
        state = (state * 5 + 0xE6546B64) & _ALL
    state ^= _scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & _ALL
    state = (state ^ state >> 13) * 0xC2B2AE35 & _ALL
    return state ^ state >> 16


def _scrambled(word: int) -> int:
    word = word * 0xCC9E2D51 & _ALL
    word = (word << 15 | word >> 17) & _ALL
    return word * 0x1B873593 & _ALL
