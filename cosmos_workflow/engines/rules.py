"""The rules all engines share: a run filled in with defaults and held to its engine's ranges."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from cosmos_workflow.engines.engine import Engine, Limit, Options
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import Parameters, RunSpec

FLAGS: Mapping[str, str] = {
    "seed": "--seed",
    "num_steps": "--steps",
    "guidance": "--guidance",
    "sigma_max": "--sigma-max",
    "fps": "--fps",
    "blur_strength": "--blur-strength",
    "canny_threshold": "--canny-threshold",
}
"""The command line's word for each shared parameter."""


def settle(engine: Engine, run: RunSpec, prompt: PromptSpec) -> RunSpec:
    """``run`` with the engine's defaults filled in and everything checked, under its new id.

    Options given as text (``"true"``, ``"3"``, ``'["depth"]'``) become values of their type; those
    not given stay out of the spec, so that an option added to the engine later changes no id.
    Without weights, the prompt's controls that the engine knows share 1.0 equally.
    Settling twice is settling once.  Raises SpecError.
    """
    options = read_options(engine, run.options).model_dump(mode="json", exclude_unset=True)
    run = run.model_copy(update={"options": options})
    weights = _weights(engine, run, prompt)
    run = run.model_copy(update={"control_weights": weights})
    run = run.model_copy(update={"parameters": _parameters(engine, run)})
    engine.check(run, prompt)
    return run.with_id()


# -- options --------------------------------------------------------------------------------------


def read_options(engine: Engine, given: Mapping[str, Any]) -> Options:
    """The engine's options, text read as what each option is.  Raises SpecError."""
    fields = engine.Options.model_fields
    for key in given:
        if key not in fields:
            raise SpecError(
                f"--option {key}: the engine {engine.name} has no such option",
                hint=f"{did_you_mean(key, list(fields))}{_known_options(engine)}",
            )
    values = {key: _read(key, value, fields[key].annotation) for key, value in given.items()}
    try:
        return engine.Options.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        key = str(fault["loc"][0]) if fault["loc"] else "options"
        raise SpecError(
            f"--option {key}={_shown(given.get(key))}: {_said(fault['msg'])}",
            hint=(f"at {place}; " if place != key else "")
            + f"cosmos engines show {engine.name} says what each option takes",
        ) from error


_LIKE = {"[": '["depth"]', "{": '{"key": 1}'}


def _read(key: str, value: Any, annotation: Any) -> Any:
    """Text as JSON where the option holds a list or an object; ``a,b`` is a list too."""
    if not isinstance(value, str) or annotation is str:
        return value
    text = value.strip()
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise SpecError(
                f"--option {key}={_shown(value)}: this is not JSON: {error}",
                hint=f"quote it for your shell, like --option '{key}={_LIKE[text[0]]}'",
            ) from error
    if typing.get_origin(annotation) in (list, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _known_options(engine: Engine) -> str:
    names = list(engine.Options.model_fields)
    if not names:
        return f"{engine.name} has no options"
    return f"options of {engine.name}: {', '.join(names)}"


def _said(message: str) -> str:
    if message.startswith("Input should be a valid boolean"):
        return "true or false is needed"
    if message.startswith("Input should be a valid dictionary"):
        return 'a JSON object is needed, like {"key": 1}'
    if message.startswith("Input should be a valid") and "unable to parse" in message:
        return "a whole number is needed" if "integer" in message else "a number is needed"
    return message.removeprefix("Value error, ").replace("Input should be", "it must be")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- weights --------------------------------------------------------------------------------------


def _weights(engine: Engine, run: RunSpec, prompt: PromptSpec) -> dict[Modality, float | str]:
    if not run.control_weights:
        return dict(shares(engine, prompt))
    for modality, weight in run.control_weights.items():
        _check_weight(engine, modality, weight)
    return dict(run.control_weights)


def shares(
    engine: Engine, prompt: PromptSpec, without: Collection[Modality] = ()
) -> Mapping[Modality, float]:
    """The weights where nobody says any: the prompt's controls that the engine takes, equally."""
    takes = [control for control in engine.modalities if control not in without]
    usable = [control for control in prompt.control_inputs if control in takes]
    return {control: round(1 / len(usable), 4) for control in usable}


def _check_weight(engine: Engine, modality: Modality, weight: float | str) -> None:
    flag = f"--weight {modality}={weight}"
    if modality not in engine.modalities:
        known = [str(control) for control in engine.modalities]
        raise SpecError(
            f"{flag}: the engine {engine.name} takes no {modality} control",
            hint=f"{did_you_mean(modality, known)}controls of {engine.name}: "
            f"{', '.join(known) or 'none'}",
        )
    if isinstance(weight, str):
        if not weight.endswith(".pt") or not engine.weight_maps:
            other = "or the path of a .pt" if engine.weight_maps else "not a"
            raise SpecError(
                f"{flag}: for {engine.name} a weight is a number, {other} weight map",
                hint=f"like --weight {modality}=0.4",
            )
        return
    high = engine.max_weight
    if math.isnan(weight) or weight < 0 or (high is not None and weight > high):
        bounds = "0 or more" if high is None else f"0 to {high:g}"
        raise SpecError(f"{flag} is out of range", hint=f"{engine.name} takes weights of {bounds}")


# -- parameters -----------------------------------------------------------------------------------


def _parameters(engine: Engine, run: RunSpec) -> Parameters:
    given = run.parameters.model_dump(mode="json", exclude_none=True)
    for name, value in given.items():
        if name not in engine.limits:
            own = ", ".join(FLAGS[known] for known in engine.limits) or "none of them"
            raise SpecError(
                f"{FLAGS[name]} {value}: the engine {engine.name} has no {name}",
                hint=f"{engine.name} has {own}",
            )
    defaults = engine.defaults(run)
    filled = {
        name: given.get(name, defaults.get(name, limit.default))
        for name, limit in engine.limits.items()
    }
    for name, limit in engine.limits.items():
        if filled[name] is not None:
            _check_limit(engine, FLAGS[name], filled[name], limit)
    return Parameters.model_validate_json(json.dumps(filled))


def check_parameter(engine: Engine, name: str, value: Any) -> None:
    """Raise SpecError, by the flag's name, for a value that the engine does not take."""
    if name in engine.limits:
        _check_limit(engine, FLAGS[name], value, engine.limits[name])


def _check_limit(engine: Engine, flag: str, value: Any, limit: Limit) -> None:
    if limit.choices:
        if value not in limit.choices:
            raise SpecError(
                f"{flag} {value}: not a choice of {engine.name}",
                hint=f"{did_you_mean(str(value), limit.choices)}choices: "
                f"{', '.join(limit.choices)}",
            )
        return
    below = limit.low is not None and value < limit.low
    above = limit.high is not None and value > limit.high
    if below or above or (limit.whole and value != int(value)):
        wrong = "is out of range" if below or above else "is no whole number"
        raise SpecError(
            f"{flag} {value} {wrong}",
            hint=f"{engine.name} takes {limit.said()}"
            + (f"\n{flag}: {limit.help}" if limit.help else ""),
        )
