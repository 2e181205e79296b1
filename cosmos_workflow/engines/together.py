"""What engines share whose jobs hold several runs: who may, and inputs that keep apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Place, fill


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


def key_of(number: int, key: str) -> str:
    """An input's key in a job of several runs."""
    return f"{number + 1}_{key}"
