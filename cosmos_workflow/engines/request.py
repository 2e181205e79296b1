"""The answers that most engines give, for engines that are one request to a service."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Needs, RunRequest
from cosmos_workflow.events import Blocked, Failed, JobEnded, Output, Progress, Succeeded, Verdict
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts.run_spec import RunSpec


class RequestEngine(CommandEngine):
    """An engine whose job is a RequestJob; its result is ``outputs/output.mp4``.

    A subclass sets ``name``, ``summary`` and ``dialect``, writes ``plan``, and says in ``refusal``
    how its service tells that a guardrail refused.
    """

    dialect: ClassVar[str] = ""

    @abstractmethod
    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The request; each engine has its own."""

    def needs(self, run: RunSpec | None = None) -> Needs:
        """A service of its dialect."""
        return Needs(dialect=self.dialect)

    def progress(self, line: str) -> Progress | None:
        """The driver tells it by the service's own status."""
        return None

    def refusal(self, told: Mapping[str, Any], message: str) -> Blocked | None:
        """A guardrail's refusal, by its usual words."""
        words = message.lower()
        if "guardrail" not in words and "safety" not in words and "moderat" not in words:
            return None
        what = "generated video" if "video" in words and "prompt" not in words else "prompt"
        return Blocked(what, "guardrail", message, "change the words; the same is refused again")

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """Success with files, a guardrail's refusal, or the service's own error."""
        told = answer(log)
        if ended.exit_code == 0 and ended.files:
            files = sorted(ended.files, key=lambda file: not file.path.endswith(".mp4"))
            return Succeeded(tuple(Output(f.path, f.size, f.sha256) for f in files))
        if ended.exit_code == 0:
            hint = f"cosmos logs {run_id} has its last answer"
            return Failed("no_output", f"{self.name} says it is done and names no video", hint)
        message = words(told.get("error")) or f"{self.name} failed and does not say why"
        again = f"cosmos logs {run_id} has its last answer"
        return self.refusal(told, message) or Failed("engine", message, again)


def answer(log: Sequence[str]) -> Mapping[str, Any]:
    """The facts of the service's last answer: the last line of the log."""
    last = log[-1] if log else ""
    if not last.startswith("answer: "):
        return {}
    try:
        told = json.loads(last.removeprefix("answer: "))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def words(error: Any) -> str:
    """An error of any usual shape in words."""
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("detail") or json.dumps(error)
    return " ".join(str(error or "").split())[:600]
