"""``cosmos status`` at 100 ms round trip, against logging in alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from benchmarks.lab import line_and_engine
from benchmarks.table import Row, in_turn

ROUNDS = 7
GOAL_S = 1.3


def measure() -> Iterator[Row]:
    """Best of alternating calls, each a new process with a new connection."""
    with line_and_engine() as lab:
        login = [*lab.ssh, lab.server.host, "true"]
        ours, alone = in_turn(
            [lambda: lab.cosmos("status"), lambda: subprocess.run(login, check=True)], ROUNDS
        )
        yield Row(
            "cosmos status at 100 ms round trip", f"{ours:.2f} s", f"{GOAL_S} s or less",
            ours <= GOAL_S, f"4.7 s, the public predecessor; ssh true {alone:.2f} s",
        )  # fmt: skip
