"""A run for one engine becomes a run for another, and nothing is lost in silence."""

from __future__ import annotations

from typing import ClassVar

from cosmos_workflow.engines.convert import convert
from cosmos_workflow.engines.engine import Limit
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.upscale import Upscale
from cosmos_workflow.prompts.enums import Modality
from tests.engine_samples import prompt_spec, run_spec


class Narrow(Preview):
    """An engine with tight limits."""

    name: ClassVar[str] = "narrow"
    modalities: ClassVar[tuple[Modality, ...]] = (Modality.EDGE,)
    max_weight: ClassVar[float | None] = 0.5
    limits: ClassVar[dict[str, Limit]] = {
        "guidance": Limit(3.0, 0, 7, whole=True),
        "num_steps": Limit(50, 1, 100),
    }


def test_what_the_other_engine_cannot_do_is_named() -> None:
    prompt = prompt_spec("words", controls=["depth", "edge"])
    run = run_spec("transfer1", prompt, weights={"edge": 0.8, "depth": 0.2},
        parameters={"guidance": 8.5, "seed": 7}, options={"offload_guardrail_models": False},
    )  # fmt: skip
    run = settle(Transfer1(), run, prompt)
    made = convert(run, Transfer1(), Narrow())
    said = {change.what: (change.asked, change.becomes) for change in made.changes}
    assert said["weight of depth"] == (0.2, None)
    assert said["weight of edge"] == (0.8, 0.5)
    assert said["guidance"] == (8.5, 7)
    assert said["seed"] == (7, None)
    assert said["option offload_guardrail_models"] == (False, None)
    assert len(said) == 5
    assert made.run.control_weights == {Modality.EDGE: 0.5}
    assert made.run.engine == "narrow" and made.run.parent == run.id
    assert made.run.id != run.id


def test_a_default_is_no_wish() -> None:
    prompt = prompt_spec("words", controls=["edge"])
    run = settle(Transfer1(), run_spec("transfer1", prompt), prompt)
    assert run.parameters.num_steps == 35
    made = convert(run, Transfer1(), Narrow())
    assert made.changes == () or {change.what for change in made.changes} == {"weight of edge"}
    assert settle(Narrow(), made.run, prompt).parameters.num_steps == 50


def test_what_both_know_is_carried_over() -> None:
    prompt = prompt_spec("words", controls=["edge", "depth"])
    run = run_spec("preview", prompt, weights={"edge": 0.3},
        parameters={"seed": 9, "guidance": 4.5, "canny_threshold": "high"},
    )  # fmt: skip
    made = convert(settle(Preview(), run, prompt), Preview(), Transfer1())
    assert made.changes == ()
    values = made.run.parameters.model_dump(exclude_none=True)
    assert values == {"seed": 9, "guidance": 4.5, "canny_threshold": "high"}
    assert settle(Transfer1(), made.run, prompt).control_weights == {Modality.EDGE: 0.3}


def test_weight_maps_go_only_where_they_are_read() -> None:
    prompt = prompt_spec("words", controls=["edge"])
    run = run_spec("transfer1", prompt, weights={"edge": "maps/edge.pt"})
    made = convert(run, Transfer1(), Preview())
    assert [(one.asked, one.becomes) for one in made.changes] == [("maps/edge.pt", 1.0)]
    assert convert(run, Transfer1(), Upscale()).run.control_weights == {}
