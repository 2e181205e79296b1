"""A live trial of a service: one small video by the whole way of a run, and a record of it."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Paths, Settings
from cosmos_workflow.engines import nim_forms
from cosmos_workflow.engines.request import answer
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import ConfigError, HostUnreachable, did_you_mean
from cosmos_workflow.events import Event, Exchanged, ExecutionStatus
from cosmos_workflow.execution.job import Attached, RequestJob, fill_attached
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows import run as line
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

    All files are written whether it went well or not.  Raises ConfigError, HostUnreachable,
    SpecError when nothing could be asked.
    """
    wanted, began = wants(trial.engine), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cosmos-smoke-") as root:
        project = settings.model_copy(update={"root": Path(root), "paths": Paths()})
        bench = assemble.bench(project, trial.engine, trial.target or trial.engine)
        try:
            run, prompt = _specs(bench, trial, wanted)
            how = How(time_limit=settings.defaults.time_limit)
            started = line.start(bench, run, prompt, how, say=lambda text: None)
            with _ended(bench, started.folder):
                show(line.carry_on(bench, started.folder))
            return _recorded(bench, started.folder, trial, wanted, time.monotonic() - began)
        finally:
            bench.target.close()


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
        said = service.message if service else "it is a machine, no service"
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


def _recorded(
    bench: Bench, folder: RunFolder, trial: Trial, wanted: Wants, seconds: float
) -> Mapping[str, Any]:
    run, result = folder.run(), main_output(folder)
    video = _video(run, result)
    if result is not None and trial.output is not None:
        with landing(trial.output) as part:
            part.write_bytes(result.read_bytes())
        video["path"] = str(trial.output)
    job = folder.job()
    assert isinstance(job, RequestJob)
    told = answer(folder.log_lines())
    summary = {
        "engine": trial.engine,
        "target": bench.target.name,
        "status": str(run.status),
        "seconds": round(seconds, 1),
        "prompt": trial.prompt,
        "mode": _mode(job),
        **{key: told.get(key) for key in ("model", "seed", "upsampled_prompt", "content_type")},
        "base_url": told.get("url"),
        "video": video or None,
        "error": None if run.status is ExecutionStatus.SUCCESS else run.message,
        "hint": run.hint or None,
    }
    _write(trial.summary, summary)
    _write(trial.manifest, _manifest(folder, job, wanted, summary))
    return summary


def _video(run: Run, result: Path | None) -> dict[str, Any]:
    if result is None:
        return {}
    facts, (first, *_) = probe(result), run.outputs
    return {"bytes": first.size, "sha256": first.sha256, **asdict(facts)}


def _mode(job: RequestJob) -> str:
    return next((f"{key}2world" for key in ("image", "video") if key in job.body), "text2world")


def _manifest(
    folder: RunFolder, job: RequestJob, wanted: Wants, summary: Mapping[str, Any]
) -> dict[str, Any]:
    """What was there and what happened, without a value that somebody may want to keep."""
    events = [event for event, _ in folder.events()]
    video = summary["video"] or {}
    return {
        "schema": 1,
        "engine": summary["engine"],
        "status": summary["status"],
        "variables": {name: bool(os.environ.get(name)) for name in _names(wanted)},
        "events": len(events),
        "calls": [asdict(event) for event in events if isinstance(event, Exchanged)],
        "input": {"mode": summary["mode"], "fields": _shape(job.body)},
        "result": {key: video.get(key) for key in ("sha256", "bytes")},
        "path": video.get("path"),
    }


def _names(wanted: Wants) -> Sequence[str]:
    return [*wanted.required, *wanted.optional]


def _shape(value: Any) -> Any:
    """Names and kinds of fields; of text the length."""
    if isinstance(value, Attached):
        return f"{value.media_type} as {value.form}"
    if isinstance(value, Mapping):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shape(item) for item in value]
    return f"text of {len(value)}" if isinstance(value, str) else value


def _write(path: Path | None, data: Mapping[str, Any]) -> None:
    if path is not None:
        with landing(path) as part:
            text = json.dumps(fill_attached(data, str), ensure_ascii=False, indent=2)
            part.write_text(text + "\n", encoding="utf-8")
