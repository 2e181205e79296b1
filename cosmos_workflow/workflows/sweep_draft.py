"""The RunSpecs of a sweep, every one of them settled, before any is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import WEIGHT_ORDER
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.workflows.compose_runs import Knobs, find_sources, run_for
from cosmos_workflow.workflows.compose_specs import modality_of
from cosmos_workflow.workflows.sweep_axes import Axis, Kind, Value, aim, axis_names
from cosmos_workflow.workflows.sweep_grammar import Drawn, Said, read
from cosmos_workflow.workflows.sweep_points import MOST, Point, points, size
from cosmos_workflow.workflows.sweep_prompts import Source, Words, template_places, write_words
from cosmos_workflow.workflows.sweep_words import Row, rows


@dataclass(frozen=True)
class Wanted:
    """A sweep as it was asked for.  ``vary``: the texts of --vary; ``prompts``: a file, or "".

    ``sample``: points in all, 0 for the whole grid; ``seed``: of the draws.  ``name``: of the
    sweep, "" for the prompt's.
    """

    sources: Sequence[str]
    vary: Sequence[str]
    knobs: Knobs
    prompts: str = ""
    sample: int = 0
    seed: int = 0
    name: str = ""


@dataclass(frozen=True)
class Item:
    """A settled RunSpec at its point of the sweep, and its prompt.

    ``stored`` is where the PromptSpec lies, "" for one that is new.
    """

    run: RunSpec
    prompt: PromptSpec
    stored: str
    point: Mapping[str, Value]


@dataclass(frozen=True)
class Drafts:
    """``items`` in order, each RunSpec once.  ``left_out``: by --limit; ``notes``: worth a line."""

    wanted: Wanted
    sources: tuple[PromptSpec, ...]
    prompts_file: str
    axes: tuple[Axis, ...]
    items: tuple[Item, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Several:
    """An axis of things that have no text: the PromptSpecs, the lines of a file."""

    name: str
    count: int

    def at(self, index: int) -> int:
        return index

    def drawn(self, seed: int, index: int) -> tuple[int, bool]:
        raise AssertionError("it is listed")


@dataclass(frozen=True)
class _Plan:
    """What all points have in common."""

    settings: Settings
    engine: Engine
    wanted: Wanted
    sources: tuple[Source, ...]
    rows: tuple[Row, ...]
    axes: tuple[Axis, ...]

    @property
    def turned(self) -> list[_Several | Axis]:
        """PromptSpecs turn slowest, then the lines of a file, then what was varied, in order."""
        several = [_Several("prompt_spec", len(self.sources)), _Several("prompts", len(self.rows))]
        return [*several, *self.axes]


def draft(
    settings: Settings,
    engine: Engine,
    wanted: Wanted,
    limit: int = 0,
    step: Callable[[float], None] = lambda _: None,
) -> Drafts:
    """All RunSpecs of a sweep, or its first ``limit``; nothing is written.

    Raises SpecError naming the axis, the line or the point that is wrong.
    """
    plan = _planned(settings, engine, wanted)
    number = size(plan.turned, wanted.sample)
    items: dict[str, Item] = {}
    clipped: dict[str, int] = {}
    words: dict[Words, PromptSpec] = {}
    seen = 0
    for point in points(plan.turned, wanted.sample, wanted.seed):
        if limit and len(items) == limit:
            break
        seen += 1
        item = _item(plan, point, words)
        _once(items, item)
        for name in point.clipped:
            clipped[name] = clipped.get(name, 0) + 1
        step(seen / number)
    cut = limit and number - seen
    left = (f"{number - seen:,} by --limit {limit}",) if cut else ()
    return Drafts(
        wanted,
        tuple(source.prompt for source in plan.sources),
        portable(Path(wanted.prompts), settings) if wanted.prompts else "",
        plan.axes,
        tuple(items.values()),
        left,
        tuple(_notes(plan, number, seen, len(items), clipped, bool(cut))),
    )


def _once(items: dict[str, Item], item: Item) -> None:
    """An id has 8 digits: of ten thousand RunSpecs two may have the same one by chance."""
    first = items.setdefault(item.run.id, item)
    if first.run.content() != item.run.content():
        raise SpecError(
            f"two different RunSpecs of this sweep have the id {item.run.id} by chance",
            hint="change one of the values a little, or sweep in two parts",
        )


def _notes(
    plan: _Plan, number: int, seen: int, kept: int, clipped: Mapping[str, int], cut: bool
) -> Iterator[str]:
    wanted = plan.wanted
    if not cut and wanted.sample and seen < wanted.sample:
        yield f"there are only {seen:,} different points, not {wanted.sample:,}"
    if seen > kept:
        yield f"{seen - kept:,} of {seen:,} points give a RunSpec that is in the sweep already"
    for axis in plan.axes:
        if count := clipped.get(axis.name):
            low, high = axis.scale.low, axis.scale.high
            ends = (
                f"{'..' if low is None else f'{low:g}'} to {'..' if high is None else f'{high:g}'}"
            )
            yield f"{axis.name}: {count:,} of {seen:,} draws were brought into {ends}"
    places = {place for row in plan.rows for place in row.places}
    used = template_places(plan.sources, plan.rows, _texts(plan.axes))
    for column in sorted(places - set(used)):
        yield f"the column {column} fills nothing: no words have {{{column}}}"


# -- what is asked --------------------------------------------------------------------------------


def _planned(settings: Settings, engine: Engine, wanted: Wanted) -> _Plan:
    sources = tuple(_source(settings, one) for one in find_sources(settings, wanted.sources))
    lines = (
        rows(Path(wanted.prompts).expanduser(), MOST) if wanted.prompts else [Row("", "", "", {})]
    )
    said = [read(text) for text in wanted.vary]
    texts = [
        text for one in said if one.name.replace("-", "_") in _TEXTS for text in _words_of(one)
    ]
    places = template_places(sources, lines, texts)
    columns = {column for row in lines for column in row.places}
    axes = tuple(aim(one, engine, [*places, *sorted(columns - {*places})]) for one in said)
    _check_once(axes, columns, lines)
    _check_columns(columns - {*places}, engine, wanted.prompts)
    _check_fixed(axes, wanted.knobs)
    return _Plan(settings, engine, wanted, sources, tuple(lines), axes)


_TEXTS = ("prompt", "negative_prompt")
_IN_THE_PROMPT = (Kind.TEXT, Kind.PLACE)

LONGEST_NAME = 60
"""Characters of the values in a RunSpec's name."""


