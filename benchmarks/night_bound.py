"""The least time in which any schedule could do a night, so that ours is measured against that.

GPUs that are alike, batch keys that each have a number of runs; a GPU loads a key's model before
its first run of it, and then samples.  Nothing else takes time: no start, no upload, no way home.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, combinations_with_replacement


def least(counts: Sequence[int], gpus: int, load: float, sample: float) -> float:
    """Exact: the smallest T for which some assignment of keys to GPUs can be filled.

    Once it is fixed which keys each GPU loads (loading one twice only loses), a GPU with n of them
    has room for floor((T - n x load) / sample) samples of those keys.  By Hall's theorem the runs
    fit if and only if no set of keys has more runs than the GPUs that load one of them have room.
    All assignments are tried; T can only be n x load + m x sample, so it is found by halving.
    """
    most = sum(counts)
    ends = sorted(
        {n * load + m * sample for n in range(1, len(counts) + 1) for m in range(1, most + 1)}
    )
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        if _fits(counts, gpus, load, sample, ends[middle]):
            high = middle
        else:
            low = middle + 1
    return ends[low]


def _fits(counts: Sequence[int], gpus: int, load: float, sample: float, end: float) -> bool:
    rooms = {
        keys: max(0, int((end - len(keys) * load + 1e-9) / sample)) for keys in _sets(len(counts))
    }
    return any(
        all(
            sum(counts[key] for key in some) <= sum(rooms[keys] for keys in loaded if keys & some)
            for some in rooms
        )
        for loaded in combinations_with_replacement(rooms, gpus)
    )


def _sets(count: int) -> Iterator[frozenset[int]]:
    for size in range(1, count + 1):
        yield from map(frozenset, combinations(range(count), size))
