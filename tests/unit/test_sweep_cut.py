"""What many runs take, and how many of them are kept: by money, by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.config.settings import Settings, TargetSettings
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import ConfigError, SpecError
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.target import Target
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.store import Store
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.plan_estimate import Estimate
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.sweep_cut import by_budget, by_clock, ends, moment
from cosmos_workflow.workflows.sweep_estimate import estimates
from tests.engine_samples import prompt_spec, run_spec

NOON = datetime(2026, 1, 31, 12, 0)
HOUR = Estimate(3600.0, "x", 1, 2.0)


def test_a_budget_keeps_what_it_pays_for() -> None:
    cut = by_budget([HOUR] * 50, 40, "[remote]")
    assert cut.kept == 20
    assert cut.left_out == ("30 by --budget 40: all 50 would cost about 100.00",)
    assert by_budget([HOUR] * 3, 6, "[remote]").left_out == ()
    tenths = [replace(HOUR, price_per_hour=0.1)] * 3  # 0.1 + 0.1 + 0.1 > 0.3 for a computer
    assert by_budget(tenths, 0.3, "[remote]").kept == 3


@pytest.mark.parametrize(
    ("one", "budget", "expected"),
    [
        (replace(HOUR, price_per_hour=0.0), 9, "price_per_hour in [targets.lab]"),
        (replace(HOUR, gpu_seconds=None, origin="why"), 9, "how long these runs take: why"),
        (HOUR, 1, "pays for none of them: the first costs about 2.00"),
        (HOUR, -1, "pays for none"),
        (HOUR, float("nan"), "pays for none"),
    ],
)  # fmt: skip
def test_a_budget_that_cannot_be_kept(one: Estimate, budget: float, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        by_budget([HOUR, one] if one != HOUR else [one], budget, "[targets.lab]")
    assert expected in f"{caught.value.message}\n{caught.value.hint}"


def test_the_clock_keeps_what_is_done_by_then() -> None:
    cut = by_clock([HOUR] * 30, NOON + timedelta(hours=19.5), NOON, 1)
    assert cut.kept == 19 and cut.left_out == ("11 by --until 07:30",)
    assert by_clock([HOUR] * 30, NOON + timedelta(hours=19.5), NOON, 2).kept == 30
    assert by_clock([HOUR], NOON + timedelta(hours=1), NOON, 1).kept == 1
    with pytest.raises(SpecError, match="not one of them"):
        by_clock([HOUR], NOON + timedelta(minutes=59), NOON, 1)
    with pytest.raises(SpecError, match="nobody knows"):
        by_clock([replace(HOUR, gpu_seconds=None)], NOON, NOON, 1)
    two_gpus = replace(HOUR, gpus=2)
    assert by_clock([two_gpus] * 9, NOON + timedelta(hours=2), NOON, 1).kept == 4


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(1, 9))
def test_slots_are_never_idle_and_never_too_many(seconds: list[int], slots: int) -> None:
    found = ends(seconds, slots)
    spans = [(end - one, end) for one, end in zip(seconds, found, strict=True)]
    for begin, _ in spans:
        assert sum(one <= begin < end for one, end in spans) <= slots or begin == 0
    assert max(found) <= sum(seconds) / min(slots, len(seconds)) + max(seconds) + 1e-6
    assert max(found) >= max(seconds) - 1e-6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13:30", "2026-01-31 13:30"), ("07:30", "2026-02-01 07:30"), ("7:30", "2026-02-01 07:30"),
        ("12:00", "2026-02-01 12:00"), (" 23:59 ", "2026-01-31 23:59"),
    ],
)  # fmt: skip
def test_a_time_of_day_is_the_next_one(text: str, expected: str) -> None:
    assert f"{moment(text, NOON):%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize("text", ["24:00", "7", "07:60", "", "7.30", "noon", "-1:00", "07:30:00"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(SpecError, match="is not a time of day"):
        moment(text, NOON)


# -- estimates ------------------------------------------------------------------------------------


class Counting(Preview):
    """An engine that counts how often it is asked for a plan; ``figure``: seconds a step."""

    name: ClassVar[str] = "preview"
    figure: float | None = None
    plans = 0

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        return

    def seconds(self, request: RunRequest) -> float | None:
        return self.figure and self.figure * (request.run.parameters.num_steps or 0)

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        self.plans += 1
        return CommandJob("j", "preview", ("x",), {}, gpus=1)

    def facts(self, request: RunRequest) -> Sequence[str]:
        return ()


class Place:
    """A target that may refuse."""

    name = "lab"
    refusal = ""

    def check(self, job: object) -> None:
        if self.refusal:
            raise ConfigError(self.refusal)


def bench(tmp_path: Path, engine: Counting, place: Place) -> Bench:
    settings = Settings(root=tmp_path, targets={"lab": TargetSettings(price_per_hour=2.0)})
    return Bench(settings, engine, cast(Target, place), Store(tmp_path / "outputs"))


def many(engine: Counting, **more: Any) -> list[tuple[RunSpec, PromptSpec]]:
    prompt = prompt_spec(video=False)
    runs = [
        run_spec("preview", prompt, parameters={"seed": n, "num_steps": 10 + n % 2, **more})
        for n in range(200)
    ]
    return [(settle(engine, run, prompt), prompt) for run in runs]


def test_two_hundred_runs_of_one_shot_are_planned_once(tmp_path: Path) -> None:
    engine = Counting()
    engine.figure = 3.0
    found = estimates(bench(tmp_path, engine, Place()), many(engine), How())
    assert engine.plans == 1
    assert [one.gpu_seconds for one in found] == [30.0, 33.0] * 100
    engine.figure = None
    found = estimates(bench(tmp_path, engine, Place()), many(engine), How())
    assert engine.plans == 2 and {one.gpu_seconds for one in found} == {None}


def test_a_target_that_would_refuse_stops_no_estimate(tmp_path: Path) -> None:
    place = Place()
    place.refusal = "no such image"
    found = estimates(bench(tmp_path, Counting(), place), many(Counting()), How(gpus=2))
    assert {(one.gpu_seconds, one.origin, one.gpus) for one in found} == {
        (None, "no such image", 2)
    }
