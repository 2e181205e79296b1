"""The answers that most engines give, for engines that are one command: write ``plan`` and go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.events import Failed, JobEnded, Output, Progress, Succeeded, Verdict
from cosmos_workflow.execution.job import Job
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media


class CommandEngine(ABC):
    """An engine without controls, options or memory needs; its result is ``outputs/*.mp4``.

    A subclass sets ``name`` and ``summary``, writes ``plan``, and changes what is different.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[Options]] = Options
    modalities: ClassVar[tuple[Modality, ...]] = ()
    limits: ClassVar[Mapping[str, Limit]] = {}
    max_weight: ClassVar[float | None] = 1.0
    max_batch: ClassVar[int] = 1
    weight_maps: ClassVar[bool] = False
    makes: ClassVar[tuple[Modality, ...]] = ()
    licence: ClassVar[str] = ""

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """Each limit's own default."""
        return {name: limit.default for name, limit in self.limits.items()}

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:  # noqa: B027 (accepting is an answer)
        """Every combination is accepted."""

    def files(self, run: RunSpec) -> Sequence[str]:
        """The options name no files."""
        return ()

    def needs(self, run: RunSpec | None = None) -> Needs:
        """Nothing in particular."""
        return Needs()

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """Each run has a job of its own."""
        return run.id

    def asks_service(self, run: RunSpec) -> bool:
        """The plan is the same wherever it is run."""
        return False

    def facts(self, request: RunRequest) -> Sequence[str]:
        """Nothing worth a line."""
        return ()

    def fit(self, media: Media) -> Fit:
        """Any even size and any length as it is."""
        return Fit(media.width - media.width % 2, media.height - media.height % 2)

    def seconds(self, request: RunRequest) -> float | None:
        """Nobody has measured it."""
        return None

    @abstractmethod
    def plan(self, requests: Sequence[RunRequest]) -> Job:
        """The job; each engine has its own."""

    def progress(self, line: str) -> Progress | None:
        """The lines say nothing of progress."""
        return None

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """It does not say."""
        return {}

    def made(self, line: str) -> str | None:
        """A job has one run, and its result is whole when it ends."""
        return None

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """Exit code 0 and a video, or a failure with the last line of the log."""
        videos = sorted(
            (file for file in ended.files if file.path.endswith(".mp4") and file.size > 0),
            key=lambda file: file.path,
        )
        rest = [file for file in ended.files if file not in videos]
        if ended.exit_code == 0 and videos:
            return Succeeded(tuple(Output(f.path, f.size, f.sha256) for f in (*videos, *rest)))
        hint = f"cosmos logs {run_id} has everything it said"
        if ended.exit_code == 0:
            return Failed("no_output", f"{self.name} ended without an error and a video", hint)
        last = next((line.strip() for line in reversed(log) if line.strip()), "it said nothing")
        return Failed("engine", f"{self.name} ended with {ended.exit_code}: {last[:300]}", hint)
