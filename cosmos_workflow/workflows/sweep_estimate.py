"""What many runs will take: their videos are looked at once, and the past is asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.errors import CosmosError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.plan_estimate import Estimate, estimate
from cosmos_workflow.workflows.request import How


@dataclass(frozen=True)
class _Look:
    """What was found for the first run of some videos; ``request`` is None where it was in vain."""

    request: RunRequest | None
    estimate: Estimate
    published: bool


def estimates(
    bench: Bench,
    runs: Iterable[tuple[RunSpec, PromptSpec]],
    how: How,
    step: Callable[[int], None] = lambda _: None,
) -> list[Estimate]:
    """One for each settled run.

    Runs of the same videos differ at most by what their engine's own figure says, which is asked
    for each: that opens no file.  Why a time is unknown, its ``origin`` says.
    """
    looks: dict[tuple[object, ...], _Look] = {}
    found = []
    for number, (run, prompt) in enumerate(runs, 1):
        key = (prompt.input_video_path, *sorted(prompt.control_inputs.items()))
        if key not in looks:
            looks[key] = _look(bench, run, prompt, how)
        found.append(_of(bench, looks[key], run, prompt))
        step(number)
    return found


def _look(bench: Bench, run: RunSpec, prompt: PromptSpec, how: How) -> _Look:
    """The plan of the first of them.  One that cannot be made, here or now, stops no sweep."""
    price = bench.settings.all_targets()[bench.target.name].price_per_hour
    try:
        plan = line.plan(bench, run, prompt, how, f"{run.id}.N", f"{run.id}.N")
        found = estimate(bench, plan.request, plan.job)
    except CosmosError as error:
        return _Look(None, Estimate(None, error.message, how.gpus, price), False)
    published = bench.engine.seconds(plan.request) is not None
    return _Look(plan.request, found, published)


def _of(bench: Bench, look: _Look, run: RunSpec, prompt: PromptSpec) -> Estimate:
    if look.request is None or not look.published:
        return look.estimate
    request = replace(look.request, run=run, prompt=prompt)
    return replace(look.estimate, gpu_seconds=bench.engine.seconds(request))
