"""A worker that is killed at any instant loses nothing, and nothing runs twice on a GPU."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from contextlib import suppress

import pytest
from batches import items, right, spec
from project import Project
from scene import FINAL, counted, kill

from cosmos_workflow.runs.queue import State

KILLS = 50


@pytest.mark.timeout(900)
def test_fifty_kills(gpu: Project) -> None:
    chance = random.Random(7)
    words = "[[load=1]][[slow=0.7]]"
    specs = [spec(gpu, f"street {n} {words}", n) for n in range(24)]
    specs += [spec(gpu, f"street {n} {words}", n, "edge=1") for n in range(24)]
    gpu.cosmos("queue", "add", *specs)
    kills = 0
    while kills < KILLS:
        worker = gpu.begin("queue", "work")
        with suppress(subprocess.TimeoutExpired):
            worker.wait(timeout=chance.uniform(0.2, 2.5))
        kill(worker)
        kills += 1
        if all(item.state.over for item in items(gpu).values()):
            specs.append(more := spec(gpu, f"more {kills} {words}", kills))
            gpu.cosmos("queue", "add", more)
    gpu.cosmos("queue", "work", "--idle-stop", "1s")
    runs = [right(gpu, one) for one in specs]
    assert len({run.id for run in runs}) == len(specs)
    begun = Counter[str]()
    for folder in gpu.store.folders():
        kinds = counted(folder)
        assert sum(kinds[kind] for kind in FINAL) == 1, (folder.id, kinds)
        begun[folder.id.partition(".")[0]] += folder.run().used is not None
    assert set(begun.values()) == {1}, "each was worked on once"
    assert {item.state for item in items(gpu).values()} == {State.DONE}
