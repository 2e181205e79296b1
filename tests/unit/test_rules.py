"""The rules that all engines share, with an engine that has some of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from pydantic import Field

from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Limit, Options, RunRequest
from cosmos_workflow.engines.rules import read_options, settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.run_spec import RunSpec
from tests.engine_samples import prompt_spec, run_spec


class KnobOptions(Options):
    fast: bool = Field(False, description="fewer steps")
    tries: int = Field(1, ge=1, le=9, description="how often")
    share: float = Field(0.5, description="how much")
    word: str = Field("", description="anything")
    names: tuple[str, ...] = Field((), description="several")


class Knobs(CommandEngine):
    name = "knobs"
    summary = "one of everything"
    Options: ClassVar[type[Options]] = KnobOptions
    weight_maps = True
    modalities: ClassVar[tuple[Modality, ...]] = (Modality.DEPTH, Modality.SEGMENTATION)
    limits: ClassVar[Mapping[str, Limit]] = {
        "seed": Limit(1, 0, 100),
        "num_steps": Limit(20, 1, 50),
        "guidance": Limit(7.0, 0.0),
        "blur_strength": Limit("medium", choices=("low", "medium")),
    }

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        return {**super().defaults(run), "num_steps": 4 if run.options.get("fast") else 20}

    def plan(self, request: RunRequest) -> CommandJob:
        raise AssertionError("settling a run plans nothing")


ENGINE = Knobs()
PROMPT = prompt_spec(controls=["depth", "seg", "edge"])


def settled(**kwargs: Any) -> RunSpec:
    return settle(ENGINE, run_spec("knobs", PROMPT, **kwargs), PROMPT)


def refused(**kwargs: Any) -> SpecError:
    with pytest.raises(SpecError) as error:
        settled(**kwargs)
    return error.value


def test_defaults_are_filled_in() -> None:
    run = settled()
    assert run.parameters.model_dump(exclude_none=True) == {
        "seed": 1,
        "num_steps": 20,
        "guidance": 7.0,
        "blur_strength": "medium",
    }
    assert run.id == run.with_id().id


def test_defaults_may_depend_on_an_option_given_as_text() -> None:
    assert settled(options={"fast": "true"}).parameters.num_steps == 4
    given = settled(options={"fast": "true"}, parameters={"num_steps": 9})
    assert given.parameters.num_steps == 9


def test_the_same_run_has_the_same_id_whether_defaults_were_said_or_not() -> None:
    assert settled().id == settled(parameters={"seed": 1, "guidance": 7.0}).id
    assert settled().id != settled(parameters={"seed": 2}).id


def test_controls_share_one_when_nothing_is_said() -> None:
    assert settled().control_weights == {Modality.DEPTH: 0.5, Modality.SEGMENTATION: 0.5}


def test_an_int_is_a_number_too() -> None:
    assert settled(parameters={"guidance": 7}).parameters.guidance == 7.0


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("yes", True), ("0", False), (True, True)],
)
def test_booleans_from_text(text: object, value: bool) -> None:
    assert settled(options={"fast": text}).options == {"fast": value}


def test_options_from_text() -> None:
    options = {"tries": "3", "share": "0.25", "word": "true", "names": '["a", "b,c"]'}
    assert settled(options=options).options == {
        "tries": 3,
        "share": 0.25,
        "word": "true",
        "names": ["a", "b,c"],
    }
    assert settled(options={"names": "a, b"}).options == {"names": ["a", "b"]}


def test_options_not_given_stay_out() -> None:
    assert settled().options == {}
    assert settled(options={"fast": "false"}).options == {"fast": False}


def test_unknown_option() -> None:
    error = refused(options={"fats": "1"})
    assert "--option fats" in error.message
    assert "did you mean 'fast'?" in error.hint
    assert "fast, tries, share, word, names" in error.hint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tries": "ten"}, "--option tries=ten"),
        ({"tries": "12"}, "less than or equal to 9"),
        ({"share": "nan"}, "finite"),
        ({"fast": "perhaps"}, "--option fast=perhaps"),
        ({"names": '["a"'}, "not JSON"),
    ],
)
def test_wrong_options(options: dict[str, Any], said: str) -> None:
    error = refused(options=options)
    assert said in error.message
    assert error.hint


def test_out_of_range() -> None:
    error = refused(parameters={"num_steps": 51})
    assert error.message == "--steps 51 is out of range"
    assert error.hint == "knobs takes 1 to 50"
    assert refused(parameters={"guidance": -0.1}).hint == "knobs takes 0 or more"


def test_no_such_choice() -> None:
    error = refused(parameters={"blur_strength": "very_low"})
    assert "--blur-strength very_low" in error.message
    assert "low, medium" in error.hint


def test_no_such_parameter() -> None:
    error = refused(parameters={"sigma_max": 70.0})
    assert error.message == "--sigma-max 70.0: the engine knobs has no sigma_max"
    assert error.hint == "knobs has --seed, --steps, --guidance, --blur-strength"


def test_no_such_control() -> None:
    error = refused(weights={"edge": 0.5})
    assert "takes no edge control" in error.message
    assert "depth, segmentation" in error.hint


@pytest.mark.parametrize("weight", [1.5, -0.1])
def test_weight_out_of_range(weight: float) -> None:
    error = refused(weights={"depth": weight})
    assert f"--weight depth={weight}" in error.message
    assert "0 to 1" in error.hint


def test_a_weight_in_words_is_a_map_or_nothing() -> None:
    assert settled(weights={"depth": "maps/d.pt"}).control_weights == {Modality.DEPTH: "maps/d.pt"}
    assert "maps/d.png" in refused(weights={"depth": "maps/d.png"}).message


def test_read_options_gives_the_model() -> None:
    options = read_options(ENGINE, {"tries": "2"})
    assert isinstance(options, KnobOptions)
    assert (options.tries, options.fast) == (2, False)


def test_a_stored_number_like_a_text_is_settled_once() -> None:
    once = settled(options={"tries": "3", "names": "a,b"})
    assert settle(ENGINE, once, PROMPT) == once
