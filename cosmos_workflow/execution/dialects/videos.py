"""The OpenAI-style videos API, as vLLM-Omni and SGLang serve it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from cosmos_workflow.execution.dialect import Answer, Call, Download
from cosmos_workflow.execution.dialects.http_job import RESULT, HttpJob, Ways, place
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import RequestJob


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

    def downloads(self, ref: str, answer: Answer) -> Sequence[Download]:
        """The content of the job."""
        return (Download(RESULT, Call("GET", f"/v1/videos/{ref}/content")),)

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

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready when it lists a model."""
        (answer,) = answers
        if answer is None:
            return ServiceFacts(False, "no answer")
        rows = place(answer.body, "data")
        names = [str(row.get("id")) for row in rows or [] if isinstance(row, Mapping)]
        said = "ready" if answer.ok else answer.reason()
        return ServiceFacts(answer.ok and bool(names), said, models=tuple(names))
