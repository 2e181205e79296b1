"""Cosmos Transfer1 7B: video from depth, segmentation, edge, blur, keypoint or driving controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cosmos_workflow.engines import (
    transfer1_batch,
    transfer1_log,
    transfer1_media,
    transfer1_spec,
    transfer1_verdict,
    vocabulary,
)
from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.together import check_together
from cosmos_workflow.engines.transfer1_media import Sources
from cosmos_workflow.engines.transfer1_options import (
    DERIVABLE,
    IGNORES_INPUT,
    Transfer1Options,
    check,
    in_use,
    options_of,
)
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.job import CommandJob, Place, WrittenFile
from cosmos_workflow.prompts.enums import WEIGHT_ORDER, BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

IMAGE = "cosmos-transfer1:latest"
"""What ``host-setup.sh`` calls the image it builds; a target's ``image`` goes before it."""

GPU_MEMORY_GIB = 75.0
"""One 80 GB H100, which shows as 79, is known to work with the offload options on."""

ENVIRONMENT: Mapping[str, str] = {"LOGURU_LEVEL": "INFO", "PYTHONUNBUFFERED": "1"}
"""The milestones that ``progress`` reads are written at this level, and at once."""

LIMITS: Mapping[str, Limit] = {
    "seed": Limit(1, 0, 2**32 - 1, help="another number, another take"),
    "num_steps": Limit(35, 1, 200, help="more: finer, and as much slower"),
    "guidance": Limit(7.0, 0.0, 20.0, help="the higher, the closer to the prompt"),
    "sigma_max": Limit(
        70.0, 0.0, 80.0, help="the higher, the less of the input video is kept; 80 keeps nothing"
    ),
    "fps": Limit(24, 1, 120, help="frames a second of the result"),
    "blur_strength": Limit("medium", choices=tuple(BlurStrength), help="how far vis is blurred"),
    "canny_threshold": Limit(
        "medium", choices=tuple(CannyThreshold), help="how strong an edge must be to count"
    ),
}

LICENCE = "NVIDIA Open Model License; Llama Guard 3 under Meta's"
"""Of the weights, by their pages on the hub."""

BASE = "nvidia/Cosmos-Transfer1-7B"
DRIVING_BASE = "nvidia/Cosmos-Transfer1-7B-Sample-AV"

ALWAYS_LOADED = (
    "nvidia/Cosmos-Tokenize1-CV8x8x8-720p/encoder.jit",
    "nvidia/Cosmos-Tokenize1-CV8x8x8-720p/decoder.jit",
    "nvidia/Cosmos-Guardrail1/video_content_safety_filter/safety_filter.pt",
    "meta-llama/Llama-Guard-3-8B/model-00001-of-00004.safetensors",
    "google-t5/t5-11b/pytorch_model.bin",
)
"""Weights of tokenizer, guardrails and text encoder, below the checkpoint folder."""

UPSAMPLER = "nvidia/Cosmos-UpsamplePrompt1-12B-Transfer/consolidated.safetensors"


