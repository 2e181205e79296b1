"""A live trial of a service: one small video by the whole way of a run, and a record of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Paths, Settings
from cosmos_workflow.engines import nim_forms
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import ConfigError, HostError, HostUnreachable, did_you_mean
from cosmos_workflow.events import Event
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import assemble, match
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows import smoke_record as record
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.collect import main_output
from cosmos_workflow.workflows.request import How

PROMPT = "A quiet street at dusk after rain, warm light in the windows, slow camera."


@dataclass(frozen=True)
class Wants:
    """What a live trial of an engine wants, and what shows that it went well."""

    required: Mapping[str, str]
    optional: Mapping[str, str]
    host: tuple[str, ...]
    command: str
    signal: str
    small: Mapping[str, Mapping[str, Any]]
    """The least that each form of a request may ask for, as options."""


WANTS: Mapping[str, Wants] = {
    "nim": Wants(
        required={"COSMOS_BASE_URL": "where the NIM is, like http://localhost:8000"},
        optional={"NVIDIA_API_KEY": "sent as a bearer token; a NIM of your own wants none"},
        host=(
            "the running NIM container, its GPU and its model cache",
            "NGC_API_KEY, which starts the container and is never needed here",
            "guardrails and their switches (NIM_ENABLE_TEXT_GUARDRAILS and others)",
        ),
        command="cosmos smoke nim --output smoke.mp4 --summary-json smoke.json "
        "--run-manifest manifest.json",
        signal="exit code 0, SUCCESS, and an MP4 that decodes",
        small={
            "cosmos3": {"resolution": "256", "duration": 1},
            "transfer25": {"resolution": "256"},
        },
    )
}


@dataclass(frozen=True)
class Trial:
    """What to try: words, what else, and where the three files go (None: not written)."""

    engine: str
    target: str = ""
    prompt: str = PROMPT
    input_video: Path | None = None
    options: tuple[str, ...] = ()
    output: Path | None = None
    summary: Path | None = None
    manifest: Path | None = None

    def places(self) -> Mapping[str, Path]:
        """The files that are to be written, by flag."""
        named = {
            "--output": self.output,
            "--summary-json": self.summary,
            "--run-manifest": self.manifest,
        }
        return {flag: path for flag, path in named.items() if path is not None}


def wants(engine: str) -> Wants:
    """What a trial of the engine wants.  Raises ConfigError."""
    if engine not in WANTS:
        raise ConfigError(
            f"there is no smoke test of {engine!r}",
            hint=f"{did_you_mean(engine, list(WANTS))}there is one of {', '.join(WANTS)}",
        )
    return WANTS[engine]


def smoke(
    settings: Settings, trial: Trial, show: Callable[[Iterator[Event]], object]
) -> Mapping[str, Any]:
    """One generation in a project of its own, which is gone afterwards.  Returns the summary.

    All files are written whether it went well or not, also when the service is not there.  Raises
    ConfigError, HostError, SpecError when nothing could be asked.
    """
    wanted, began = wants(trial.engine), time.monotonic()
    for flag, path in trial.places().items():
        record.check_place(flag, path)
    target = trial.target or trial.engine
    assemble.target(settings, target).close()
    match.check(settings, trial.engine, assemble.engine(trial.engine).needs().dialect, target)
    with tempfile.TemporaryDirectory(prefix="cosmos-smoke-") as root:
        project = settings.model_copy(update={"root": Path(root), "paths": Paths()})
        bench = assemble.bench(project, trial.engine, target)
        try:
            try:
                run, prompt = _specs(bench, trial, wanted)
            except HostError as error:
                _recorded(trial, wanted, None, record.not_asked(error), time.monotonic() - began)
                raise
            how = How(time_limit=settings.defaults.time_limit)
            started = line.start(bench, run, prompt, how, say=lambda text: None)
            with _ended(bench, started.folder):
                show(line.carry_on(bench, started.folder))
            result = main_output(started.folder)
            if result is not None and trial.output is not None:
                record.keep(result, trial.output)
            became = record.summary_of(started.folder, trial.output)
            return _recorded(trial, wanted, started.folder, became, time.monotonic() - began)
        finally:
            bench.target.close()


def _recorded(
    trial: Trial,
    wanted: Wants,
    folder: RunFolder | None,
    became: Mapping[str, Any],
    seconds: float,
) -> Mapping[str, Any]:
    """Write summary and manifest; the summary is returned."""
    summary = {
        "engine": trial.engine,
        "target": trial.target or trial.engine,
        "status": became["status"],
        "seconds": round(seconds, 1),
        "prompt": trial.prompt,
        **became,
    }
    record.save(trial.summary, summary)
    names = [*wanted.required, *wanted.optional]
    record.save(trial.manifest, record.manifest_of(folder, names, summary))
    return summary


@contextmanager
def _ended(bench: Bench, folder: RunFolder) -> Iterator[None]:
    """However it is left, no request stays behind that nobody knows of."""
    try:
        yield
    finally:
        if not folder.run().status.final:
            line.cancel(bench, folder)


def _specs(bench: Bench, trial: Trial, wanted: Wants) -> tuple[RunSpec, PromptSpec]:
    service = bench.target.facts().service
    if service is None or not service.ready:
        said = service.message if service else "it says nothing of itself"
        raise HostUnreachable(
            f"{bench.target.name} is not ready: {said}",
            hint=f"cosmos smoke {trial.engine} --needs says what it wants",
        )
    form = nim_forms.named_by(service.models)
    options = dict(wanted.small.get(form.name if form else "", {}))
    options |= dict(text.partition("=")[::2] for text in trial.options)
    settings = bench.settings
    prompt = PromptSpec.create(
        "smoke", trial.prompt, input_video_path=trial.input_video, settings=settings
    )
    run = RunSpec.create(
        name="smoke",
        prompt_spec_id=prompt.id,
        prompt_spec_path=portable(prompt.save(settings=settings), settings),
        engine=trial.engine,
        options=options,
        control_weights={"edge": 1.0} if form is nim_forms.TRANSFER25 else {},
    )
    return settle(bench.engine, run, prompt), prompt
