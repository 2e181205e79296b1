"""The dialects and the engine of the server that misbehaves (``servers/faults.py``), as another
package brings them: by entry points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.request import RequestEngine
from cosmos_workflow.execution.dialect import Answer, Call
from cosmos_workflow.execution.dialects.http_job import HttpJob, Ways, place
from cosmos_workflow.execution.job import Attached, Input, RequestJob

TOKEN = "s3cr3t-t0ken/1+2"
SIGNATURE = "s3cr3t-signature"

ENTRY_POINTS = """[cosmos_workflow.dialects]
films = films:Films
unlisted = films:Unlisted

[cosmos_workflow.engines]
films = films:FilmsEngine
unlisted = films:UnlistedEngine
"""


class Films(HttpJob):
    """It lists its jobs."""

    name: ClassVar[str] = "films"
    token: ClassVar[str] = "FILMS_TOKEN"
    WAYS: ClassVar[Ways] = Ways(
        create="/jobs",
        look="/jobs/{id}",
        cancel=("DELETE", "/jobs/{id}"),
        phases={"queued": "queued", "done": "succeeded", "cancelled": "cancelled"},
        output="output",
        progress="progress",
        kept=("output",),
        probe="/health",
    )

    def recent(self, job: RequestJob) -> Call | None:
        """All of them."""
        return Call("GET", "/jobs")

    def ours(self, answer: Answer, job: RequestJob, since: float) -> Sequence[str]:
        """By name."""
        return [
            row["id"]
            for row in place(answer.body, "jobs")
            if row["name"] == job.body["name"] and row["created"] >= since
        ]

    def upload(self, key: str, media_type: str) -> Call | None:
        """Its store."""
        return Call("POST", "/files", {"content": Attached(key, "file", media_type)}, "form")

    def uploaded(self, answer: Answer) -> str:
        """The address there."""
        return str(place(answer.body, "url"))


class Unlisted(Films):
    """The same, without a list."""

    name: ClassVar[str] = "unlisted"

    def recent(self, job: RequestJob) -> Call | None:
        """There is none."""
        return None


class Keyed(Unlisted):
    """The same, where a job's name makes a repeat harmless."""

    WAYS: ClassVar[Ways] = Ways(
        create="/jobs",
        look="/jobs/{id}",
        phases={"done": "succeeded"},
        idempotency="Idempotency-Key",
    )


class FilmsEngine(RequestEngine):
    """Sends the input video, and gets another one."""

    name: ClassVar[str] = "films"
    dialect: ClassVar[str] = "films"
    summary: ClassVar[str] = "A film of a film"

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """One form."""
        (one,) = requests
        assert one.input_video is not None
        return RequestJob(
            name=one.job_name,
            engine=self.name,
            dialect=self.name,
            body={"name": one.job_name, "video": Attached("color", "file")},
            encoding="form",
            inputs=(Input("color", "color.mp4", one.input_video),),
            outputs={one.run_id: ("outputs/*",)},
            time_limit=one.time_limit,
        )


class UnlistedEngine(FilmsEngine):
    """The same for the service without a list."""

    name: ClassVar[str] = "unlisted"
    dialect: ClassVar[str] = "unlisted"


def installed(folder: Path) -> dict[str, str]:
    """The environment of a command for which this package is installed."""
    facts = folder / "films-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: films\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS)
    return {"PYTHONPATH": f"{folder}:{Path(__file__).parent}", "FILMS_TOKEN": TOKEN}
