"""A run made for one engine, as another can run it: what is carried over, changed, left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cosmos_workflow.engines.engine import Engine, Limit
from cosmos_workflow.engines.rules import read_options
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.run_spec import Parameters, RunSpec


@dataclass(frozen=True)
class Change:
    """A wish that is not kept as it was: ``becomes`` is None when it is left out, and ``why``."""

    what: str
    asked: Any
    becomes: Any
    why: str


@dataclass(frozen=True)
class Converted:
    """The run for the other engine, not settled yet, and everything that is not as it was."""

    run: RunSpec
    changes: tuple[Change, ...]


def convert(run: RunSpec, source: Engine, engine: Engine) -> Converted:
    """``run``, made for ``source``, for ``engine``.

    What was the source's own default is no wish: the other engine's default takes its place.
    """
    changes: list[Change] = []
    weights = _weights(run, engine, changes)
    parameters = _parameters(run, source, engine, changes)
    options = _options(run, engine, changes)
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


def _weights(run: RunSpec, engine: Engine, changes: list[Change]) -> dict[Modality, float | str]:
    kept: dict[Modality, float | str] = {}
    for modality, weight in run.control_weights.items():
        what = f"weight of {modality}"
        if modality not in engine.modalities:
            changes.append(Change(what, weight, None, f"{engine.name} takes no {modality} control"))
        elif isinstance(weight, str) and not engine.weight_maps:
            changes.append(Change(what, weight, 1.0, f"{engine.name} takes no weight maps"))
            kept[modality] = 1.0
        elif isinstance(weight, float) and weight > (engine.max_weight or weight):
            most = engine.max_weight
            changes.append(Change(what, weight, most, f"{engine.name} takes weights up to {most}"))
            kept[modality] = float(most or 0)
        else:
            kept[modality] = weight
    return kept


def _parameters(
    run: RunSpec, source: Engine, engine: Engine, changes: list[Change]
) -> dict[str, Any]:
    usual, kept = source.defaults(run), {}
    for name, value in run.parameters.model_dump(mode="json", exclude_none=True).items():
        if value == usual.get(name):
            continue
        if name not in engine.limits:
            changes.append(Change(name, value, None, f"{engine.name} has no such parameter"))
            continue
        fitting, why = _fitting(value, engine.limits[name])
        if fitting != value:
            changes.append(Change(name, value, fitting, f"{engine.name} takes {why}"))
        if fitting is not None:
            kept[name] = fitting
    return kept


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
        try:
            read_options(engine, {name: value})
        except SpecError as error:
            changes.append(Change(f"option {name}", value, None, error.message))
        else:
            kept[name] = value
    return kept
