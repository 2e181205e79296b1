"""The OpenAI-style videos API, as vLLM-Omni and SGLang serve it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.execution.dialect import Answer, Call, Download
from cosmos_workflow.execution.dialects.http_job import RESULT, HttpJob, Ways, place
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import Attached, RequestJob

NEWER: Mapping[str, tuple[tuple[int, int], str, str]] = {
    "control_weight": (
        (0, 27),
        "weights of controls",
        "give all controls the same weight, which is not sent, or use one control",
    ),
    "control_reference": (
        (0, 28),
        "uploaded controls",
        "--option controls=path puts it on the server's disk (via, below the service); edge and "
        "vis are also made by the server, of a PromptSpec without a video of them",
    ),
}
"""What a job may require: since which version of vLLM-Omni it is there, its name, the way out."""

OWNERS: Mapping[str, tuple[str, str]] = {
    "vllm": ("vLLM-Omni", "vllm_omni"),
    "sglang": ("SGLang", "sglang"),
}
"""By whom a server says that its models are owned: its name, and the engine that speaks to it."""

LARGEST_CONTROL = 512 * 2**20
"""Bytes of an uploaded control that the server takes."""


class Videos(HttpJob):
    """``POST /v1/videos``, look, ``/content``, ``DELETE``.

    A failed job is answered with its own error code as HTTP status and the job as body; jobs are
    in the server's memory, so one it does not know was lost in a restart.
    """

    name: ClassVar[str] = "videos"
    WAYS: ClassVar[Ways] = Ways(
        create="/v1/videos",
        look="/v1/videos/{id}",
        cancel=("DELETE", "/v1/videos/{id}"),
        phases={
            "queued": "queued",
            "in_progress": "running",
            "completed": "succeeded",
            "failed": "failed",
            "cancelled": "cancelled",
        },
        error="error",
        progress="progress",
        whole=100.0,
        kept=(
            "model", "size", "seconds", "fps", "num_frames", "duration_s", "inference_time_s",
            "peak_memory_mb", "stage_durations",
        ),
        probe="/v1/models",
    )  # fmt: skip

    def created(self, answer: Answer) -> str:
        """The id.  A server that has nowhere to put its results will not have it later either."""
        if answer.status == 503 and "output path" in answer.reason():
            raise SubmissionRejected(
                f"the server does not take videos: {answer.reason()}",
                hint="start it with --output-path",
            )
        return super().created(answer)

    def before(self, job: RequestJob) -> Sequence[Call]:
        """Whose server it is; which fields it knows, and its version, only where it matters."""
        more = ("/openapi.json", "/version") if job.requires else ()
        return [Call("GET", path) for path in (self.WAYS.probe, *more)]

    def allow(self, job: RequestJob, answers: Sequence[Answer]) -> None:
        """Raise SubmissionRejected for another engine's server, for what it is too old for, or an
        upload too large."""
        _check_owner(job, answers[0])
        if job.requires:
            known, version = _form_fields(answers[1]), _version(answers[2])
            for need in job.requires:
                _check_known(need, known, version)
        control = job.body.get("control_reference")
        for item in job.inputs:
            if isinstance(control, Attached) and item.key == control.key:
                _check_size(item.name, item.size)

    def downloads(self, ref: str, answer: Answer) -> Sequence[Download]:
        """The content of the job."""
        return (Download(RESULT, Call("GET", f"/v1/videos/{ref}/content"), not_yet="in-progress"),)

    def recent(self, job: RequestJob) -> Call | None:
        """The newest jobs of the server."""
        return Call("GET", "/v1/videos?limit=20&order=desc")

    def ours(self, answer: Answer, job: RequestJob, since: float) -> Sequence[str]:
        """Jobs with our prompt, created since."""
        jobs = place(answer.body, "data") if answer.ok else None
        return [
            str(one["id"])
            for one in (jobs if isinstance(jobs, list) else [])
            if isinstance(one, Mapping)
            and one.get("prompt") == job.body.get("prompt")
            and float(one.get("created_at") or 0) >= since
        ]

    def probe(self) -> Sequence[Call]:
        """Its models, and its version."""
        return (Call("GET", self.WAYS.probe), Call("GET", "/version"))

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready when it lists a model."""
        models, version = answers
        if models is None:
            return ServiceFacts(False, "no answer")
        rows = place(models.body, "data")
        names = [str(row.get("id")) for row in rows or [] if isinstance(row, Mapping)]
        said = "ready" if models.ok else models.reason()
        return ServiceFacts(
            models.ok and bool(names), said, _version(version) if version else "", tuple(names)
        )


def _check_owner(job: RequestJob, answer: Answer) -> None:
    """Both take the same calls, but other fields: each would refuse the other's in its own way."""
    owner = place(answer.body, "data.0.owned_by") if answer.ok else None
    server, engine = OWNERS.get(str(owner), ("", ""))
    if not server or job.engine == engine or job.engine not in dict(OWNERS.values()).values():
        return
    spec = next(iter(job.outputs)).partition(".")[0]
    raise SubmissionRejected(
        f"the server is {server}, and the run is for the engine {job.engine}. Nothing was sent",
        hint=f"cosmos create-run {spec} --engine {engine} makes a RunSpec for it; or name another "
        "--target",
    )


def _version(answer: Answer) -> str:
    """``0.27.1``; empty where the server does not say."""
    found = place(answer.body, "version") if answer.ok else None
    return found if isinstance(found, str) else ""


def _form_fields(answer: Answer) -> frozenset[str]:
    """The fields of the request that creates a video, by the server's own description."""
    if not answer.ok:
        return frozenset()
    schemas = place(answer.body, "components.schemas")
    forms: list[Any] = [
        schema.get("properties")
        for name, schema in (schemas.items() if isinstance(schemas, Mapping) else ())
        if isinstance(schema, Mapping) and name.startswith("Body_") and "video" in name
    ]
    return frozenset(key for form in forms if isinstance(form, Mapping) for key in form)


def _check_known(need: str, known: frozenset[str], version: str) -> None:
    since, what, way_out = NEWER[need]
    if need in known or "control_reference" in known:
        return  # uploads came after weights
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    described = need == "control_reference" and bool(known)
    if numbers and (int(numbers[1]), int(numbers[2])) >= since and not described:
        return
    named = f"vLLM-Omni {version}" if version else "the server, which does not say its version,"
    raise SubmissionRejected(
        f"{named} does not take {what}; they came with {since[0]}.{since[1]}. Nothing was sent",
        hint=way_out,
    )


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_CONTROL:
        raise SubmissionRejected(
            f"{name} has {size >> 20} MiB; the server takes controls up to 512 MiB",
            hint="--option controls=path puts it on the server's disk; or code it smaller",
        )
