"""The files of a live trial: what was asked and came, without a value that anybody must not see."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cosmos_workflow.engines.request import answer
from cosmos_workflow.errors import CosmosError, MediaError, SpecError
from cosmos_workflow.events import Exchanged, ExecutionStatus
from cosmos_workflow.execution.job import Attached, RequestJob, fill_attached
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.collect import main_output

_LEAST = 1 << 16
"""Bytes that there has to be room for."""


def check_place(flag: str, path: Path) -> None:
    """Raise SpecError or MediaError where ``path`` cannot become a file, before a video is paid."""
    if path.is_dir():
        raise SpecError(f"{flag} {path} is a folder", hint="name the file to be written")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as trial:
            trial.write(bytes(_LEAST))  # an empty file fits on a full disk as well
    except OSError as error:
        raise MediaError(f"{flag} {path} cannot be written: {error.strerror}") from error


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    try:
        with landing(path) as part:
            yield part
    except OSError as error:
        raise MediaError(
            f"{path} cannot be written: {error.strerror}", hint="make room there, or name another"
        ) from error


def keep(result: Path, output: Path) -> None:
    """The video under the name that was asked for."""
    with _written(output) as part:
        part.write_bytes(result.read_bytes())


def save(path: Path | None, data: Mapping[str, Any]) -> None:
    """A record as a JSON file; nothing without ``path``."""
    if path is not None:
        with _written(path) as part:
            text = json.dumps(fill_attached(data, str), ensure_ascii=False, indent=2)
            part.write_text(text + "\n", encoding="utf-8")


def summary_of(folder: RunFolder, output: Path | None) -> dict[str, Any]:
    """What became of the run; ``output``: where its video was put."""
    run, job = folder.run(), folder.job()
    told, result = answer(folder.log_lines()), main_output(folder)
    video = _video(run, result)
    if video and output is not None:
        video["path"] = str(output)
    assert isinstance(job, RequestJob)
    return {
        "status": str(run.status),
        "mode": _mode(job),
        **{key: told.get(key) for key in ("model", "seed", "upsampled_prompt", "content_type")},
        "base_url": told.get("url"),
        "video": video or None,
        "error": None if run.status is ExecutionStatus.SUCCESS else run.message,
        # Whose hint names the run means a folder that is gone when this is read.
        "hint": run.hint if run.hint and folder.id not in run.hint else None,
    }


def not_asked(error: CosmosError) -> dict[str, Any]:
    """The same of a trial that did not come as far as asking."""
    nothing = ("mode", "model", "seed", "upsampled_prompt", "content_type", "base_url", "video")
    return {
        "status": str(ExecutionStatus.FAILED),
        **dict.fromkeys(nothing),
        "error": error.message,
        "hint": error.hint or None,
    }


def manifest_of(
    folder: RunFolder | None, variables: Sequence[str], summary: Mapping[str, Any]
) -> dict[str, Any]:
    """What was there and what happened, without a value that somebody may want to keep."""
    events = [event for event, _ in folder.events()] if folder else []
    job, video = folder.job() if folder else None, summary["video"] or {}
    fields = _shape(job.body) if isinstance(job, RequestJob) else None
    return {
        "schema": 1,
        "engine": summary["engine"],
        "status": summary["status"],
        "variables": {name: bool(os.environ.get(name)) for name in variables},
        "events": len(events),
        "calls": [asdict(event) for event in events if isinstance(event, Exchanged)],
        "input": {"mode": summary["mode"], "fields": fields},
        "result": {key: video.get(key) for key in ("sha256", "bytes")},
        "path": video.get("path"),
    }


def _video(run: Run, result: Path | None) -> dict[str, Any]:
    if result is None:
        return {}
    facts, (first, *_) = probe(result), run.outputs
    return {"bytes": first.size, "sha256": first.sha256, **asdict(facts)}


def _mode(job: RequestJob) -> str:
    return next((f"{key}2world" for key in ("image", "video") if key in job.body), "text2world")


def _shape(value: Any) -> Any:
    """Names and kinds of fields; of text the length."""
    if isinstance(value, Attached):
        return f"{value.media_type} as {value.form}"
    if isinstance(value, Mapping):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shape(item) for item in value]
    return f"text of {len(value)}" if isinstance(value, str) else value
