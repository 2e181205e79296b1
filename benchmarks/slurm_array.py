"""A thousand array tasks of no work: our time over that of a bare sbatch.  Not yet in the table:
``row`` wants the two ways to do it, on a cluster of the lab."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.table import Row, in_turn

TASKS, ROUNDS, GOAL = 1_000, 3, 1.2


def row(ours: Callable[[], object], bare: Callable[[], object]) -> Row:
    """``ours`` submits TASKS through the product and waits for the last; ``bare`` by sbatch."""
    took, least = in_turn([ours, bare], ROUNDS)
    return Row(
        f"Slurm: {TASKS:,} array tasks of no work, over bare sbatch", f"{took / least:.2f}",
        f"{GOAL} or less", took / least <= GOAL, f"{took:.1f} s; sbatch alone {least:.1f} s",
    )  # fmt: skip
