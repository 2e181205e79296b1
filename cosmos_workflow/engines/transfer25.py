"""Cosmos Transfer2.5 2B: video from edge, blur, depth and segmentation controls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cosmos_workflow.engines import (
    transfer25_log,
    transfer25_media,
    transfer25_spec,
    transfer25_verdict,
    vocabulary,
)
from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.together import check_together, spec_name
from cosmos_workflow.engines.transfer25_options import (
    DISTILLED_STEPS,
    Transfer25Options,
    check,
    in_use,
    options_of,
)
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.job import Arg, CommandJob, Input, Place, WrittenFile
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

IMAGE = "cosmos-transfer2.5:latest"
"""A target's ``images.transfer25`` or ``image`` goes before it."""

GPU_MEMORY_GIB = 61.0
"""The 65.4 GB that its makers measured."""

ENVIRONMENT: Mapping[str, str] = {"COSMOS_VERBOSE": "1", "PYTHONUNBUFFERED": "1"}
"""Without it the chunks, and why a guardrail refused, are in a file of the model's alone."""

SHARING: Mapping[int, float] = {1: 1.0, 2: 1.1, 4: 1.23, 8: 1.47}
"""How much more work it is, all added up, to share it among so many GPUs."""

LIMITS: Mapping[str, Limit] = {
    "seed": Limit(2025, 0, 2**32 - 1, help="another number, another take"),
    "num_steps": Limit(35, 1, 200, help="more: finer, and as much slower"),
    "guidance": Limit(3, 0, 7, help="the higher, the closer to the prompt", whole=True),
    "sigma_max": Limit(None, 0, 200, help="left away, the input video only feeds controls"),
    "blur_strength": Limit("medium", choices=tuple(BlurStrength), help="how far vis is blurred"),
    "canny_threshold": Limit(
        "medium", choices=tuple(CannyThreshold), help="how strong an edge must be to count"
    ),
}


class Transfer25(CommandEngine):
    """The model's own command line, ``examples/inference.py``; one job may hold several runs."""

    name: ClassVar[str] = "transfer25"
    summary: ClassVar[str] = "Cosmos Transfer2.5 2B: photoreal video that follows your passes"
    Options: ClassVar[type[Options]] = Transfer25Options
    modalities: ClassVar[tuple[Modality, ...]] = tuple(transfer25_spec.HINTS)
    makes: ClassVar[tuple[Modality, ...]] = modalities
    limits: ClassVar[Mapping[str, Limit]] = LIMITS
    max_batch: ClassVar[int] = 32
    licence: ClassVar[str] = "NVIDIA Open Model License"

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """The distilled model takes four steps and has no guidance."""
        found = dict(super().defaults(run))
        if options_of(run).use_distilled:
            found |= {"num_steps": DISTILLED_STEPS, "guidance": None}
        return found

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for combinations that the model refuses or silently gets wrong."""
        check(run, prompt)

    def files(self, run: RunSpec) -> Sequence[str]:
        """Stored paths of masks and of the image for the style."""
        options = options_of(run)
        more = (options.image_context_path, options.guided_generation_mask)
        return [*options.mask_path.values(), *(path for path in more if path)]

    def needs(self, run: RunSpec | None = None) -> Needs:
        """GPU memory; the weights come by themselves, into the cache of Hugging Face."""
        own = options_of(run).checkpoint_path if run else ""
        return Needs(GPU_MEMORY_GIB, (own,) if own else (), IMAGE)

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """Controls and what is said once for a job; all else each sample says for itself.

        Runs with different controls do not share a job: the model would load all four branches
        for them, which takes more memory and gives other pictures.
        """
        key = [self.name, sorted(in_use(run)), _once(options_of(run))]
        return json.dumps(key, sort_keys=True)

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each: size, frames, chunks, what is made on the way."""
        return transfer25_spec.facts(request)

    def fit(self, media: Media) -> Fit:
        """The model's size for this shape, and how the frames fall into its chunks of 93."""
        return transfer25_media.fit(media)

    def seconds(self, request: RunRequest) -> float | None:
        """From the makers' table for one H100 NVL: seconds a chunk of 93 frames at 720."""
        options, steps = options_of(request.run), request.run.parameters.num_steps
        assert request.input_video is not None and steps is not None
        media = request.media[request.input_video]
        count = transfer25_media.chunks_of(media, options)
        width, height = transfer25_media.shape(media, options.resolution)
        chunk = 64.5 * steps / 4 if options.use_distilled else 445.5 * steps / 35
        size = width * height / (1280 * 704) * options.num_video_frames_per_chunk / 93
        return count * chunk * size * SHARING.get(request.gpus, 1.0)

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of runs with one ``batch_key``.  Raises SpecError before anything is sent."""
        settled = [replace(one, run=settle(self, one.run, one.prompt)) for one in requests]
        check_together(self, settled, "what a sample says for itself")
        first = settled[0]
        transfer25_media.check_machine(first)
        options = options_of(first.run)
        parts = [_part(n, one, len(settled)) for n, one in enumerate(settled, 1)]
        specs: list[Arg] = [Place("workspace", part.spec.path) for part in parts]
        env = dict(ENVIRONMENT)
        if options.use_distilled:
            env["COSMOS_EXPERIMENTAL_CHECKPOINTS"] = "1"
        limits = [part.time_limit for part in parts]
        return CommandJob(
            name=first.job_name,
            engine=self.name,
            image=IMAGE,
            argv=(
                "bash",
                Place("workspace", "transfer25.sh"),
                "--input-files",
                *specs,
                *transfer25_spec.flags(options, list(in_use(first.run)), first.gpus),
            ),
            env={"NUM_GPU": str(first.gpus), **env},
            gpus=first.gpus,
            cuda_devices=first.cuda_devices,
            inputs=tuple(item for part in parts for item in part.inputs),
            files=(
                WrittenFile("transfer25.sh", script="transfer25.sh"),
                WrittenFile("steps.py", script="steps.py"),
                *(part.spec for part in parts),
            ),
            outputs={one.run_id: outputs(one) for one in settled},
            time_limit=sum(limits) if all(limits) else 0,
            parameters={one.run_id: part.sent for one, part in zip(settled, parts, strict=True)},
            proofs={one.run_id: _proofs(one) for one in settled if len(settled) > 1},
        )

    def progress(self, line: str) -> Progress | None:
        """Stages from the model's milestones, the fraction from its steps and chunks."""
        return transfer25_log.progress(line)

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments as the model resolved them, which it writes beside its result."""
        said = next(
            (one for one in documents.values() if isinstance(one, dict) and "video_path" in one), {}
        )
        return vocabulary.told(self.name, said)

    def made(self, line: str) -> str | None:
        """The model says so after the video, and the text beside it, are written."""
        return transfer25_log.saved(line)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A video, or the guardrail's refusal, or what the log says went wrong."""
        return transfer25_verdict.verdict(run_id, ended, log)


