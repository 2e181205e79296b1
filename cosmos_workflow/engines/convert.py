"""A run made for one engine, as another can run it: what is carried over, changed, left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cosmos_workflow.engines.engine import Engine, Limit
from cosmos_workflow.engines.rules import read_options, shares
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import Parameters, RunSpec

AUTO = "auto"
"""The option that names controls to make from the input video, of the engines that have it."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Change:
    """A wish that is not kept as it was, and ``why``.

    ``becomes`` is None when it is left out, ``asked`` when nobody asked for what it becomes.
    """

    what: str
    asked: Any
    becomes: Any
    why: str


@dataclass(frozen=True)
class Converted:
    """The run for the other engine, not settled yet, and everything that is not as it was."""

    run: RunSpec
    changes: tuple[Change, ...]


def convert(
    run: RunSpec,
    prompt: PromptSpec,
    source: Engine,
    engine: Engine,
    unasked: Mapping[str, Any] = _NOTHING,
) -> Converted:
    """``run``, made from ``prompt`` for ``source``, for ``engine``.

    What was the source's own default is no wish: the other engine's default takes its place.
    So are equal shares of the prompt's controls, and the values of ``unasked`` by parameter.
    """
    changes: list[Change] = []
    weights = _weights(run, prompt, source, engine, changes)
    usual = {name: (value,) for name, value in source.defaults(run).items()}
    for name, value in unasked.items():
        usual[name] = (*usual.get(name, ()), value)
    parameters = _parameters(run, usual, source, engine, changes)
    options = _options(run, engine, changes)
    options |= _auto(run, prompt, weights, source, engine, changes)
    made = run.model_copy(
        update={
            "engine": engine.name,
            "control_weights": weights,
            "parameters": Parameters.model_validate(parameters, strict=False),
            "options": options,
            "parent": run.id,
        }
    )
    return Converted(made.with_id(), tuple(changes))


def _weights(
    run: RunSpec, prompt: PromptSpec, source: Engine, engine: Engine, changes: list[Change]
) -> dict[Modality, float | str]:
    if run.control_weights == shares(source, prompt):
        return _shared_anew(run, prompt, engine, changes)
    kept: dict[Modality, float | str] = {}
    for modality, weight in run.control_weights.items():
        what = f"weight of {modality}"
        if modality not in engine.modalities:
            if weight != 0:
                changes.append(Change(what, weight, None, _no_control(engine, modality)))
        elif weight != 0 and modality not in (*prompt.control_inputs, *engine.makes):
            why = f"{engine.name} does not make it, and the prompt has no video of it"
            changes.append(Change(what, weight, None, why))
        elif isinstance(weight, str) and not engine.weight_maps:
            changes.append(Change(what, weight, 1.0, f"{engine.name} takes no weight maps"))
            kept[modality] = 1.0
        elif isinstance(weight, float) and weight > (engine.max_weight or weight):
            most = engine.max_weight
            changes.append(Change(what, weight, most, f"{engine.name} takes weights up to {most}"))
            kept[modality] = float(most or 0)
        else:
            kept[modality] = weight
    if any(kept.values()) or not any(run.control_weights.values()):
        return kept
    # Nothing of the wish is left: the prompt's other controls share, but those that were refused.
    anew = shares(engine, prompt, without=kept)
    for modality, share in anew.items():
        changes.append(Change(f"weight of {modality}", None, share, "no other control is left"))
    return {**kept, **anew}


def _shared_anew(
    run: RunSpec, prompt: PromptSpec, engine: Engine, changes: list[Change]
) -> dict[Modality, float | str]:
    """Nobody said weights: the controls that ``engine`` takes share 1.0."""
    anew = shares(engine, prompt)
    for modality, weight in run.control_weights.items():
        what = f"weight of {modality}"
        if modality not in anew:
            changes.append(Change(what, weight, None, _no_control(engine, modality)))
        elif anew[modality] != weight:
            changes.append(Change(what, weight, anew[modality], "equal shares of what is left"))
    for modality in (one for one in anew if one not in run.control_weights):
        why = f"{engine.name} takes it, and the prompt has a video of it"
        changes.append(Change(f"weight of {modality}", None, anew[modality], why))
    return {}


def _no_control(engine: Engine, modality: Modality) -> str:
    return f"{engine.name} takes no {modality} control"


def _parameters(
    run: RunSpec,
    usual: Mapping[str, tuple[Any, ...]],
    source: Engine,
    engine: Engine,
    changes: list[Change],
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in run.parameters.model_dump(mode="json", exclude_none=True).items():
        if value in usual.get(name, ()):
            continue
        if name not in engine.limits:
            changes.append(Change(name, value, None, f"{engine.name} has no such parameter"))
            continue
        fitting, why = _fitting(value, engine.limits[name])
        if fitting != value:
            changes.append(Change(name, value, fitting, f"{engine.name} takes {why}"))
        elif name == "sigma_max" and _noise(source) != _noise(engine):
            why = f"of {_noise(source):g} in {source.name}, of {_noise(engine):g} here: look at it"
            changes.append(Change(name, value, fitting, why))
        if fitting is not None:
            kept[name] = fitting
    return kept


def _noise(engine: Engine) -> float:
    """The sigma that is pure noise for an engine."""
    limit = engine.limits.get("sigma_max")
    return (limit.high if limit else None) or 0.0


def _fitting(value: Any, limit: Limit) -> tuple[Any, str]:
    """The nearest value that the limit allows, and what it allows in words."""
    if limit.choices:
        said = ", ".join(limit.choices)
        return (value, "") if value in limit.choices else (limit.default, said)
    near = value
    if limit.low is not None and near < limit.low:
        near = limit.low
    if limit.high is not None and near > limit.high:
        near = limit.high
    if limit.whole:
        near = round(near)
    same = type(value)(near) if not limit.whole else near
    return same, limit.said()


def _options(run: RunSpec, engine: Engine, changes: list[Change]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in run.options.items():
        if name == AUTO:
            continue
        try:
            read_options(engine, {name: value})
        except SpecError as error:
            changes.append(Change(f"option {name}", value, None, error.message))
        else:
            kept[name] = value
    return kept


def _auto(
    run: RunSpec,
    prompt: PromptSpec,
    weights: Mapping[Modality, float | str],
    source: Engine,
    engine: Engine,
    changes: list[Change],
) -> dict[str, Any]:
    """Controls that ``source`` has made from the input video, whether it has to be told or not."""
    said = {key: value for key, value in run.options.items() if key == AUTO}
    told: tuple[Modality, ...] = getattr(read_options(source, said), AUTO, ())
    weights = weights or shares(engine, prompt)
    for one in told:
        if one in prompt.control_inputs and one in weights and not _makes_unlike(engine, one):
            why = f"{engine.name} follows the prompt's own video of it"
            changes.append(Change(f"option {AUTO}", str(one), None, why))
    if AUTO not in engine.Options.model_fields:
        return {}
    kept = [one for one in told if one in engine.makes and weights.get(one)]
    for one, weight in weights.items():
        # An edge control is made unasked by all of them.
        if weight and one not in (*kept, *prompt.control_inputs, Modality.EDGE):
            why = f"{source.name} makes it unasked, {engine.name} when it is told to"
            changes.append(Change(f"option {AUTO}", None, str(one), why))
            kept.append(one)
    return {AUTO: [str(one) for one in kept]} if kept else {}


def _makes_unlike(engine: Engine, control: Modality) -> bool:
    """Whether the engine makes the control although there is a video of it, when it is told to."""
    return AUTO in engine.Options.model_fields and control in engine.makes
