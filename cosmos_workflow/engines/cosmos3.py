"""Cosmos 3 by its own framework: video from controls, text, an image or a video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cosmos_workflow.engines import (
    cosmos3_log,
    cosmos3_media,
    cosmos3_spec,
    cosmos3_verdict,
    vocabulary,
)
from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.cosmos3_media import Sources
from cosmos_workflow.engines.cosmos3_options import (
    DERIVABLE,
    Cosmos3Options,
    check,
    in_use,
    options_of,
)
from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.together import check_together, key_of, numbered, spec_name
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.job import CommandJob, Input, Place, WrittenFile
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

IMAGE = "cosmos3:latest"
"""A target's ``images.cosmos3`` or ``image`` goes before it."""

GPU_MEMORY_GIB: Mapping[str, float] = {"nano": 46.0, "super": 75.0, "edge": 16.0}
"""Of each GPU: the weights, and as much as a video at 720 was seen to take."""

LIMITS: Mapping[str, Limit] = {
    "seed": Limit(2026, 0, 2**32 - 1, help="another number, another take"),
    "num_steps": Limit(35, 1, 200, help="more: finer, and as much slower"),
    "guidance": Limit(6.0, 0.0, 7.0, help="the higher, the closer to the prompt"),
    "fps": Limit(None, 1, 120, help="left away: the input's, or 24"),
    "blur_strength": Limit("medium", choices=tuple(BlurStrength), help="how far vis is blurred"),
    "canny_threshold": Limit(
        "medium", choices=tuple(CannyThreshold), help="how strong an edge must be to count"
    ),
}


ONCE = (
    "model", "checkpoint_path", "disable_guardrails", "offload_guardrail_models",
    "diffusion_cache",
)  # fmt: skip
"""Options that hold for a whole job."""


class Cosmos3(CommandEngine):
    """The framework's own command line; one job may hold several runs."""

    name: ClassVar[str] = "cosmos3"
    summary: ClassVar[str] = "Cosmos 3, its own framework: video from controls, text, image, video"
    Options: ClassVar[type[Options]] = Cosmos3Options
    modalities: ClassVar[tuple[Modality, ...]] = tuple(cosmos3_spec.HINTS)
    makes: ClassVar[tuple[Modality, ...]] = DERIVABLE
    limits: ClassVar[Mapping[str, Limit]] = LIMITS
    max_weight: ClassVar[float | None] = None
    max_batch: ClassVar[int] = 32
    licence: ClassVar[str] = "OpenMDW-1.1; guardrails: NVIDIA Open Model License"

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """A transfer has the makers' own values for it."""
        found, controls = dict(super().defaults(run)), list(in_use(run))
        if controls:
            alone = 1.0 if controls == [Modality.HDMAP] else 3.0
            found |= {"num_steps": 50, "guidance": alone}
        return found

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for combinations that the framework refuses or gets wrong."""
        check(run, prompt)

    def files(self, run: RunSpec) -> Sequence[str]:
        """The stored path of the image to start from."""
        path = options_of(run).image_path
        return [path] if path else []

    def needs(self, run: RunSpec | None = None) -> Needs:
        """GPU memory; the weights come by themselves, into the cache of Hugging Face."""
        options = options_of(run) if run else Cosmos3Options.model_validate({})
        own = (options.checkpoint_path,) if options.checkpoint_path else ()
        return Needs(GPU_MEMORY_GIB[options.model], own, IMAGE)

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each: what it is, size, frames, chunks."""
        return cosmos3_spec.facts(request)

    def fit(self, media: Media) -> Fit:
        """The size at 720 for this shape, and what a transfer makes of the frames."""
        return cosmos3_media.fit(media)

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """What is said once for a job; a transfer is not mixed with anything else.

        Super's GPUs are each at another sample, so its results have no order: its runs are alone.
        """
        options = options_of(run)
        if options.model == "super":
            return run.id
        once = {name: getattr(options, name) for name in ONCE}
        return json.dumps([self.name, options.mode, bool(in_use(run)), once], sort_keys=True)

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of runs with one ``batch_key``.  Raises SpecError before anything is sent."""
        settled = [replace(one, run=settle(self, one.run, one.prompt)) for one in requests]
        check_together(self, settled, "what a sample says for itself")
        first, options = settled[0], options_of(settled[0].run)
        cosmos3_media.check_machine(first)
        files = [cosmos3_media.sources(one) for one in settled]
        parts = [
            _part(n, *pair, len(settled)) for n, pair in enumerate(zip(settled, files, strict=True))
        ]
        limits = [one.time_limit for one in settled]
        env = {
            "NUM_GPU": str(first.gpus), "CHUNKS": str(sum(one.count for one in files)),
            "COSMOS_VERBOSE": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        if len(settled) > 1:
            env["RUNS"] = " ".join(one.run_id for one in settled)
        return CommandJob(
            name=first.job_name,
            engine=self.name,
            image=IMAGE,
            argv=(
                "bash",
                Place("workspace", "cosmos3.sh"),
                "--input-files",
                *(Place("workspace", part.spec.path) for part in parts),
                *cosmos3_spec.flags(options, first.gpus),
            ),
            env=env,
            gpus=first.gpus,
            cuda_devices=first.cuda_devices,
            inputs=tuple(item for part in parts for item in part.inputs),
            files=(
                WrittenFile("cosmos3.sh", script="cosmos3.sh"),
                WrittenFile("steps.py", script="steps.py"),
                *(part.spec for part in parts),
            ),
            outputs={one.run_id: part.outputs for one, part in zip(settled, parts, strict=True)},
            time_limit=sum(limits) if all(limits) else 0,
            parameters={
                one.run_id: cosmos3_spec.sent(one, read)
                for one, read in zip(settled, files, strict=True)
            },
        )

    def progress(self, line: str) -> Progress | None:
        """Stages from the framework's milestones, the fraction from its steps and chunks."""
        return cosmos3_log.progress(line)

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments as the framework resolved them, which it writes beside its result."""
        found = (one for path, one in documents.items() if "sample_args" in path)
        said: Any = next(found, {})
        return vocabulary.told(self.name, said if isinstance(said, dict) else {})

    def made(self, line: str) -> str | None:
        """The framework's account of a sample is written last.  That may be of an image: which of
        the two it is the line does not say."""
        name = cosmos3_log.done(line)
        return f"outputs/{name}/vision.mp4" if name else None

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """What the framework's own account says, or its refusal, or what the log says."""
        return cosmos3_verdict.verdict(run_id, ended, log)


@dataclass(frozen=True)
class _Part:
    """What one run adds to the job."""

    spec: WrittenFile
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


def _part(number: int, request: RunRequest, files: Sources, of: int) -> _Part:
    sample, inputs = cosmos3_spec.sample(request, files), cosmos3_media.inputs(request, files)
    name = spec_name(number, of, request.run_id)
    if of > 1:
        sample = numbered(number, sample)
        inputs = tuple(replace(item, key=key_of(number, item.key)) for item in inputs)
    result = "vision.jpg" if cosmos3_media.frames_made(files) == 1 else "vision.mp4"
    patterns = (result, "sample_args.json", "sample_outputs.json", "control_*")
    outputs = tuple(f"outputs/{request.run_id}/{pattern}" for pattern in patterns)
    return _Part(WrittenFile(name, json=sample), inputs, outputs)