@dataclass(frozen=True)
class _Part:
    """What one run adds to the job."""

    spec: WrittenFile
    inputs: tuple[Input, ...]
    sent: Mapping[str, Any]
    time_limit: int


def _part(number: int, request: RunRequest, of: int) -> _Part:
    prefix = f"{number}_" if of > 1 else ""
    files = transfer25_media.sources(request)
    media = transfer25_media.check_media(request, files)
    count = transfer25_media.chunks_of(media, options_of(request.run))
    return _Part(
        WrittenFile(
            spec_name(number - 1, of, request.run_id),
            json=transfer25_spec.sample(request, files, prefix),
        ),
        transfer25_media.inputs(request, files, prefix),
        transfer25_spec.sent(request, files),
        transfer25_spec.time_limit(request, count),
    )


def _proofs(request: RunRequest) -> dict[str, str]:
    """The model writes the prompt beside its result."""
    said = hashlib.sha256(request.prompt.prompt.encode()).hexdigest()
    return {f"outputs/{request.run_id}.txt": said}


def _once(options: Transfer25Options) -> dict[str, Any]:
    """The options that hold for a whole job."""
    names = (
        "use_distilled", "offload_guardrail_models", "disable_guardrails", "compile_tokenizer",
        "enable_parallel_tokenizer", "checkpoint_path", "experiment",
    )  # fmt: skip
    return {name: getattr(options, name) for name in names}


def outputs(request: RunRequest) -> tuple[str, ...]:
    """The video, or the image where one frame is made, and what the model wrote beside it."""
    assert request.input_video is not None
    frames = transfer25_media.frames_read(
        request.media[request.input_video], options_of(request.run)
    )
    stem = f"outputs/{request.run_id}"
    result = f"{stem}.jpg" if frames == 1 else f"{stem}.mp4"
    return (result, f"{stem}.json", f"{stem}.txt", f"{stem}_control_*", f"{stem}_mask_*")
