"""What a run would do, send, take and cost, before any of it is done: ``cosmos plan``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.execution.job import (
    Attached,
    Derived,
    Input,
    Job,
    RequestJob,
    fill_attached,
)
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.plan_estimate import Estimate, estimate
from cosmos_workflow.workflows.request import How

_WAYS = {
    "file": "with the request, as a file",
    "base64": "with the request, in base64",
    "data_uri": "with the request, as a data URI",
    "path": "to the server's machine, once",
    "url": "to the service's own store",
}


@dataclass(frozen=True)
class Upload:
    """A file that a run sends.  ``size``: bytes on the way, None for one that is made first."""

    name: str
    source: Path
    size: int | None
    way: str


@dataclass(frozen=True)
class Drawn:
    """All that is known of a run before it is one.  ``text``: the exact command or request."""

    run: RunSpec
    target: str
    job: Job
    facts: tuple[str, ...]
    text: str
    uploads: tuple[Upload, ...]
    estimate: Estimate

    @property
    def upload_bytes(self) -> int:
        """Of the files whose size is known."""
        return sum(upload.size or 0 for upload in self.uploads)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "run_spec": self.run.id,
            "engine": self.run.engine,
            "target": self.target,
            "facts": self.facts,
            "parameters": next(iter(self.job.parameters.values()), {}),
            "plan": self.text,
            "uploads": [vars(upload) for upload in self.uploads],
            "upload_bytes": self.upload_bytes,
            **self.estimate.to_json(),
        }


def draw(bench: Bench, run: RunSpec, prompt: PromptSpec, how: How) -> Drawn:
    """The run as it would be.  Nothing is made, sent or started; raises what ``plan`` raises."""
    plan = line.plan(bench, run, prompt, how, f"{run.id}.N", f"{run.id}.N")
    kind = bench.settings.all_targets()[bench.target.name].kind
    return Drawn(
        run=run,
        target=bench.target.name,
        job=plan.job,
        facts=plan.facts,
        text=bench.target.explain(plan.job),
        uploads=tuple(uploads_of(plan.job, kind)),
        estimate=estimate(bench, plan.request, plan.job),
    )


def uploads_of(job: Job, kind: str) -> Iterator[Upload]:
    """The files a job sends to a target of some ``kind`` (local, ssh, http).

    What comes out of the job's own making (a script, a request's words) is small and not told.
    """
    forms = _forms(job) if isinstance(job, RequestJob) else {}
    machine = "copied, once" if kind == "local" else "to the machine, once"
    for item in job.inputs:
        form = forms.get(item.key, "")
        yield from _upload(item, form, _WAYS.get(form, machine))


def _upload(item: Input, form: str, way: str) -> Iterator[Upload]:
    if isinstance(item.source, Derived):
        yield Upload(item.name, item.source.source, None, f"made first, then {way}")
        return
    size = item.source.stat().st_size
    if form in ("base64", "data_uri"):
        size = -(-size // 3) * 4
    yield Upload(item.name, item.source, size, way)


def _forms(job: RequestJob) -> dict[str, str]:
    """How each input goes with a request, by its key."""
    found: dict[str, str] = {}

    def note(attached: Attached) -> None:
        found[attached.key] = attached.form

    fill_attached(job.body, note)
    return found
