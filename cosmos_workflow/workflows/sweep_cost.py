"""What a sweep would take and cost, and how much of it fits a budget or a time of day."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.store import Member
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.plan_estimate import Estimate, estimate
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.sweep import Drafted

MOST_PLANS = 25
"""Different runs that are planned for an estimate; of more, these stand for all."""


@dataclass(frozen=True)
class Cost:
    """One estimate for each RunSpec, in order, and how many run at once."""

    each: tuple[Estimate, ...]
    slots: int

    @property
    def gpu_seconds(self) -> float | None:
        """Of all together; None when nobody knows."""
        known = [one.gpu_seconds for one in self.each]
        return None if None in known else sum(one or 0.0 for one in known)

    @property
    def cost(self) -> float | None:
        """In the currency of the price; None when that, or the time, is not known."""
        known = [one.cost for one in self.each]
        return None if None in known else sum(one or 0.0 for one in known)

    @property
    def seconds(self) -> float | None:
        """On the clock, on all slots; None when nobody knows."""
        known = [one.seconds for one in self.each]
        return None if None in known else sum(one or 0.0 for one in known) / self.slots


def cost_of(bench: Bench, drafted: Drafted, how: How) -> Cost:
    """Estimates by the engine's figures or past runs; one for all runs that take the same time."""
    known: dict[str, Estimate] = {}
    each = []
    for run in drafted.runs:
        prompt = drafted.prompts[run.prompt_spec_id]
        key = _key(run, prompt)
        if key not in known:
            if len(known) >= MOST_PLANS:
                key = next(iter(known))
            else:
                known[key] = _one(bench, run, prompt, how)
        each.append(known[key])
    return Cost(tuple(each), bench.settings.all_targets()[bench.target.name].slots)


def _key(run: RunSpec, prompt: PromptSpec) -> str:
    """All that the time of a run may depend on: not its seed, its words, its weights."""
    parameters = run.parameters.model_dump(mode="json", include={"num_steps", "fps"})
    used = sorted(str(key) for key, weight in run.control_weights.items() if weight)
    videos = [prompt.input_video_path, sorted(prompt.control_inputs.values())]
    return json.dumps([parameters, run.options, used, videos], sort_keys=True, default=str)


def _one(bench: Bench, run: RunSpec, prompt: PromptSpec, how: How) -> Estimate:
    member = Member(f"{run.id}.1", run, prompt)
    job, requests = line.plan_together(bench, [member], how, member.run_id)
    return estimate(bench, requests[0], job)


def limited(
    drafted: Drafted,
    cost: Cost,
    *,
    limit: int | None = None,
    budget: float | None = None,
    until: datetime | None = None,
) -> tuple[Drafted, Cost, Mapping[str, int]]:
    """The first RunSpecs that fit, and how many each limit leaves out, by its flag.

    Raises SpecError where a limit needs an estimate that nobody can make.
    """
    left: dict[str, int] = {}
    count = len(drafted.runs)
    for flag, fits in (
        ("--limit", limit if limit is not None else count),
        ("--budget", _within(cost, budget)),
        ("--until", _before(cost, until)),
    ):
        if fits < count:
            left[flag] = count - fits
            count = fits
    runs = drafted.runs[:count]
    sweep = drafted.sweep.model_copy(update={"runs": [run.id for run in runs]})
    return replace(drafted, runs=runs, sweep=sweep), replace(cost, each=cost.each[:count]), left


def _within(cost: Cost, budget: float | None) -> int:
    if budget is None:
        return len(cost.each)
    if cost.cost is None:
        one = next(one for one in cost.each if one.cost is None)
        why = one.origin if one.gpu_seconds is None else "the target has no price_per_hour"
        raise SpecError(
            f"--budget {budget:g}: nobody knows what this costs: {why}",
            hint="set price_per_hour of the target; where no time is known, do one run first",
        )
    return _first_above([one.cost or 0.0 for one in cost.each], budget)


def _before(cost: Cost, until: datetime | None) -> int:
    if until is None:
        return len(cost.each)
    if cost.seconds is None:
        why = next(one.origin for one in cost.each if one.seconds is None)
        raise SpecError(
            f"--until: nobody knows how long this takes: {why}", hint="do one of them first"
        )
    room = (until - datetime.now()).total_seconds() * cost.slots
    return _first_above([one.seconds or 0.0 for one in cost.each], room)


def _first_above(amounts: list[float], most: float) -> int:
    total = 0.0
    for number, amount in enumerate(amounts):
        total += amount
        if total > most:
            return number
    return len(amounts)


def moment(text: str, now: datetime | None = None) -> datetime:
    """``07:30``, today or else tomorrow; or ``2026-11-30 07:30``.  Raises SpecError."""
    now = now or datetime.now()
    if re.fullmatch(r"\d{1,2}:\d\d", text.strip()):
        hour, minute = (int(part) for part in text.strip().split(":"))
        if hour < 24 and minute < 60:
            today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SpecError(f"{text!r} is no time of day", hint="like 07:30") from error
