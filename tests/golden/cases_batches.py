"""Runs that share a job: they differ in all that their engine lets them differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer25 import Transfer25
from tests.engine_samples import prompt_spec, request

ENGINES: Mapping[str, Engine] = {
    one.name: one for one in (Transfer1(), Transfer25(), Cosmos3(), Preview())
}


def batch(name: str) -> list[RunRequest]:
    """Three runs of the engine."""
    engine = ENGINES[name]
    more: list[dict[str, Any]] = [{}, {}, {}]
    if name != "transfer1":
        more = [
            {"parameters": {"seed": 7}},
            {"parameters": {"guidance": 5.0}},
            {"parameters": {"num_steps": 20}},
        ]
    made = []
    for number, other in enumerate(more, 1):
        prompt = prompt_spec(f"street {number}", controls=("depth", "edge"))
        weights = {"depth": 0.25 * number, "edge": 0.5, "vis": 0.0}
        one = request(engine, prompt, weights=weights, **other)
        made.append(replace(one, run_id=f"rs_0000000{number}.1", job_name="rs_00000001.1-0a1b2c"))
    return made
