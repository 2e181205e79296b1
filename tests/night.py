"""What a night of the queue leaves behind: run folders and items, as workers write them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.events import (
    Blocked,
    Event,
    Failed,
    Output,
    Planned,
    Progress,
    Submitted,
    Succeeded,
    Used,
    to_json,
)
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Claim, Lane
from cosmos_workflow.runs.queue import Queue, State, Wish

PROMPT = PromptSpec.made(name="street", prompt="a wet street")
HOSTILE = "<script>alert('x')</script>\x1b[31m & \u202e\"夜"

CONFIG = """
[targets.box]
host = "gpu.invalid"
slots = 2
price_per_hour = 3.0

[targets.bare]
host = "bare.invalid"
"""


def spec(name: str, seed: int, engine: str = "transfer25") -> RunSpec:
    return RunSpec.create(
        name=name, prompt_spec_id=PROMPT.id, prompt_spec_path="x.json", engine=engine,
        parameters={"seed": seed},
    )  # fmt: skip


@dataclass(frozen=True)
class Night:
    """A project's folder of outputs."""

    outputs: Path

    @property
    def queue(self) -> Queue:
        return Queue(self.outputs / ".queue" / "queue.sqlite")

    def folder(self, run: RunSpec, mates: Sequence[str] = (), attempt: int = 1) -> Path:
        """A run's folder, as it is when it was just made."""
        run_id = f"{run.id}.{attempt}"
        folder = self.outputs / run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(run.model_dump_json(), encoding="utf-8")
        outputs = {mate: ["outputs/*.mp4"] for mate in mates or [run_id]}
        (folder / "job.json").write_text(json.dumps({"outputs": outputs}), encoding="utf-8")
        return folder

    def tell(self, folder: Path, event: Event, at: float) -> None:
        """Something happens to a run."""
        with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_json(event, at)) + "\n")

    def began(self, folder: Path, target: str, at: float) -> None:
        self.tell(folder, Planned(folder.name, "transfer25", target), at)
        self.tell(folder, Submitted({"target": target, "job": "j", "ref": "1"}), at)

    def ended(
        self, run: RunSpec, slot: str, since: float, until: float, last: Event | None = None,
        price: float = 3.0, attempt: int = 1,
    ) -> str:  # fmt: skip
        """A run from its beginning to its end; a success if ``last`` is not given."""
        folder = self.folder(run, attempt=attempt)
        self.began(folder, slot.partition(":")[0], since)
        self.tell(folder, Used(slot, since, until, 1, price), until)
        good = Succeeded((Output("a.mp4", 5, "ab", seconds=5.0),))
        self.tell(folder, last or good, until + 1)
        return folder.name

    def add(self, runs: Sequence[RunSpec], label: str = "", target: str = "box") -> list[int]:
        wishes = [
            Wish(run.id, "x.json", run.name, run.engine, "key", 8, (target,), label=label)
            for run in runs
        ]
        return self.queue.add(wishes)[0]

    def claimed(self, slot: int, worker: str, count: int, ends: float = 0.0) -> Claim:
        """Items that a worker runs: their folders are made, their job is submitted."""
        claim = claims.claim(self.queue, Lane(worker, "box", slot, 1), lambda g, b: (0, count))
        assert claim
        runs = {item.id: f"{item.spec}.1" for item in claim.items}
        begun = claims.begin(self.queue, claim, runs, ends)
        assert begun
        return begun


def a_night(outputs: Path, now: float | None = None) -> Night:
    """Four runs that ended in the last hour, one of them failed, one blocked; one more waits."""
    now = now or time.time()
    night = Night(outputs)
    runs = [spec(HOSTILE if n == 0 else f"take {n}", n) for n in range(5)]
    items = night.add(runs, "evening")
    ends: list[Event | None] = [
        None, None, Failed("engine", f"{HOSTILE}\nmore"), Blocked("prompt", "text", "not this"),
    ]  # fmt: skip
    states = [State.DONE, State.DONE, State.FAILED, State.BLOCKED]
    for n, (run, last) in enumerate(zip(runs, ends, strict=False)):
        begin = now - 3600 + n * 600
        slot, price = ("bare", 0.0) if n == 1 else ("box:0", 3.0)
        made = night.ended(run, slot, begin, begin + 300, last, price)
        message = getattr(last, "message", "")
        claims.settle(night.queue, items[n], states[n], made, getattr(last, "cause", ""), message)
    return night


def progress(night: Night, folder: Path, fraction: float) -> None:
    night.tell(folder, Progress("sampling", fraction), time.time())
