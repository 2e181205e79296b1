"""What an engine is: pure functions from specs to a job, and from a job's words to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import Job
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media


class Options(BaseModel):
    """Base of an engine's own options: unknown keys and wrong types are errors.

    ``--option key=value`` arrives as text, so numbers and booleans are read from text here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Limit:
    """What an engine accepts for one parameter: its default, inclusive bounds or choices.

    ``whole``: whole numbers only, where our parameter may have a fraction.
    """

    default: float | int | str | None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    whole: bool = False

    def said(self) -> str:
        """What is accepted, in words."""
        if self.choices:
            return ", ".join(self.choices)
        number = "whole numbers " if self.whole else ""
        if self.low is None and self.high is None:
            return f"{number}of any size"
        if self.low is None:
            return f"{number}{self.high:g} or less"
        if self.high is None:
            return f"{number}{self.low:g} or more"
        return f"{number}{self.low:g} to {self.high:.12g}"


@dataclass(frozen=True)
class Needs:
    """What a machine must have: GPU memory in GiB, files below the checkpoint folder, image.

    ``dialect``: the engine speaks to a service, in this way; empty: a machine runs its command.
    """

    gpu_memory_gib: float = 0.0
    checkpoints: tuple[str, ...] = ()
    image: str = ""
    dialect: str = ""


@dataclass(frozen=True)
class Fit:
    """What an engine makes of a shot of some size and length.

    ``width`` x ``height``: the size it works at, in pixels.  ``notes``: what it will do to the
    frames, a line each.  ``faults``: why it would refuse them; empty when it takes them.
    """

    width: int
    height: int
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRequest:
    """One run with everything it refers to, resolved: what an engine plans from.

    ``input_video`` and ``controls`` are absolute paths; ``media`` has the facts of each of them.
    ``weights`` has a number, or the absolute path of a ``.pt`` map, for each control in use.
    """

    run_id: str
    job_name: str
    prompt: PromptSpec
    run: RunSpec
    input_video: Path | None
    controls: Mapping[Modality, Path]
    weights: Mapping[Modality, float | Path]
    media: Mapping[Path, Media]
    gpus: int = 1
    cuda_devices: str = ""
    time_limit: int = 0
    extra_files: Mapping[str, Path] = field(default_factory=dict)
    """Files that options name (masks, region videos), absolute, by the text that names them."""
    service: ServiceFacts | None = None
    """What the service says of itself, where the engine asks for it."""


@runtime_checkable
class Configured(Protocol):
    """An engine that has something from the settings: models that a person named."""

    def configured(self, settings: Settings) -> Engine:
        """The engine with what the settings say."""


class Engine(Protocol):
    """One model.  Every method is pure; ``engines/README.md`` is the recipe for a new one."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[Options]]
    modalities: ClassVar[tuple[Modality, ...]]
    limits: ClassVar[Mapping[str, Limit]]
    max_weight: ClassVar[float | None]
    """Greatest control weight, None for no bound; the least is 0."""
    max_batch: ClassVar[int]
    weight_maps: ClassVar[bool]
    """Whether a weight may be a ``.pt`` map."""
    makes: ClassVar[tuple[Modality, ...]]
    """Controls that can be made from the input video, asked for with an option ``auto`` where the
    engine has it; an edge control is made unasked where there is no video of it."""
    licence: ClassVar[str]
    """Under which terms the model may be used, in a line; empty for our own."""

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """Defaults of the shared parameters for this run's options (a distilled model's steps)."""

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for what the tables cannot say: combinations that the model refuses."""

    def files(self, run: RunSpec) -> Sequence[str]:
        """Stored paths of further files that the options name."""

    def needs(self, run: RunSpec | None = None) -> Needs:
        """What a machine must have for this run, or at least for any run."""

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """Settled runs with equal keys may share one loaded model: all that holds for a whole job.

        A run that must have a job of its own has a key of its own.
        """

    def asks_service(self, run: RunSpec) -> bool:
        """Whether the plan depends on what the service says of itself: ``request.service``."""

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What a settled run will be, a line each: size, frames, what is made on the way.

        For ``--dry-run`` and for the eyes.  Raises SpecError as ``plan`` does.
        """

    def fit(self, media: Media) -> Fit:
        """What it makes of videos of this size, rate and number of frames, before any are made."""

    def seconds(self, request: RunRequest) -> float | None:
        """GPU seconds that such a run usually takes on one H100, all GPUs added up; None: unknown.

        From the model's own published figures; an estimate for ``cosmos plan``.
        """

    def plan(self, requests: Sequence[RunRequest]) -> Job:
        """The job for up to ``max_batch`` requests.  Raises SpecError before anything is sent."""

    def progress(self, line: str) -> Progress | None:
        """What one line of the job's log says about how far it is."""

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the model says it used, under our names of the parameters; empty if it does not.

        ``documents``: the JSON files among the outputs, read, by path.
        """

    def made(self, line: str) -> str | None:
        """The path, in the workspace, of a result that is whole once this line was written.

        Of jobs that several runs share: the result then comes home while the job goes on.
        """

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """How the run went, from exit code, files and log lines.

        Succeeded names remote files, the result first.  Where runs share a job it may go on, or
        have been cut short: ``exit_code`` is then None, or not 0, and only a result that the log
        calls whole is one.  A run that the model had not turned to is Failed, not_begun.
        """