def _source(settings: Settings, found: Path | RunSpec) -> Source:
    if isinstance(found, RunSpec):
        raise SpecError(
            f"{found.id} is a RunSpec; a sweep begins with PromptSpecs",
            hint=f"its prompt is {found.prompt_spec_id}",
        )
    return Source(PromptSpec.load(found), portable(found, settings))


def _words_of(said: Said) -> Sequence[str]:
    if isinstance(said.values, Drawn):
        return said.values.words
    return [part for part in said.values.parts if isinstance(part, str)]


def _texts(axes: Sequence[Axis]) -> list[str]:
    texts = [axis for axis in axes if axis.kind is Kind.TEXT]
    return [word for one in texts for word in _words_of(Said(one.name, one.text, one.values))]


def _check_once(axes: Sequence[Axis], columns: set[str], lines: Sequence[Row]) -> None:
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"--vary {name} is given twice", hint="one list of all its values")
        if name in columns or (name in _TEXTS and any(getattr(row, name) for row in lines)):
            raise SpecError(f"{name} is varied, and a column of --prompts", hint="choose one")


def _check_columns(unused: set[str], engine: Engine, file: str) -> None:
    """A column may be for the eyes; one that is named like a knob was meant to turn it."""
    for column in sorted(unused):
        if column in axis_names(engine):
            raise SpecError(
                f"--prompts {file}: the column {column} would fill {{{column}}} in the words, "
                "and no words have it",
                hint=f"it turns no {column}: that is --vary {column}=...",
            )


def _check_fixed(axes: Sequence[Axis], knobs: Knobs) -> None:
    """What is varied cannot be said for all of them too."""
    fixed = {f"{Kind.PARAMETER} {key}" for key, one in knobs.parameters.items() if one is not None}
    fixed |= {f"{Kind.OPTION} {text.partition('=')[0].strip()}" for text in knobs.options}
    for text in knobs.named_weights:
        word = text.partition("=")[0].strip()
        fixed.add(f"{Kind.WEIGHT} {modality_of(word, '--weight')}")
    given = zip(WEIGHT_ORDER, knobs.weights or (), strict=False)
    fixed |= {f"{Kind.WEIGHT} {control}" for control, weight in given if weight}
    for axis in axes:
        if f"{axis.kind} {axis.key}" in fixed:
            raise SpecError(f"{axis.name} is varied, and given for all of them", hint="choose one")


# -- one point ------------------------------------------------------------------------------------


def _item(plan: _Plan, point: Point, words: dict[Words, PromptSpec]) -> Item:
    source, line, *values = point.values
    assert isinstance(source, int) and isinstance(line, int)
    turned = tuple(zip(plan.axes, values, strict=True))
    said: dict[str, Value] = {}
    if len(plan.sources) > 1:
        said["prompt_spec"] = plan.sources[source].prompt.id
    if plan.wanted.prompts:
        said |= {"prompts": line + 1, **plan.rows[line].places}
    said |= {axis.name: value for axis, value in turned}
    here = plan.sources[source]
    by_name = {axis.key: str(value) for axis, value in turned if axis.kind is Kind.TEXT}
    places = {axis.key: value for axis, value in turned if axis.kind is Kind.PLACE}
    prompt = write_words(here, plan.rows[line], by_name, places, words)
    stored = here.stored if prompt is here.prompt else ""
    try:
        knobs = _knobs(plan.wanted, turned, prompt)
        run = run_for(plan.settings, plan.engine, prompt, stored, knobs)
    except SpecError as error:
        where = ", ".join(f"{name} {value}" for name, value in said.items())
        if not where:
            raise
        raise SpecError(f"at {where}: {error.message}", hint=error.hint) from error
    return Item(run, prompt, stored, said)


def _knobs(wanted: Wanted, turned: Sequence[tuple[Axis, Value]], prompt: PromptSpec) -> Knobs:
    knobs = wanted.knobs
    weights, options = list(knobs.named_weights), list(knobs.options)
    parameters = dict(knobs.parameters)
    for axis, value in turned:
        if axis.kind is Kind.PARAMETER:
            parameters[axis.key] = value
        elif axis.kind is Kind.WEIGHT:
            weights.append(f"{axis.key}={value}")
        elif axis.kind is Kind.OPTION:
            options.append(f"{axis.key}={value}")
    name = _name(prompt, turned)
    return replace(knobs, named_weights=weights, options=options, parameters=parameters, name=name)


def _name(prompt: PromptSpec, turned: Sequence[tuple[Axis, Value]]) -> str:
    """``street seed=3 depth=0.2``: by its point, not its number, so that a longer sweep has the
    same RunSpecs again.  Words are in the name of the prompt."""
    told = [f"{axis.key}={value}" for axis, value in turned if axis.kind not in _IN_THE_PROMPT]
    while sum(map(len, told)) > LONGEST_NAME:
        told.pop()
    return " ".join([prompt.name, *told])
