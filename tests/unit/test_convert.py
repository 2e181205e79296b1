"""A run for one engine becomes a run for another, and nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.convert import Converted, convert
from cosmos_workflow.engines.engine import Limit
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.upscale import Upscale
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from tests.engine_samples import prompt_spec, run_spec


class Narrow(Preview):
    """An engine with tight limits."""

    name: ClassVar[str] = "narrow"
    modalities: ClassVar[tuple[Modality, ...]] = (Modality.EDGE,)
    max_weight: ClassVar[float | None] = 0.5
    limits: ClassVar[Mapping[str, Limit]] = {
        "guidance": Limit(3.0, 0, 7, whole=True),
        "num_steps": Limit(50, 1, 100),
    }


class Wide(Preview):
    """An engine that counts noise on another scale."""

    name: ClassVar[str] = "wide"
    limits: ClassVar[Mapping[str, Limit]] = {**Preview.limits, "sigma_max": Limit(None, 0, 200)}


def test_what_the_other_engine_cannot_do_is_named() -> None:
    prompt = prompt_spec("words", controls=["depth", "edge"])
    run = run_spec("transfer1", prompt, weights={"edge": 0.8, "depth": 0.2},
        parameters={"guidance": 8.5, "seed": 7}, options={"offload_guardrail_models": False},
    )  # fmt: skip
    run = settle(Transfer1(), run, prompt)
    made = convert(run, prompt, Transfer1(), Narrow())
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
    made = convert(run, prompt, Transfer1(), Narrow())
    assert made.changes == () or {change.what for change in made.changes} == {"weight of edge"}
    assert settle(Narrow(), made.run, prompt).parameters.num_steps == 50


def test_what_both_know_is_carried_over() -> None:
    prompt = prompt_spec("words", controls=["edge", "depth"])
    run = run_spec("preview", prompt, weights={"edge": 0.3},
        parameters={"seed": 9, "guidance": 4.5, "canny_threshold": "high"},
    )  # fmt: skip
    made = convert(settle(Preview(), run, prompt), prompt, Preview(), Transfer1())
    assert made.changes == ()
    values = made.run.parameters.model_dump(exclude_none=True)
    assert values == {"seed": 9, "guidance": 4.5, "canny_threshold": "high"}
    assert settle(Transfer1(), made.run, prompt).control_weights == {Modality.EDGE: 0.3}


def test_weight_maps_go_only_where_they_are_read() -> None:
    prompt = prompt_spec("words", controls=["edge"])
    run = run_spec("transfer1", prompt, weights={"edge": "maps/edge.pt"})
    made = convert(run, prompt, Transfer1(), Preview())
    assert [(one.asked, one.becomes) for one in made.changes] == [("maps/edge.pt", 1.0)]
    assert convert(run, prompt, Transfer1(), Upscale()).run.control_weights == {}


def said(made: Converted) -> dict[str, tuple[Any, Any]]:
    return {change.what: (change.asked, change.becomes) for change in made.changes}


def test_equal_shares_are_no_wish_and_become_other_shares() -> None:
    prompt = prompt_spec("words", controls=["depth", "edge"])
    run = settle(Transfer1(), run_spec("transfer1", prompt), prompt)
    made = convert(run, prompt, Transfer1(), Wide())
    assert made.run.control_weights == {} and made.changes == ()
    made = convert(run, prompt, Transfer1(), Narrow())
    assert said(made) == {"weight of depth": (0.5, None), "weight of edge": (0.5, 1.0)}
    back = settle(Narrow(), run_spec("narrow", prompt), prompt)
    assert said(convert(back, prompt, Narrow(), Transfer1()))["weight of depth"] == (None, 0.5)


def test_when_no_weight_is_left_the_other_controls_share_and_it_is_said() -> None:
    prompt = prompt_spec("words", controls=["depth", "edge"])
    run = run_spec("transfer1", prompt, weights={"depth": 0.8})
    made = convert(run, prompt, Transfer1(), Narrow())
    assert said(made) == {"weight of depth": (0.8, None), "weight of edge": (None, 1.0)}
    run = run_spec("transfer1", prompt, weights={"depth": 0.8, "edge": 0.0})
    made = convert(run, prompt, Transfer1(), Narrow())
    assert said(made) == {"weight of depth": (0.8, None)}
    assert made.run.control_weights == {Modality.EDGE: 0.0}
    run = run_spec("transfer1", prompt, weights={"depth": 0.0, "edge": 0.4})
    assert convert(run, prompt, Transfer1(), Narrow()).changes == ()


def test_what_the_shot_said_is_no_wish() -> None:
    prompt = prompt_spec("words", controls=["edge"])
    run = run_spec("preview", prompt, parameters={"fps": 30, "seed": 4})
    assert "fps" in said(convert(run, prompt, Preview(), Narrow()))
    assert "fps" not in said(convert(run, prompt, Preview(), Narrow(), {"fps": 30}))
    made = convert(run, prompt, Preview(), Transfer1(), {"fps": 25})
    assert made.run.parameters.fps == 30


def test_a_number_that_means_another_thing_is_named() -> None:
    prompt = prompt_spec("words", controls=["edge"])
    run = run_spec("transfer1", prompt, parameters={"sigma_max": 60.0})
    (change,) = convert(run, prompt, Transfer1(), Wide()).changes
    assert (change.asked, change.becomes) == (60.0, 60.0) and "of 80 in transfer1" in change.why
    assert convert(run, prompt, Transfer1(), Preview()).changes == ()


def with_weights(engine: str, *auto: str, **weights: float) -> tuple[RunSpec, PromptSpec]:
    """A settled run whose prompt has an input video and a depth pass."""
    source = ENGINES.load(engine)()
    prompt = prompt_spec("words", controls=["depth"])
    options = {"auto": list(auto)} if auto else {}
    run = run_spec(engine, prompt, weights=weights, options=options)
    return settle(source, run, prompt), prompt


MADE_THERE = [
    ("vllm_omni", (), "transfer25", ["vis"]),
    ("vllm_omni", (), "cosmos3", ["vis"]),
    ("preview", (), "transfer1", ["vis"]),
    ("transfer1", ("vis",), "transfer25", []),
    ("transfer1", ("vis",), "vllm_omni", []),
    ("transfer25", ("vis",), "preview", []),
]


@pytest.mark.parametrize(("name", "auto", "other", "named"), MADE_THERE)
def test_a_control_that_was_made_is_made_by_the_other_engine(
    name: str, auto: tuple[str, ...], other: str, named: list[str]
) -> None:
    run, prompt = with_weights(name, *auto, vis=0.6, depth=0.4)
    engine = ENGINES.load(other)()
    made = convert(run, prompt, ENGINES.load(name)(), engine)
    settled = settle(engine, made.run, prompt)
    assert settled.control_weights == {"vis": 0.6, "depth": 0.4}
    assert settled.options.get("auto", ["vis"]) in (["vis"], ("vis",))
    assert [one.becomes for one in made.changes if one.what == "option auto"] == named


def test_a_control_that_cannot_be_made_is_left_out_and_named() -> None:
    run, prompt = with_weights("transfer1", "seg", segmentation=0.6, depth=0.4)
    made = convert(run, prompt, Transfer1(), ENGINES.load("cosmos3")())
    assert said(made)["weight of segmentation"] == (0.6, None)
    assert settle(ENGINES.load("cosmos3")(), made.run, prompt).control_weights == {"depth": 0.4}


def test_a_pass_that_was_not_to_be_used_is_named() -> None:
    run, prompt = with_weights("transfer1", "depth", depth=0.4)
    for other in ("vllm_omni", "cosmos3"):
        made = convert(run, prompt, Transfer1(), ENGINES.load(other)())
        assert said(made)["option auto"] == ("depth", None), other
        assert not made.run.options.get("auto")
    made = convert(run, prompt, Transfer1(), ENGINES.load("transfer25")())
    assert made.run.options["auto"] == ["depth"] and "option auto" not in said(made)


PAIRS = [(one, other) for one in ENGINES.rows for other in ENGINES.rows if one != other]


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_between_any_two_engines_every_wish_is_kept_or_named(name: str, other: str) -> None:
    source, engine = ENGINES.load(name)(), ENGINES.load(other)()
    prompt = prompt_spec("words", controls=["edge", "depth"])
    wishes = {key: wish(key, limit) for key, limit in source.limits.items()}
    takes = [one for one in (Modality.EDGE, Modality.DEPTH) if one in source.modalities]
    weights: dict[str, float | str] = {one: 0.3 for one in takes}
    run = run_spec(name, prompt, weights=weights, parameters=wishes)
    made = convert(run, prompt, source, engine)
    named = {change.what for change in made.changes}
    kept = made.run.parameters.model_dump(mode="json")
    for key, value in wishes.items():
        usual = source.defaults(run).get(key)
        assert kept[key] == value or key in named or value == usual, key
    for modality, weight in weights.items():
        now = made.run.control_weights.get(Modality(modality))
        assert now == weight or f"weight of {modality}" in named
    try:
        settled = settle(engine, made.run, prompt)
    except SpecError as error:
        assert error.message  # it cannot be a run for it at all, and says so
        return
    for key, value in made.run.parameters.model_dump(mode="json", exclude_none=True).items():
        assert settled.parameters.model_dump(mode="json")[key] == value, key


def wish(name: str, limit: Limit) -> Any:
    """Something that is allowed and not the default."""
    if limit.choices:
        return next(choice for choice in limit.choices if choice != limit.default)
    high = limit.high if limit.high is not None else 100
    near = high - 1 if high - 1 != limit.default else high - 2
    return int(near) if name in ("seed", "num_steps", "fps") else float(near)
