"""One vocabulary: its tables fit together, and to the engines that speak it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cosmos_workflow.engines import ENGINES, vocabulary
from cosmos_workflow.engines.vocabulary import Word
from cosmos_workflow.prompts.enums import CONTROLS
from cosmos_workflow.prompts.run_spec import Parameters

TABLES: list[Mapping[str, Word]] = [
    vocabulary.INPUT,
    *vocabulary.CONTROLS.values(),
    *vocabulary.PARAMETERS.values(),
    *vocabulary.OTHERS.values(),
]


def test_every_column_is_a_model_and_is_shown_once() -> None:
    assert {model for row in TABLES for model in row} <= set(vocabulary.MODELS)
    shown = [model for models in vocabulary.GROUPS.values() for model in models]
    assert sorted(shown) == sorted(vocabulary.MODELS)
    assert {model for models in vocabulary.ENGINES.values() for model in models} == set(shown)


def test_every_control_and_parameter_of_ours_is_a_row() -> None:
    assert set(vocabulary.CONTROLS) == set(CONTROLS)
    assert set(vocabulary.PARAMETERS) == set(Parameters.model_fields)


@pytest.mark.parametrize("name", vocabulary.ENGINES)
def test_an_engine_has_a_word_for_all_it_takes(name: str) -> None:
    engine = ENGINES.load(name)()
    for modality in engine.modalities:
        assert vocabulary.words(name, vocabulary.CONTROLS[modality]), modality
    for parameter in engine.limits:
        assert vocabulary.words(name, vocabulary.PARAMETERS[parameter]), parameter


def test_what_is_not_sent_is_no_word_of_an_engine() -> None:
    row = {"nim_cosmos3": Word("later", spoken=False), "nim_transfer25": Word("now", "so")}
    assert vocabulary.words("nim", row) == {"now": "so"}
    assert vocabulary.words("preview", row) == {}


@pytest.mark.parametrize("model", vocabulary.MODELS)
def test_what_is_told_back_is_what_was_sent(model: str) -> None:
    values = Parameters.model_validate_json(
        '{"seed": 7, "num_steps": 20, "guidance": 3.0, "sigma_max": 60.5, "fps": 24,'
        ' "blur_strength": "high", "canny_threshold": "low"}'
    )
    sent = vocabulary.sent(model, values)
    facts: dict[str, object] = {}
    for ours, value in sent.items():
        *way, last = vocabulary.PARAMETERS[ours][model].key.split(".")
        place = facts
        for part in way:
            place = place.setdefault(part, {})  # type: ignore[assignment]
        place[last] = value
    assert vocabulary.told(model, facts) == sent and len(sent) >= 4
    assert vocabulary.told(model, {}) == {}


def test_numbers_are_written_as_each_model_wants_them() -> None:
    values = Parameters(guidance=3.0, sigma_max=60.5, fps=24)
    sent = vocabulary.sent("transfer25", values)
    assert sent == {"guidance": 3, "sigma_max": "60.5"} and isinstance(sent["guidance"], int)
    assert vocabulary.sent("nim_cosmos3", values) == {"guidance": 3.0, "fps": 24.0}
