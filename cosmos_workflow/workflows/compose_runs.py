"""From flags, PromptSpecs and RunSpecs to RunSpecs, all checked before the first is saved."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.convert import Change, Converted, convert
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.rules import check_parameter, settle, shares
from cosmos_workflow.errors import SpecError
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts.enums import CONTROLS, WEIGHT_ORDER
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.collect import find_run, specs
from cosmos_workflow.workflows.compose_specs import check_files, check_readable, modality_of
from cosmos_workflow.workflows.convert_specs import (
    Wishes,
    find_source,
    fit_of,
    not_overridden,
    read_source,
)
from cosmos_workflow.workflows.request import prompt_of
from cosmos_workflow.workflows.sweep_words import places_of


@dataclass(frozen=True)
class Knobs:
    """What a RunSpec is made from, besides its prompt.

    ``weights`` is vis, edge, depth, segmentation; ``named_weights`` has "modality=weight" and wins.
    ``parameters`` may hold None for what was not said; ``options`` has "key=value".
    """

    engine: str = ""
    weights: tuple[float, float, float, float] | None = None
    named_weights: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Sequence[str] = ()
    name: str = ""


@dataclass(frozen=True)
class Made:
    """A saved RunSpec, its file, and whence its values.

    ``said_by`` has "weights" or "weight NAME", "option NAME" and each parameter that is not the
    engine's default, with who said it: "you", "the shot", or the RunSpec it is from.

    ``changes``: what is not as it was in the RunSpec of ``source``, an id; empty from a prompt.

    ``places``: what only a sweep would fill in the words, like weather for ``{weather}``.
    """

    run: RunSpec
    path: Path
    said_by: Mapping[str, str]
    source: str = ""
    changes: tuple[Change, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Draft:
    """A RunSpec before it is saved; the rest as in ``Made``."""

    run: RunSpec
    said_by: Mapping[str, str]
    source: str = ""
    changes: tuple[Change, ...] = ()
    places: tuple[str, ...] = ()


def make_runs(settings: Settings, sources: Sequence[str], knobs: Knobs) -> list[Made]:
    """One saved RunSpec for each PromptSpec or RunSpec (path, id, start of an id, name, pattern).

    A RunSpec is converted where it was made for another engine; what is said now goes before what
    it says.  All are checked before the first is saved.  Raises SpecError or ConfigError.
    """
    drafts = [
        _from_run(settings, source, knobs)
        if isinstance(source, RunSpec)
        else _from_prompt(settings, source, knobs)
        for source in find_sources(settings, sources)
    ]
    return [
        Made(
            one.run, one.run.save(settings=settings), one.said_by, one.source, one.changes,
            one.places,
        )
        for one in drafts
    ]  # fmt: skip


def kept(settings: Settings, text: str, engine: Engine) -> Wishes:
    """What of the RunSpec or run that ``text`` names ``engine`` would keep.  Nothing is made.

    Raises SpecError where no RunSpec is meant.
    """
    if RUN_ID.fullmatch(Path(text).name):
        run = find_run(settings, text).spec()
        prompt = prompt_of(settings, run)
    else:
        run, prompt = specs(settings, text)
    made, shot = _for_engine(settings, run, prompt, engine), fit_of(settings, prompt, engine)
    try:
        settle(engine, made.run, prompt)
    except SpecError as error:
        return Wishes(run, made.changes, shot, error.message, error.hint)
    return Wishes(run, made.changes, shot, "; ".join(shot.faults) if shot else "")


def _from_prompt(settings: Settings, path: Path, knobs: Knobs) -> _Draft:
    engine = assemble.engine(knobs.engine or settings.default_engine, settings)
    return _fresh(settings, engine, PromptSpec.load(path), portable(path, settings), knobs)


def run_for(
    settings: Settings, engine: Engine, prompt: PromptSpec, path: str, knobs: Knobs
) -> RunSpec:
    """The settled RunSpec of a prompt that is or will be stored at ``path``; nothing is saved.

    Raises SpecError for what ``engine`` does not take and for files that cannot be read.
    """
    return _fresh(settings, engine, prompt, path, knobs).run


def _fresh(
    settings: Settings, engine: Engine, prompt: PromptSpec, path: str, knobs: Knobs
) -> _Draft:
    draft = RunSpec.create(
        name=prompt.name, prompt_spec_id=prompt.id, prompt_spec_path=path, engine=engine.name
    )
    return _with_knobs(settings, engine, prompt, _Draft(draft, {}), knobs)


def _from_run(settings: Settings, run: RunSpec, knobs: Knobs) -> _Draft:
    """A RunSpec's wishes, for its own engine or another."""
    prompt = prompt_of(settings, run)
    engine = assemble.engine(knobs.engine or run.engine, settings)
    made = _for_engine(settings, run, prompt, engine)
    wishes = made.run.parameters.model_dump(exclude_none=True)
    names = [*wishes, *(["weights"] if made.run.control_weights else [])]
    names += [f"option {key}" for key in made.run.options]
    draft = _Draft(made.run, dict.fromkeys(names, run.id), run.id, made.changes)
    try:
        return _with_knobs(settings, engine, prompt, draft, knobs)
    except SpecError as error:
        if engine.name == run.engine:
            raise
        what = f"{run.id}, made for {run.engine}, cannot become a run for {engine.name}"
        raise SpecError(f"{what}: {error.message}", hint=error.hint) from error


def _for_engine(settings: Settings, run: RunSpec, prompt: PromptSpec, engine: Engine) -> Converted:
    """``run`` for ``engine``; that it plays at the rate of its shot is no wish."""
    fps = shot_fps(prompt)
    source = assemble.engine(run.engine, settings)
    return convert(run, prompt, source, engine, {"fps": fps} if fps else {})