class Transfer1:
    """The model's own command line, ``transfer.py`` under torchrun; a job may hold several runs."""

    name: ClassVar[str] = "transfer1"
    summary: ClassVar[str] = "Cosmos Transfer1 7B: photoreal video that follows your render passes"
    Options: ClassVar[type[Options]] = Transfer1Options
    modalities: ClassVar[tuple[Modality, ...]] = tuple(transfer1_spec.HINTS)
    makes: ClassVar[tuple[Modality, ...]] = DERIVABLE
    limits: ClassVar[Mapping[str, Limit]] = LIMITS
    max_weight: ClassVar[float | None] = 1.0
    max_batch: ClassVar[int] = transfer1_batch.MOST
    weight_maps: ClassVar[bool] = True
    licence: ClassVar[str] = LICENCE

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """The distilled model takes one step; a start from pure noise is sigma_max 80."""
        options = options_of(run)
        found: dict[str, float | int | str | None] = {
            name: limit.default for name, limit in LIMITS.items()
        }
        if options.use_distilled:
            found["num_steps"] = 1
        if options.is_av_sample or options.ignore_input:
            found["sigma_max"] = IGNORES_INPUT
        return found

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for combinations that the model refuses or silently gets wrong."""
        check(run, prompt)

    def files(self, run: RunSpec) -> Sequence[str]:
        """Stored paths of the region masks."""
        return [region.path for region in options_of(run).regional_prompts if region.path]

    def needs(self, run: RunSpec | None = None) -> Needs:
        """GPU memory, and the weight files of the controls in use, or of the usual four."""
        if run is None:
            names = [
                "base_model",
                *(f"{transfer1_spec.HINTS[one]}_control" for one in WEIGHT_ORDER),
            ]
            own = (f"{BASE}/{name}.pt" for name in names)
            return Needs(GPU_MEMORY_GIB, (*own, *ALWAYS_LOADED), IMAGE)
        options = options_of(run)
        home = DRIVING_BASE if options.is_av_sample else BASE
        names = [transfer1_spec.HINTS[control] for control in in_use(run)]
        if options.use_distilled:
            files = [f"{home}/edge_control_distilled.pt"]
        else:
            files = [f"{home}/base_model.pt", *(f"{home}/{name}_control.pt" for name in names)]
        if options.upsample_prompt:
            files.append(UPSAMPLER)
        return Needs(GPU_MEMORY_GIB, (*files, *ALWAYS_LOADED), IMAGE)

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """Everything the model sets once for a whole batch: all but words, videos and weights."""
        return transfer1_batch.key(run, prompt)

    def asks_service(self, run: RunSpec) -> bool:
        """It runs on a machine."""
        return False

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each: size, frames, chunks, what is made on the way."""
        return transfer1_spec.facts(request)

    def fit(self, media: Media) -> Fit:
        """The model's size for this shape, and how the frames fall into its chunks of 121."""
        return transfer1_media.fit(media)

    def seconds(self, request: RunRequest) -> float | None:
        """The model's makers publish no figure."""
        return None

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of runs with one ``batch_key``.  Raises SpecError before anything is sent."""
        settled = [replace(one, run=settle(self, one.run, one.prompt)) for one in requests]
        check_together(self, settled, "words, videos and weights")
        transfer1_media.check_machine(settled[0])
        files = [transfer1_media.sources(one) for one in settled]
        for one, read in zip(settled, files, strict=True):
            transfer1_media.check_media(one, read)
        job = replace(
            self._alone(settled[0], files[0]),
            parameters={
                one.run_id: vocabulary.sent("transfer1", one.run.parameters) for one in settled
            },
        )
        return job if len(settled) == 1 else transfer1_batch.extend(job, settled, files)

    def _alone(self, request: RunRequest, files: Sources) -> CommandJob:
        return CommandJob(
            name=request.job_name,
            engine=self.name,
            image=IMAGE,
            argv=(
                "bash",
                Place("workspace", "inference.sh"),
                *transfer1_spec.flags(request, transfer1_spec.switches(request)),
            ),
            env={"NUM_GPU": str(request.gpus), **ENVIRONMENT},
            gpus=request.gpus,
            cuda_devices=request.cuda_devices,
            inputs=transfer1_media.inputs(request, files),
            files=(
                WrittenFile("inference.sh", script="inference.sh"),
                WrittenFile("spec.json", json=transfer1_spec.spec_json(request, files)),
            ),
            outputs={request.run_id: outputs(request.run)},
            time_limit=request.time_limit,
        )

    def progress(self, line: str) -> Progress | None:
        """Stages from the model's milestones, the fraction from its bar over chunks."""
        return transfer1_log.progress(line)

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model does not say what it used."""
        return {}

    def made(self, line: str) -> str | None:
        """Of a batch: the words are saved after the video."""
        return transfer1_batch.saved(line)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """Exit code 0 and a video, or the guardrail's refusal, or what the log says went wrong."""
        return transfer1_verdict.verdict(run_id, ended, log)


def only(requests: Sequence[RunRequest], engine: str) -> RunRequest:
    """The one request of a job.  Raises SpecError for more."""
    if len(requests) != 1:
        raise SpecError(
            f"{engine} takes one run a job, not {len(requests)}", hint="run them one after another"
        )
    return requests[0]


def outputs(run: RunSpec) -> tuple[str, ...]:
    """The video, its final prompt, and what the model made on the way."""
    options = options_of(run)
    patterns = ["outputs/output.mp4", "outputs/output.txt"]
    if any(control is not Modality.EDGE for control in options.auto):
        patterns.append("outputs/*_input_control_0.mp4")
    if options.control_weight_prompt:
        patterns.append("outputs/seg_control_weight_0.mp4")
    if options.save_input_noise:
        patterns.append("outputs/noise.pickle")
    return tuple(patterns)
