"""A Cosmos NIM: ``POST /v1/infer``, answered with the video in base64; also where it is hosted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from cosmos_workflow.errors import HostError, HostUnreachable
from cosmos_workflow.execution.dialect import Answer, Call, reason
from cosmos_workflow.execution.dialects.http_job import RESULT, place
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import RequestJob

READY = "/v1/health/ready"

STATUS = "https://api.nvcf.nvidia.com/v2/nvcf/pexec/status/"
"""Where a hosted request that takes longer is asked after."""

LONGEST_POLL = 300
"""Seconds that a hosted request may be held before it answers 202."""

_KEPT: Mapping[str, type] = {
    "seed": int, "upsampled_prompt": str, "model": str, "status": str, "id": str
}  # fmt: skip
"""Facts of an answer that are kept, and what each has to be."""


class Nim:
    """The dialect of every Cosmos NIM; what is in the request is the engine's."""

    name: ClassVar[str] = "nim"
    token: ClassVar[str] = "NVIDIA_API_KEY"
    url: ClassVar[str] = ""

    def headers(self, token: str) -> Mapping[str, str]:
        """A bearer token, where there is one: a NIM of one's own wants none."""
        sign = {"Authorization": f"Bearer {token}"} if token else {}
        return {"Accept": "application/json", **sign}

    def root(self, url: str) -> str:
        """Without the ``/v1`` that other services want at its end, or the whole of the call."""
        return url.rstrip("/").removesuffix("/infer").removesuffix("/v1")

    def ready(self, url: str) -> Call | None:
        """Its own health; a hosted one has no such call for us."""
        return None if is_hosted(url) else Call("GET", READY)

    def is_ready(self, answer: Answer) -> str:
        """The text ``status``.  Raises HostUnreachable while it loads, HostError for no NIM."""
        if not answer.ok:
            fault = HostUnreachable if answer.status in (429, 502, 503, 504) else HostError
            raise fault(
                f"the NIM is not ready ({READY}: HTTP {answer.status}): {answer.reason()}",
                hint="it loads its model for some minutes after its start; docker logs says more",
            )
        if not isinstance(answer.body, Mapping):
            raise HostError(
                f"{READY} does not answer with JSON but with {answer.text[:60]!r}",
                hint="is the address that of a NIM, like http://localhost:8000?",
            )
        status = answer.body.get("status")
        if not isinstance(status, str):
            raise HostError(
                f'{READY} answers without the text "status": '
                f"{json.dumps(answer.body, ensure_ascii=False)[:80]}",
                hint="is the address that of a NIM, like http://localhost:8000?",
            )
        return status

    def create(self, job: RequestJob, url: str) -> Call:
        """One POST.  A hosted one is told how long it may hold us before it says 202."""
        poll = str(min(LONGEST_POLL, max(1, (job.patience or LONGEST_POLL) - 1)))
        headers = {"NVCF-POLL-SECONDS": poll}
        return Call("POST", infer(url), job.body, headers=headers, repeat=False)

    def again(self, job: RequestJob, url: str, answer: Answer) -> Call | None:
        """The status of a hosted request.  Raises HostError where it is not named."""
        if answer.status != 202:
            return None
        ref = answer.headers.get("nvcf-reqid", "")
        if not ref:
            raise HostError("the service accepted the request (202) and does not say which it is")
        root = STATUS if is_hosted(url) else "/v2/nvcf/pexec/status/"
        headers = self.create(job, url).headers
        return Call("GET", root + quote(ref, safe=""), headers=headers, ours=True)

    def result(self) -> Mapping[str, str]:
        """The video."""
        return {"b64_video": RESULT}

    def fault(self, fields: Mapping[str, Any]) -> str:
        """A status that says so."""
        status = fields.get("status")
        if isinstance(status, str) and status.lower() in ("failed", "error", "rejected"):
            said = reason({key: value for key, value in fields.items() if key != "status"})
            return f"the NIM says {status}: {said or 'and not why'}"
        return ""

    def missing(self, fields: Mapping[str, Any]) -> str:
        """A video that is somewhere else, or nowhere."""
        if "b64_video" in fields:
            return ""
        links = [key for key, value in fields.items() if _leads_elsewhere(value)]
        if links:
            return (
                f"the NIM names an address ({links[0]}) where the video is, instead of the video; "
                "that is not supported, and nothing was fetched"
            )
        return f"the answer has no b64_video, only {', '.join(sorted(fields)) or 'nothing'}"

    def better(self, job: RequestJob, call: Call, fields: Mapping[str, Any]) -> Call | None:
        """A video is taken as it is."""
        return None

    def written(self, job: RequestJob, fields: Mapping[str, Any]) -> Mapping[str, str]:
        """The result is no text."""
        return {}

    def told(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Seed, upsampled prompt, model."""
        return {
            key: fields[key]
            for key, kind in _KEPT.items()
            if isinstance(fields.get(key), kind) and not isinstance(fields[key], bool)
        }

    def probe(self) -> Sequence[Call]:
        """Health, then which model and version."""
        return (Call("GET", READY), Call("GET", "/v1/metadata"), Call("GET", "/v1/models"))

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready by its health; models and version as far as it tells."""
        health, metadata, models = answers
        if health is None:
            return ServiceFacts(False, "no answer")
        try:
            said = self.is_ready(health)
        except HostError as error:
            return ServiceFacts(False, error.message)
        known = metadata.body if metadata and metadata.ok else None
        version = place(known, "version")
        return ServiceFacts(
            True, said, version if isinstance(version, str) else "", _models(known, models)
        )


def is_hosted(url: str) -> bool:
    """Whether the address is NVIDIA's own."""
    host = urlsplit(url).hostname or ""
    return host.endswith(".nvidia.com")


def infer(url: str) -> str:
    """Where a generation is asked of: the whole address where it names more than a machine."""
    return url if is_hosted(url) and urlsplit(url).path.strip("/") else "/v1/infer"


def _leads_elsewhere(value: Any) -> bool:
    """An address, or objects and lists that hold one."""
    if isinstance(value, str):
        return value.startswith(("http://", "https://", "s3://", "gs://"))
    if isinstance(value, Mapping):
        return any(_leads_elsewhere(item) for item in value.values())
    return isinstance(value, list) and any(_leads_elsewhere(item) for item in value)


def _models(metadata: Any, models: Answer | None) -> tuple[str, ...]:
    """Names of models in ``/v1/metadata``, then in ``/v1/models``."""
    rows = place(metadata, "modelInfo")
    names = [
        str(row.get("shortName") or row.get("modelUrl"))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and (row.get("shortName") or row.get("modelUrl"))
    ]
    listed = place(models.body, "data") if models and models.ok else None
    names += [
        str(row["id"])
        for row in (listed if isinstance(listed, list) else [])
        if isinstance(row, Mapping) and row.get("id")
    ]
    return tuple(dict.fromkeys(names))