def _with_knobs(
    settings: Settings, engine: Engine, prompt: PromptSpec, draft: _Draft, knobs: Knobs
) -> _Draft:
    """What the person says, over what the draft says; settled, with every file looked for."""
    check_files(settings, prompt)
    weights, said = _weights(settings, knobs), dict(draft.said_by)
    given = {key: value for key, value in knobs.parameters.items() if value is not None}
    for key, value in given.items():
        check_parameter(engine, key, value)
    parameters = draft.run.parameters.model_dump(mode="json", exclude_none=True) | given
    options = _pairs(knobs.options, "--option")
    said |= dict.fromkeys([*given, *(f"option {key}" for key in options)], "you")
    said |= {f"weight {key}": "you" for key in weights}
    values = {
        "name": knobs.name or draft.run.name,
        "control_weights": _over(draft, weights, knobs, engine, prompt),
        "parameters": parameters,
        "options": {**draft.run.options, **options},
    }
    rest = draft.run.model_dump(mode="json", exclude={"id", "origin", *values})
    made = RunSpec.create(**rest, **values)
    run = None if "fps" in parameters else at_shot_rate(engine, made, prompt)
    if run:
        said["fps"] = "the shot"
    run = run or settle(engine, made, prompt)
    _check_named(settings, engine, run)
    overridden = [*given, *(f"option {key}" for key in options)]
    overridden += [f"weight of {one}" for one in (CONTROLS if knobs.weights else weights)]
    changes = not_overridden(draft.changes, overridden)
    return _Draft(run, said, draft.source, changes, tuple(places_of(prompt)))


def at_shot_rate(engine: Engine, run: RunSpec, prompt: PromptSpec) -> RunSpec | None:
    """``run`` at its shot's rate; None where that is not known, or not for this engine to say.

    Nobody asked for it: a model of the engine that has its own rate is no fault of the person's.
    """
    fps = shot_fps(prompt)
    if not fps or "fps" not in engine.limits:
        return None
    values = run.model_dump(mode="json", exclude={"id"})
    values["parameters"]["fps"] = fps
    made = RunSpec.create(**values)
    try:
        return settle(engine, made, prompt)
    except SpecError:
        return None  # without it, what else is wrong is said


def _over(
    draft: _Draft,
    weights: Mapping[str, float | str],
    knobs: Knobs,
    engine: Engine,
    prompt: PromptSpec,
) -> dict[str, float | str]:
    """Weights by name change those that a RunSpec has; ``--weights`` takes their place."""
    if not weights or knobs.weights or not draft.source:
        return dict(weights) or {str(key): one for key, one in draft.run.control_weights.items()}
    before = draft.run.control_weights or shares(engine, prompt)
    return {**{str(key): weight for key, weight in before.items()}, **weights}


def _check_named(settings: Settings, engine: Engine, run: RunSpec) -> None:
    """Raise SpecError naming each weight map and each file of an option that cannot be read."""
    maps = {
        f"weight of {key}": value
        for key, value in run.control_weights.items()
        if isinstance(value, str)
    }
    check_readable(settings, {**maps, **{f"option {path}": path for path in engine.files(run)}})


def shot_fps(prompt: PromptSpec) -> int | None:
    """Frames a second of the prepared shot: its result should play as long as it does."""
    shot = prompt.metadata.get("prepared")
    fps = shot.get("fps") if isinstance(shot, dict) else None
    return int(fps) if isinstance(fps, int | float) and fps == int(fps) else None


def find_sources(settings: Settings, texts: Sequence[str]) -> list[Path | RunSpec]:
    """Files of PromptSpecs, and RunSpecs; each once.  Raises SpecError."""
    found: dict[Path | str, Path | RunSpec] = {}
    for text in texts:
        for source in _one_or_glob(settings, text):
            found[source.id if isinstance(source, RunSpec) else source] = source
    return list(found.values())


def _one_or_glob(settings: Settings, text: str) -> Iterable[Path | RunSpec]:
    if not any(mark in text for mark in "*?[") or Path(text).exists():
        return [find_source(settings, text)]
    for root in (Path.cwd(), settings.root):
        names = sorted(glob.glob(text, root_dir=root, recursive=True))  # noqa: PTH207  (absolute)
        files = [root / name for name in names if (root / name).is_file()]
        if files:
            return [read_source(file) for file in files]
    raise SpecError(
        f"no file fits {text!r}", hint="cosmos list prompts shows the PromptSpecs and their ids"
    )


def _weights(settings: Settings, knobs: Knobs) -> dict[str, float | str]:
    weights: dict[str, float | str] = {}
    if knobs.weights is not None:
        pairs = zip(WEIGHT_ORDER, knobs.weights, strict=True)
        weights = {str(modality): weight for modality, weight in pairs if weight != 0}
        if not weights and not knobs.named_weights:
            raise SpecError("--weights 0 0 0 0 uses no control", hint="give one of them a weight")
    for word, text in _pairs(knobs.named_weights, "--weight").items():
        modality = str(modality_of(word, "--weight"))
        try:
            weights[modality] = float(text)
        except ValueError:
            weights[modality] = portable(Path(text), settings)  # a .pt map; settle refuses others
    return weights


def _pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            like = "--weight depth=0.4" if flag == "--weight" else f"{flag} NAME=VALUE"
            raise SpecError(f"{flag} {text!r} is not key=value", hint=f"like {like}")
        if key.strip() in pairs:
            raise SpecError(f"{flag} {key.strip()} is given twice", hint="say it once")
        pairs[key.strip()] = value
    return pairs
