"""A chat model behind ``POST /v1/chat/completions``, as OpenAI lays it out: the answer is text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cosmos_workflow.errors import HostError, TransferError
from cosmos_workflow.execution.dialect import Answer, Call, reason
from cosmos_workflow.execution.dialects.chat_text import (
    choice,
    content,
    is_refusal,
    json_of,
    message,
    spoken,
)
from cosmos_workflow.execution.dialects.http_job import place
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.schema import faults, filled

TEXT = "outputs/prompt.txt"
"""Where the answer is written, below the workspace."""

REFUSED = "the model refused: "
CUT_OFF = "the answer was cut off"

MOST_ANSWERS = 3
"""How often it is asked for an answer that has the shape it has to have."""

MOST_FAULTS = 12

_CALL, _MODELS = "/chat/completions", "/models"
_KEPT: Mapping[str, type] = {"id": str, "model": str, "system_fingerprint": str}


class Chat:
    """The dialect of every such server; what is asked is the engine's."""

    name: ClassVar[str] = "chat"
    token: ClassVar[str] = "COSMOS_CHAT_TOKEN"
    """A name of our own: no other service's token goes to whatever address is in the settings."""
    url: ClassVar[str] = ""

    def headers(self, token: str) -> Mapping[str, str]:
        """A bearer token, where there is one."""
        sign = {"Authorization": f"Bearer {token}"} if token else {}
        return {"Accept": "application/json", **sign}

    def root(self, url: str) -> str:
        """Where ``/chat/completions`` is below; a bare machine has it below ``/v1``."""
        url = url.rstrip("/").removesuffix(_CALL)
        return url if urlsplit(url).path.strip("/") else f"{url}/v1"

    def ready(self, url: str) -> Call | None:
        """Its list of models: not all of them have one, but all of them answer."""
        return Call("GET", _MODELS)

    def is_ready(self, answer: Answer) -> str:
        """Ready as soon as it answers.  Raises HostError where that is a fault of its own."""
        if answer.status >= 500:
            raise HostError(f"the service is at fault: HTTP {answer.status}: {answer.reason()}")
        return "ready"

    def create(self, job: RequestJob, url: str) -> Call:
        """One POST."""
        return Call("POST", _CALL, job.body, repeat=False)

    def again(self, job: RequestJob, url: str, answer: Answer) -> Call | None:
        """It is answered at once, or not at all."""
        return None

    def result(self) -> Mapping[str, str]:
        """No file is in the answer."""
        return {}

    def fault(self, fields: Mapping[str, Any]) -> str:
        """A refusal, or an error that was sent as an answer."""
        if fields.get("error"):
            return reason(fields["error"]) or "the service says error, and not which"
        said = message(fields).get("refusal")
        if isinstance(said, str) and said.strip():
            return f"{REFUSED}{' '.join(said.split())[:300]}"
        if choice(fields).get("finish_reason") == "content_filter":
            return f"{REFUSED}its content filter ended the answer"
        words = content(fields)
        return f"{REFUSED}{' '.join(spoken(words).split())[:300]}" if is_refusal(words) else ""

    def missing(self, fields: Mapping[str, Any]) -> str:
        """No words, or not all of them."""
        if not choice(fields):
            return f"the answer has no choices, only {', '.join(sorted(fields)) or 'nothing'}"
        why = choice(fields).get("finish_reason")
        if why == "length":
            tokens = place(fields, "usage.completion_tokens")
            return f"{CUT_OFF} after {tokens} tokens" if tokens else CUT_OFF
        if not spoken(content(fields)):
            return f"the answer has no text (finish_reason {why})"
        return ""

    def better(self, job: RequestJob, call: Call, fields: Mapping[str, Any]) -> Call | None:
        """The same again, with the answer and what is wrong with it.  Raises TransferError."""
        wrong = _wrong(job, fields)
        if not wrong:
            return None
        before = list((call.fields or {})["messages"])
        answers = 1 + (len(before) - len(job.body["messages"])) // 2
        shown = wrong[:MOST_FAULTS]
        if answers >= MOST_ANSWERS:
            raise TransferError(
                f"{answers} answers were not as they have to be; the last one: {'; '.join(shown)}",
                hint="a larger model does better: --option model=NAME",
            )
        said = "\n".join(f"- {line}" for line in shown)
        correction = (
            f"That answer is not as it has to be:\n{said}\n"
            "Answer once more with all of it, corrected, and with nothing else."
        )
        following = [
            *before,
            {"role": "assistant", "content": content(fields)},
            {"role": "user", "content": correction},
        ]
        return replace(call, fields={**(call.fields or {}), "messages": following})

    def written(self, job: RequestJob, fields: Mapping[str, Any]) -> Mapping[str, str]:
        """The words, or the JSON as Cosmos 3 was trained on it: on one line, in ASCII."""
        if not _is_json(job):
            return {TEXT: spoken(content(fields)) + "\n"}
        value, _ = json_of(content(fields))
        return {TEXT: json.dumps(filled(value, job.expects)) + "\n"}

    def told(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Which model it was, and how many tokens it took."""
        known = {
            key: fields[key] for key, kind in _KEPT.items() if isinstance(fields.get(key), kind)
        }
        for name in ("prompt_tokens", "completion_tokens"):
            tokens = place(fields, f"usage.{name}")
            if isinstance(tokens, int):
                known[name] = tokens
        return known

    def probe(self) -> Sequence[Call]:
        """Which models there are."""
        return (Call("GET", _MODELS),)

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """Ready when it answers; its models, where it lists them."""
        (listed,) = answers
        if listed is None:
            return ServiceFacts(False, "no answer")
        if listed.status >= 500:
            return ServiceFacts(False, f"HTTP {listed.status}: {listed.reason()}")
        rows = place(listed.body, "data") if listed.ok else None
        models = [
            str(row["id"])
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, Mapping) and row.get("id")
        ]
        return ServiceFacts(True, "ready", "", tuple(models))


def _is_json(job: RequestJob) -> bool:
    return bool(job.expects) and job.expects.get("type") != "string"


def _wrong(job: RequestJob, fields: Mapping[str, Any]) -> list[str]:
    """What keeps the answer from having the shape that the job expects, a line each."""
    words = content(fields)
    if not _is_json(job):
        return faults(spoken(words), job.expects, "the text")
    value, why = json_of(words)
    return [f"the answer: {why}"] if why else faults(filled(value, job.expects), job.expects)
