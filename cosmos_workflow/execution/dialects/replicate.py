"""Replicate: predictions by a model's version, an official model, or a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from cosmos_workflow.errors import ConfigError, HostUnreachable, SubmissionRejected
from cosmos_workflow.execution.dialect import Answer, Call, Seen
from cosmos_workflow.execution.dialects.http_job import HttpJob, Ways, place
from cosmos_workflow.execution.dialects.replicate_schema import faults, schema_of
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import Attached, RequestJob

INLINE = 256 * 1000
"""Bytes up to which Replicate wants a file in the request itself, as a data URI."""

LARGEST = 100 * 10**6
"""Bytes of a file that its store takes."""

LONGEST_HOLD = 60
"""Seconds that it holds a request at most."""

SHORTEST_LIFE = 5
"""Seconds below which it takes no deadline."""


class Replicate(HttpJob):
    """``job.route`` is "owner/name", "owner/name:version", or "deployments/owner/name".

    ``job.requires`` has the page of the model whose schema the input has to keep to; a model that
    is neither official nor pinned runs in its newest version.  ``job.patience``: seconds that the
    request may be held for a quick model.  Results are there for an hour.
    """

    name: ClassVar[str] = "replicate"
    token: ClassVar[str] = "REPLICATE_API_TOKEN"
    url: ClassVar[str] = "https://api.replicate.com/v1"
    inline: ClassVar[int] = INLINE
    WAYS: ClassVar[Ways] = Ways(
        create="/predictions",
        look="/predictions/{id}",
        cancel=("POST", "/predictions/{id}/cancel"),
        phases={
            "starting": "queued",
            "processing": "running",
            "succeeded": "succeeded",
            "failed": "failed",
            "canceled": "cancelled",
            "cancelled": "cancelled",
            "aborted": "failed",
        },
        output="output",
        log="logs",
        kept=("model", "version", "deployment", "metrics", "data_removed", "deadline"),
        probe="/account",
    )

    def create(self, job: RequestJob) -> Call:
        """One POST: where to depends on what is asked for, with a deadline and a hold."""
        headers: dict[str, str] = {}
        hold = min(job.patience, LONGEST_HOLD)
        if hold:
            headers["Prefer"] = f"wait={hold}"
        if job.time_limit:
            headers["Cancel-After"] = f"{max(job.time_limit, SHORTEST_LIFE)}s"
        body = dict(job.body)
        if job.route.startswith("deployments/"):
            path = f"/{job.route}/predictions"
        elif ":" in job.route:
            path, body = "/predictions", {"version": job.route, **body}
        else:
            path = f"/models/{job.route}/predictions"
        silence = hold + 30.0 if hold else 0.0
        return Call("POST", path, body, "json", headers, repeat=False, seconds=silence)

    def notified(self, call: Call, address: str) -> Call:
        """One call, when it is over."""
        told = {"webhook": address, "webhook_events_filter": ["completed"]}
        return replace(call, fields={**(call.fields or {}), **told})

    def refused(self, answer: Answer) -> str:
        """The problem's title and detail, and each field that it names."""
        if not isinstance(answer.body, Mapping):
            return answer.reason()
        title, detail = answer.body.get("title"), answer.body.get("detail")
        parts = [" ".join(str(part).split()) for part in (title, detail) if part]
        fields = answer.body.get("invalid_fields")
        for one in fields if isinstance(fields, list) else ():
            if isinstance(one, Mapping):
                said = one.get("description") or one.get("type") or "refused"
                parts.append(f"{one.get('field', '?')}: {said}")
        return "; ".join(parts)[:600] or answer.reason()

    # -- before anything is uploaded -------------------------------------------------------------

    def before(self, job: RequestJob) -> Sequence[Call]:
        """The page of the model."""
        return tuple(Call("GET", f"/{page}") for page in job.requires)

    def allow(self, job: RequestJob, answers: Sequence[Answer]) -> None:
        """Raise SubmissionRejected for a model that is not there, an input that its own schema
        does not take, or a file that is too large for the store."""
        for item in job.inputs:
            if item.size > LARGEST:
                raise SubmissionRejected(
                    f"{item.name} has {item.size / 1e6:.0f} MB; Replicate takes files up to "
                    f"{LARGEST / 1e6:.0f} MB",
                    hint="code it smaller, or cut it shorter; nothing was uploaded",
                )
        for page, answer in zip(job.requires, answers, strict=True):
            name = page.removeprefix("models/")
            if answer.status == 429 or answer.status >= 500:
                raise HostUnreachable(f"Replicate is not ready: {self.refused(answer)}")
            if not answer.ok:
                raise SubmissionRejected(
                    f"Replicate does not show the model {name} (HTTP {answer.status}): "
                    f"{self.refused(answer)}",
                    hint="see slug and version below [models.NAME] in config.toml; a private model "
                    "wants the token of its owner",
                )
            if found := faults(job.body.get("input", {}), schema_of(answer.body), answer.body):
                raise SubmissionRejected(
                    f"{name} does not take this input: " + "; ".join(found),
                    hint="nothing was uploaded; [models.NAME] says how its inputs are called, and "
                    f"https://replicate.com/{name.partition('/versions/')[0]}/api/schema what each "
                    "takes",
                )

    def settled(self, job: RequestJob, answers: Sequence[Answer]) -> RequestJob:
        """Pinned to the newest version, where the model is not an official one."""
        if not answers or ":" in job.route or job.route.startswith("deployments/"):
            return job
        (answer,) = answers
        newest = place(answer.body, "latest_version.id")
        if place(answer.body, "is_official") is True or not isinstance(newest, str):
            return job
        return replace(job, route=f"{job.route}:{newest}") if len(newest) == 64 else job

    # -- how it goes -----------------------------------------------------------------------------

    def seen(self, ref: str, answer: Answer) -> Seen:
        """As the table of phases says; one that its deadline ended was not cancelled by anybody."""
        seen = super().seen(ref, answer)
        if seen.phase == "cancelled" and _ended_by_deadline(answer.body):
            return replace(seen, phase="failed", told={**seen.told, "by_deadline": True})
        return seen

    def told(self, answer: Answer) -> dict[str, Any]:
        """Status, error, version, and the input without its files and long words."""
        found = super().told(answer)
        given = place(answer.body, "input")
        small = {
            key: value
            for key, value in (given.items() if isinstance(given, Mapping) else ())
            if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 80)
        }
        return {**found, **({"input": small} if small else {})}

    def recent(self, job: RequestJob) -> Call | None:
        """The newest predictions of the account."""
        return Call("GET", "/predictions")

    def ours(self, answer: Answer, job: RequestJob, since: float) -> Sequence[str]:
        """Predictions of our model since, with our input where the list tells it."""
        rows = place(answer.body, "results") if answer.ok else None
        return [
            str(row["id"])
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, Mapping)
            and row.get("id")
            and _is_of(row, job.route)
            and (_epoch(row.get("created_at")) or 0.0) >= since
            and _same_input(row.get("input"), job.body.get("input", {}))
        ]

    # -- its store, and itself -------------------------------------------------------------------

    def upload(self, key: str, media_type: str) -> Call | None:
        """A form with the file as its part ``content``; a second copy does no harm."""
        return Call("POST", "/files", {"content": Attached(key, "file", media_type)}, "form")

    def uploaded(self, answer: Answer) -> str:
        """Its address in the store."""
        found = place(answer.body, "urls.get")
        if answer.ok and isinstance(found, str) and found.startswith(("https://", "http://")):
            return found
        if answer.status == 429 or answer.status >= 500:
            raise HostUnreachable(f"Replicate's store is not ready: {self.refused(answer)}")
        raise SubmissionRejected(
            f"Replicate did not take the file (HTTP {answer.status}): {self.refused(answer)}"
        )

    def secret(self) -> Call | None:
        """The account's own."""
        return Call("GET", "/webhooks/default/secret")

    def signed_with(self, answer: Answer) -> str:
        """``whsec_...``."""
        key = place(answer.body, "key")
        if not (answer.ok and isinstance(key, str) and key):
            raise ConfigError(f"Replicate does not tell the webhooks' secret: {answer.reason()}")
        return key

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready when it knows whose token it is."""
        (answer,) = answers
        if answer is None:
            return ServiceFacts(False, "no answer")
        name = place(answer.body, "username")
        return ServiceFacts(answer.ok, f"account {name}" if answer.ok else answer.reason())


def _is_of(row: Mapping[str, Any], route: str) -> bool:
    if route.startswith("deployments/"):
        return row.get("deployment") in (route.removeprefix("deployments/"), None)
    model, _, version = route.partition(":")
    return row.get("model") in (model, None) and (not version or row.get("version") == version)


def _same_input(theirs: Any, ours: Mapping[str, Any]) -> bool:
    """Whether it may be ours; a list that tells no input does not speak against it."""
    if not isinstance(theirs, Mapping) or not theirs:
        return True
    known = {key: value for key, value in ours.items() if not isinstance(value, Attached)}
    return all(theirs.get(key) == value for key, value in known.items())


def _ended_by_deadline(body: Any) -> bool:
    deadline, over = _epoch(place(body, "deadline")), _epoch(place(body, "completed_at"))
    return deadline is not None and over is not None and over >= deadline - 1


def _epoch(text: Any) -> float | None:
    """Seconds of ``2026-01-02T03:04:05.678Z``."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
