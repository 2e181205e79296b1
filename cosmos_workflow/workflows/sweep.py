"""Many RunSpecs from few words: axes, prompts and placeholders, checked before one is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.rules import settle, shares
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import Origin, RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.prompts.sweep import Sweep
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.compose_runs import at_shot_rate
from cosmos_workflow.workflows.compose_specs import check_files, modality_of
from cosmos_workflow.workflows.sweep_axes import Axis, Value, points, read
from cosmos_workflow.workflows.sweep_words import (
    Words,
    placeholders,
    read_words,
    with_words,
)

TEXTS = ("prompt", "negative_prompt")
LONGEST_NAME = 60
"""Characters of the values in a RunSpec's name."""

SHORT = {"steps": "num_steps"}
"""The command line's own words for parameters."""


@dataclass(frozen=True)
class Wanted:
    """What a sweep is made from.  ``weights``, ``parameters``, ``options``: the same for all."""

    sources: Sequence[str]
    axes: Sequence[str]
    engine: str = ""
    prompts: Path | None = None
    sample: int | None = None
    seed: int = 0
    name: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drafted:
    """A sweep and its RunSpecs, settled, not saved.  ``prompts``: those they are of, by id.

    ``clipped``: how many draws of an axis were put back to the range of the engine.  ``same``: how
    many points gave what another one had given.
    """

    sweep: Sweep
    runs: tuple[RunSpec, ...]
    prompts: Mapping[str, PromptSpec]
    clipped: Mapping[str, int]
    same: int


def draft(
    settings: Settings, wanted: Wanted, step: Callable[[float], None] = lambda share: None
) -> Drafted:
    """All RunSpecs of a sweep, settled.  Raises SpecError or ConfigError; nothing is written.

    ``step`` hears how much is done, 0..1.
    """
    engine = assemble.engine(wanted.engine or settings.default_engine, settings)
    axes = read(wanted.axes)
    sources = [PromptSpec.load(library.find(settings, "prompt", one)) for one in wanted.sources]
    for source in sources:
        check_files(settings, source)
    words = read_words(wanted.prompts) if wanted.prompts else [Words()]
    holes = _holes(axes, sources, words, engine)
    sweep = _sweep(wanted, engine, sources, axes)
    spread = _spread(sources, words, axes, wanted)
    maker = _Maker(engine, wanted, axes, holes, sweep.id)
    for number, (source, line, point) in enumerate(spread):
        maker.add(source, line, point)
        if number % 100 == 0:
            step(number / len(spread))
    runs = tuple(maker.runs.values())
    sweep = sweep.model_copy(update={"runs": [run.id for run in runs]})
    return Drafted(sweep, runs, maker.prompts, maker.clipped, len(spread) - len(runs))


def _spread(
    sources: Sequence[PromptSpec], words: Sequence[Words], axes: Sequence[Axis], wanted: Wanted
) -> list[tuple[PromptSpec, Words, dict[str, Value]]]:
    """Every point, with its PromptSpec and line: they are the slowest axis of the grid."""
    pairs = [(source, line) for source in sources for line in words]
    first = Axis("", "list", tuple(range(len(pairs))), "")
    if len(pairs) == 1:
        found = points(axes, wanted.sample, wanted.seed) if axes else [{}]
        return [(*pairs[0], point) for point in found]
    found = points([first, *axes], wanted.sample, wanted.seed)
    return [(*pairs[int(point.pop(""))], point) for point in found]


def _sweep(
    wanted: Wanted, engine: Engine, sources: Sequence[PromptSpec], axes: Sequence[Axis]
) -> Sweep:
    knobs = {**wanted.weights, **wanted.parameters, **wanted.options}
    return Sweep.made(
        name=wanted.name or sources[0].name,
        engine=engine.name,
        sources=[source.id for source in sources],
        axes=[axis.text.strip() for axis in axes],
        seed=wanted.seed,
        sample=wanted.sample,
        prompts=wanted.prompts.read_text(encoding="utf-8-sig") if wanted.prompts else "",
        knobs=knobs,
    )


