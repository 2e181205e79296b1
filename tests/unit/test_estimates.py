"""How long and how dear: the makers' figure, else our own past, else nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from cosmos_workflow.config.settings import Settings, TargetSettings
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.events import Failed, Submitted, Succeeded, to_json
from cosmos_workflow.execution.job import CommandJob, RequestJob
from cosmos_workflow.execution.target import Target
from cosmos_workflow.runs.store import Store
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.plan_estimate import Estimate, estimate
from tests.engine_samples import prompt_spec, request, run_spec


class Words(Preview):
    """An engine that needs no video; ``figure``: what its makers publish."""

    name: ClassVar[str] = "preview"
    figure: float | None = None

    def check(self, run: Any, prompt: Any) -> None:
        return

    def seconds(self, request: RunRequest) -> float | None:
        return self.figure


class Place:
    """A target of which only the name counts here."""

    name = "lab"


def bench(tmp_path: Path, engine: Words, price: float = 0.0) -> Bench:
    lab = TargetSettings(host="lab", price_per_hour=price)
    settings = Settings(root=tmp_path, targets={"lab": lab})
    return Bench(settings, engine, cast(Target, Place()), Store(tmp_path / "outputs"))


def past(bench: Bench, seed: int, seconds: float, target: str, *, gpus: int = 0, ok: bool = True,
         ) -> None:  # fmt: skip
    """A run that took so long on its target."""
    import json

    prompt = prompt_spec(video=False)
    run = run_spec("preview", prompt, parameters={"seed": seed})

    def plan(run_id: str, name: str) -> CommandJob:
        return CommandJob(name, "preview", ("x",), {run_id: ("outputs/o.mp4",)}, gpus=gpus)

    folder = bench.store.create(run, prompt, plan, target)
    end = Succeeded(()) if ok else Failed("engine", "no", "")
    times = [(Submitted({"target": target, "job": "x", "ref": ""}), 1e9), (end, 1e9 + seconds)]
    lines = [json.dumps(to_json(event, at)) + "\n" for event, at in times]
    with folder.events_file.open("a", encoding="utf-8") as file:
        file.writelines(lines)


def asked(engine: Words, **more: Any) -> RunRequest:
    return request(engine, prompt_spec(video=False), **more)


JOB = CommandJob("j", "preview", ("x",), {}, gpus=2)


def test_the_makers_figure_comes_first_and_costs_by_the_gpu(tmp_path: Path) -> None:
    engine = Words()
    engine.figure = 7200.0
    place = bench(tmp_path, engine, price=2.5)
    past(place, 1, 10, "lab")
    found = estimate(place, asked(engine), JOB)
    assert (found.gpu_seconds, found.seconds, found.cost) == (7200.0, 3600.0, 5.0)
    assert "makers" in found.origin


def test_else_the_median_of_past_runs_of_this_target(tmp_path: Path) -> None:
    place = bench(tmp_path, Words())
    for seed, seconds in enumerate((10, 30, 80)):
        past(place, seed, seconds, "lab", gpus=2)
    past(place, 10, 9000, "elsewhere")
    past(place, 11, 9000, "lab", ok=False)
    found = estimate(place, asked(Words()), JOB)
    assert found.gpu_seconds == pytest.approx(60.0) and found.seconds == pytest.approx(30.0)
    assert found.origin == "the median of 3 past runs on lab" and found.cost is None


def test_another_targets_past_is_better_than_none_and_said(tmp_path: Path) -> None:
    place = bench(tmp_path, Words())
    past(place, 1, 12, "elsewhere")
    found = estimate(place, asked(Words()), JOB)
    assert found.origin == "1 past run on elsewhere, not on lab"
    assert found.gpu_seconds == pytest.approx(12.0)


def test_nobody_knows(tmp_path: Path) -> None:
    place = bench(tmp_path, Words(), price=3.0)
    job = RequestJob("j", "preview", "videos", {}, {})
    found = estimate(place, asked(Words()), job)
    assert found == Estimate(None, "no published figure, and no past run of preview here", 1, 3.0)
    values: Mapping[str, Any] = found.to_json()
    assert values["seconds"] is None and values["cost"] is None and values["price_per_hour"] == 3.0


def test_a_run_whose_result_was_moved_away_tells_nothing(tmp_path: Path) -> None:
    place = bench(tmp_path, Words())
    past(place, 1, 12, "lab")
    found = estimate(place, request(Words(), prompt_spec()), JOB)
    assert found.gpu_seconds is None
