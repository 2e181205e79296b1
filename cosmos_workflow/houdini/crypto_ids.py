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