def _holes(
    axes: Sequence[Axis], sources: Sequence[PromptSpec], words: Sequence[Words], engine: Engine
) -> frozenset[str]:
    """Axes that are placeholders of the words; raises SpecError for one that is nothing at all."""
    texts = [text for one in sources for text in (one.prompt, one.negative_prompt)]
    texts += [text for one in words for text in (one.prompt, one.negative_prompt or "")]
    for axis in axes:
        if axis.name in TEXTS:
            texts += [str(value) for value in axis.values]
    named = placeholders(texts)
    known = [
        *engine.limits,
        *SHORT,
        *TEXTS,
        *map(str, engine.modalities),
        *engine.Options.model_fields,
    ]
    for axis in axes:
        if axis.name in named or axis.name in known or _is_modality(axis.name):
            continue
        raise SpecError(
            f"--vary {axis.name}: {engine.name} has none, and no prompt has {{{axis.name}}}",
            hint=f"{did_you_mean(axis.name, known)}known: {', '.join(known)}",
        )
    own = {*engine.limits, *SHORT, *TEXTS}
    return frozenset(a.name for a in axes if a.name in named and a.name not in own)


def _is_modality(word: str) -> bool:
    try:
        modality_of(word, "--vary")
    except SpecError:
        return False
    return True


class _Maker:
    """Makes RunSpecs of points, each once, and remembers what it had to change."""

    def __init__(
        self,
        engine: Engine,
        wanted: Wanted,
        axes: Sequence[Axis],
        holes: frozenset[str],
        sweep: str,
    ) -> None:
        self.runs: dict[str, RunSpec] = {}
        self.prompts: dict[str, PromptSpec] = {}
        self.clipped: dict[str, int] = {}
        self._engine, self._wanted, self._holes, self._sweep = engine, wanted, holes, sweep
        self._axes = {axis.name: axis for axis in axes}

    def add(self, source: PromptSpec, line: Words, point: Mapping[str, Value]) -> None:
        point = {name: self._in_range(name, value) for name, value in point.items()}
        prompt = self._prompt(source, line, point)
        weights, parameters, options = self._split(point)
        if weights and not self._wanted.weights:
            weights = {**self._usual(prompt, weights), **weights}
        draft = RunSpec.create(
            name=_name(prompt, point),
            prompt_spec_id=prompt.id,
            prompt_spec_path="",
            engine=self._engine.name,
            control_weights={**self._wanted.weights, **weights},
            parameters={**self._wanted.parameters, **parameters},
            options={**self._wanted.options, **options},
        )
        try:
            at_rate = None if "fps" in parameters else at_shot_rate(self._engine, draft, prompt)
            run = at_rate or settle(self._engine, draft, prompt)
        except SpecError as error:
            at = ", ".join(f"{name}={value}" for name, value in point.items())
            raise SpecError(
                f"at {at or 'the only point'}: {error.message}", hint=error.hint
            ) from error
        if run.id in self.runs:
            return
        origin = Origin(sweep=self._sweep, number=len(self.runs) + 1, point=dict(point))
        self.runs[run.id] = run.model_copy(update={"origin": origin})
        self.prompts[prompt.id] = prompt

    def _usual(self, prompt: PromptSpec, varied: Mapping[str, Any]) -> dict[str, float]:
        """Equal shares for the controls that nobody speaks of."""
        found = shares(self._engine, prompt)
        return {str(key): weight for key, weight in found.items() if str(key) not in varied}

    def _prompt(self, source: PromptSpec, line: Words, point: Mapping[str, Value]) -> PromptSpec:
        texts = {name: str(point[name]) for name in TEXTS if name in point}
        fills = {name: point[name] for name in self._holes}
        if texts:
            negative = texts.get("negative_prompt", line.negative_prompt)
            line = Words(texts.get("prompt", line.prompt), negative, line.name, line.fills)
        return with_words(source, line, fills)

    def _split(
        self, point: Mapping[str, Value]
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        weights, parameters, options = dict[str, Any](), dict[str, Any](), dict[str, Any]()
        for name, value in point.items():
            if name in TEXTS or name in self._holes:
                continue
            parameter = SHORT.get(name, name)
            if parameter in self._engine.limits:
                parameters[parameter] = value
            elif name in self._engine.Options.model_fields:
                options[name] = str(value)
            else:
                weights[str(modality_of(name, "--vary"))] = float(value)
        return weights, parameters, options

    def _in_range(self, name: str, value: Value) -> Value:
        """A drawn number as the engine takes it: whole where it must be, within its range."""
        axis, limit = self._axes[name], self._engine.limits.get(SHORT.get(name, name))
        if not axis.drawn or isinstance(value, str):
            return value
        whole = name in ("seed", "num_steps", "steps", "fps") or bool(limit and limit.whole)
        low, high = (limit.low, limit.high) if limit else (None, None)
        if limit is None and _is_modality(name):
            low, high = 0.0, self._engine.max_weight
        inside = max(value, low) if low is not None else value
        inside = min(inside, high) if high is not None else inside
        inside = round(inside) if whole else inside
        if axis.kind != "choice" and abs(inside - value) > (0.5 if whole else 0):
            self.clipped[name] = self.clipped.get(name, 0) + 1
        return inside if axis.kind != "choice" else value


def _name(prompt: PromptSpec, point: Mapping[str, Value]) -> str:
    """``street seed=3 depth=0.2``: by its point, not its number, so that a longer sweep has the
    same RunSpecs again."""
    words = [f"{axis}={value}" for axis, value in point.items() if axis not in TEXTS]
    while sum(map(len, words)) > LONGEST_NAME:
        words.pop()
    return " ".join([prompt.name, *words])


def save(
    settings: Settings, drafted: Drafted, step: Callable[[float], None] = lambda share: None
) -> tuple[Path, list[Path]]:
    """Write the PromptSpecs that are new, the RunSpecs, and then the sweep: its file and theirs.

    What is there already is found again; one that was not saved to its end is saved by the same
    command.
    """
    prompts = {entry.id: entry.path for entry in library.all_prompts(settings)}
    for prompt in drafted.prompts.values():
        if prompt.id not in prompts:
            prompts[prompt.id] = prompt.write_new(settings.prompts_dir)
    known = {entry.id: entry.path for entry in library.all_runs(settings)}
    files = []
    for number, run in enumerate(drafted.runs):
        path = known.get(run.id)
        if path is None:
            place = portable(prompts[run.prompt_spec_id], settings)
            run = run.model_copy(update={"prompt_spec_path": place})
            path = run.write_new(settings.runs_dir)
        files.append(path)
        if number % 100 == 0:
            step(number / len(drafted.runs))
    return drafted.sweep.save(settings=settings), files


def run_specs_of(settings: Settings, text: str) -> list[Path]:
    """The files of a sweep's RunSpecs, in order; ``text``: its path, id, start of it, or name.

    Raises SpecError.
    """
    sweep = Sweep.load(library.find(settings, "sweep", text))
    known = {entry.id: entry.path for entry in library.all_runs(settings)}
    missing = [one for one in sweep.runs if one not in known]
    if missing:
        raise SpecError(
            f"{len(missing)} RunSpecs of {sweep.id} are not there any more: {missing[0]}",
            hint="the same cosmos sweep makes them again",
        )
    return [known[one] for one in sweep.runs]


def named(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``key=value`` pairs.  Raises SpecError."""
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise SpecError(f"{text!r} is not key=value", hint="like --weight depth=0.4")
        yield key.strip(), value


def weights_of(texts: Sequence[str]) -> dict[str, float]:
    """``--weight depth=0.4`` as numbers by modality.  Raises SpecError."""
    found: dict[str, float] = {}
    for key, value in named(texts):
        try:
            found[str(Modality(modality_of(key, "--weight")))] = float(value)
        except ValueError as error:
            raise SpecError(f"--weight {key}={value}: a number is needed here") from error
    return found
