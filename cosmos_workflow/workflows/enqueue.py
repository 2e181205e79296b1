"""From what a person names to wishes for the queue, each checked before the first is added."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable, resolve
from cosmos_workflow.runs.queue import Wish
from cosmos_workflow.workflows import assemble, match
from cosmos_workflow.workflows.request import How, prompt_of
from cosmos_workflow.workflows.sweep import run_specs_of

LISTS = (".txt", ".jsonl")
"""Endings of files that name RunSpecs, one a line."""


@dataclass(frozen=True)
class Where:
    """Where items may run and what they come with, besides their specs.

    ``after``: the run that has to succeed before; or a RunSpec, whose run is still to come.
    """

    targets: tuple[str, ...]
    how: How
    label: str = ""
    priority: int = 0
    again: bool = False
    after: str = ""


def files_of(settings: Settings, texts: Sequence[str]) -> list[Path]:
    """The RunSpec files that the words mean, each once: path, glob, id, name, sweep, or a text or
    JSONL file that names them.  Raises SpecError."""
    found: dict[Path, None] = {}
    runs, sweeps = library.Shelf(settings, "run"), library.Shelf(settings, "sweep")
    for text in texts:
        files = _files(settings, runs, sweeps, text)
        found |= dict.fromkeys(path.absolute() for path in files)
    return list(found)


def _files(
    settings: Settings, runs: library.Shelf, sweeps: library.Shelf, text: str
) -> Iterator[Path]:
    if any(mark in text for mark in "*?[") and not Path(text).exists():
        pattern = Path(text)
        base = Path(pattern.anchor) if pattern.is_absolute() else Path()
        names = sorted(base.glob(str(pattern.relative_to(base))))
        if not names:
            raise SpecError(f"no file fits {text!r}", hint="cosmos list runs shows the RunSpecs")
        yield from names
    elif Path(text).suffix in LISTS and Path(text).is_file():
        yield from _listed(runs, Path(text))
    elif text.startswith("sw_") or sweeps.fits(text):
        yield from run_specs_of(settings, text)
    else:
        yield runs.find(text)


def _listed(runs: library.Shelf, file: Path) -> Iterator[Path]:
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        try:
            name = _named(text) if file.suffix == ".jsonl" else text.strip()
            yield runs.find(name)
        except SpecError as error:
            raise SpecError(f"{file}, line {number}: {error.message}", hint=error.hint) from error


def _named(line: str) -> str:
    """A line of JSON: a name, or an object that has one as "run_spec", "path" or "id"."""
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise SpecError(f"it is not JSON: {error}") from error
    if isinstance(value, dict):
        value = next((value[key] for key in ("run_spec", "path", "id") if key in value), None)
    if not isinstance(value, str):
        raise SpecError("it names no RunSpec", hint='like {"run_spec": "rs_1f2e3d4c"}')
    return value


def wishes(settings: Settings, files: Sequence[Path], where: Where) -> Iterator[Wish]:
    """A wish for each file, settled by its engine.  Raises SpecError, naming the file."""
    engines: dict[str, Engine] = {}
    prompts: dict[str, PromptSpec] = {}
    checked: set[str] = set()
    for file in files:
        run = RunSpec.load(file)
        engine = engines.setdefault(run.engine, assemble.engine(run.engine, settings))
        try:
            if run.prompt_spec_id not in prompts:
                prompts[run.prompt_spec_id] = prompt = prompt_of(settings, run)
                _check_files(settings, prompt)
            prompt = prompts[run.prompt_spec_id]
            run = settle(engine, run, prompt)
            if run.id == where.after:
                raise SpecError("it cannot wait for itself", hint="name another one with --after")
            if run.engine not in checked:
                checked.add(run.engine)
                for name in where.targets:
                    _check_place(settings, engine, run, name)
        except SpecError as error:
            raise SpecError(f"{file}: {error.message}", hint=error.hint) from error
        yield Wish(
            spec=run.id,
            path=portable(file, settings),
            name=run.name,
            engine=run.engine,
            batch_key=" after ".join(filter(None, (engine.batch_key(run, prompt), where.after))),
            max_batch=engine.max_batch,
            targets=where.targets,
            gpus=where.how.gpus,
            time_limit=where.how.time_limit,
            again=where.again,
            label=where.label,
            priority=where.priority,
            after=where.after,
        )


def _check_place(settings: Settings, engine: Engine, run: RunSpec, name: str) -> None:
    """Raise ConfigError where a target cannot run the engine: better now than at night.

    Nothing is connected, and no service is asked.
    """
    needs = engine.needs(run)
    match.check(settings, engine.name, needs.dialect, name)
    if not needs.dialect:
        place = assemble.target(settings, name)
        place.check(CommandJob(run.id, engine.name, (), {}, needs.image or None))
        place.close()


def _check_files(settings: Settings, prompt: PromptSpec) -> None:
    named = [prompt.input_video_path, *prompt.control_inputs.values()]
    missing = [path for path in named if path and not resolve(path, settings).is_file()]
    if missing:
        raise SpecError(
            "these files are not there: " + ", ".join(missing),
            hint="paths in specs are relative to the project root (the folder of config.toml)",
        )


def targets_of(settings: Settings, text: str, how: How) -> tuple[str, ...]:
    """The targets of ``--targets a,b``, else the default one.  Raises ConfigError or SpecError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    names = list(dict.fromkeys(names)) or [settings.default_target]
    rows = settings.all_targets()
    for name in names:
        assemble.target(settings, name).close()  # it knows why there is none of that name
    narrow = [n for n in names if rows[n].pins_gpus and how.gpus > rows[n].gpus_per_slot]
    if narrow == names:
        raise SpecError(
            f"{how.gpus} GPUs for a run are more than a slot of {', '.join(names)} has",
            hint=f"set gpus_per_slot = {how.gpus} there, or fewer --num-gpu",
        )
    return tuple(name for name in names if name not in narrow)
