"""What engines share whose jobs hold several runs: who may, and inputs that keep apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Input, Job, Place, fill


def check_together(engine: Engine, requests: Sequence[RunRequest], but: str) -> None:
    """Raise SpecError for more than a job holds, or for runs that cannot share one.

    ``but``: in what they may differ, for a person.
    """
    if not 1 <= len(requests) <= engine.max_batch:
        raise SpecError(
            f"{engine.name} takes 1 to {engine.max_batch} runs a job, not {len(requests)}",
            hint="run them one after another",
        )
    keys = {(engine.batch_key(r.run, r.prompt), r.gpus, r.cuda_devices) for r in requests}
    alone = [r.run.id for r in requests if engine.batch_key(r.run, r.prompt) == r.run.id]
    if len(requests) > 1 and alone:
        raise SpecError(
            f"{alone[0]} cannot share a job: {engine.name} takes such a run by itself",
            hint="run them one after another",
        )
    if len(keys) > 1:
        raise SpecError(
            f"these runs cannot share a job: they differ in more than {but}",
            hint="run them one after another",
        )


def numbered(number: int, value: Any) -> Any:
    """``value`` with the inputs in it under the keys that run ``number``, from 0, has for them."""

    def where(place: Place) -> Any:
        return Place("input", key_of(number, place.path)) if place.root == "input" else place

    return fill(value, where)


def spec_name(number: int, of: int, run_id: str) -> str:
    """The file of run ``number``, from 0: a model that finds a fault in it names the file, and one
    that sorts its files takes them in our order."""
    return f"{number + 1:02}_{run_id}.json" if of > 1 else "spec.json"


def key_of(number: int, key: str) -> str:
    """An input's key in a job of several runs."""
    return f"{number + 1}_{key}"


def inputs_of(job: Job, run_id: str) -> Mapping[str, Input]:
    """The inputs of one run of a job, by the keys that they have when it runs alone."""
    runs = list(job.outputs)
    if len(runs) < 2:
        return {item.key: item for item in job.inputs}
    own = key_of(runs.index(run_id), "")
    return {item.key.removeprefix(own): item for item in job.inputs if item.key.startswith(own)}
