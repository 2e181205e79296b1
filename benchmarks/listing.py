"""``cosmos list`` and ``cosmos show`` in a project with ten thousand runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from project import Project

from benchmarks.lab import compile_all
from benchmarks.table import Row, in_turn, timed
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.events import (
    Event,
    Failed,
    JobEnded,
    Output,
    Staged,
    Submitted,
    Succeeded,
    Used,
)
from cosmos_workflow.execution.job import CommandJob, Input
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.store import Store

RUNS = 10_000
ATTEMPTS = 4
"""Runs of one RunSpec."""

ROUNDS = 7
GOAL_S = 0.3
REPORT_GOAL_S = 2.0


def measure() -> Iterator[Row]:
    """Whole commands; the index of runs is built by the first one."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        project = Project(Path(name))
        run = _fill(project)
        cold = timed(lambda: project.cosmos("list", "runs"))
        for what, seconds in zip(
            ("list runs", "list runs --status failed", f"show {run}", f"show {run[3:9]}"),
            in_turn(
                [
                    lambda: project.cosmos("list", "runs"),
                    lambda: project.cosmos("list", "runs", "--status", "failed"),
                    lambda: project.cosmos("show", run),
                    lambda: project.cosmos("show", run[3:9]),
                ],
                ROUNDS,
            ),
            strict=True,
        ):
            yield Row(
                f"cosmos {what}, {RUNS:,} runs", f"{seconds:.2f} s", f"{GOAL_S} s or less",
                seconds <= GOAL_S,
            )  # fmt: skip
        report = ("report", "--since", "all", "--html", str(project.root / "night.html"))
        (seconds,) = in_turn([lambda: project.cosmos(*report)], ROUNDS)
        yield Row(
            f"cosmos report --since all --html, {RUNS:,} runs", f"{seconds:.2f} s",
            f"{REPORT_GOAL_S} s or less", seconds <= REPORT_GOAL_S,
        )  # fmt: skip
        yield Row("  the first list, which builds the index", f"{cold:.2f} s")


def _fill(project: Project) -> str:
    """Ten thousand runs, as the real store makes them; the id of one of them."""
    settings = Settings(root=project.root)
    prompt = PromptSpec.create("street", "a wet street at night", settings=settings)
    path = prompt.save(settings=settings)
    outputs = settings.outputs_dir
    outputs.mkdir()
    last = ""
    for seed in range(RUNS // ATTEMPTS):
        spec = RunSpec.create(
            name=f"street {seed}", prompt_spec_id=prompt.id, engine="transfer1",
            prompt_spec_path=str(path), parameters={"seed": seed},
            control_weights={"depth": 0.4, "edge": 0.6},
        )  # fmt: skip
        spec.save(settings=settings)
        # A store of its own: making a run looks at all runs there are.
        store = Store(project.root / "aside")
        for attempt in range(ATTEMPTS):
            folder = store.create(spec, prompt, _job, "remote")
            for event in _life(well=(seed + attempt) % 5 != 0):
                folder.record(event)
            last = folder.id
        for each in store.folders():
            each.path.rename(outputs / each.id)
    store.root.rmdir()
    return last


def _job(run_id: str, name: str) -> CommandJob:
    inputs = tuple(
        Input(key, f"{key}.mp4", Path(f"/shots/street/{key}.mp4"), "0" * 64, 2_000_000)
        for key in ("color", "depth", "edge")
    )
    argv = ("bash", "inference.sh", "--controlnet_specs", "spec.json")
    return CommandJob(name, "transfer1", argv, {run_id: ("outputs/*.mp4",)}, inputs=inputs)


def _life(*, well: bool) -> Iterator[Event]:
    yield Staged(6_000_000, 6_000_000, 1.5)
    yield Submitted({"target": "remote", "job": "x", "ref": "0" * 64})
    yield JobEnded(0 if well else 1, "exited")
    begun = time.time() - 10
    yield Used(f"remote:{int(begun) % 4}", begun, begun + 9, 1, 2.5)
    if well:
        yield Succeeded((Output("street.mp4", 2_000_000, "0" * 64, seconds=5.0),))
    else:
        yield Failed("out_of_memory", "CUDA out of memory", "add --option offload_text=true")
