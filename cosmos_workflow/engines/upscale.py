"""The 4K upscaler of Cosmos Transfer1: any video to three times the model's own size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from cosmos_workflow.engines import transfer1_log, transfer1_verdict, vocabulary
from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import (
    ALWAYS_LOADED,
    BASE,
    ENVIRONMENT,
    GPU_MEMORY_GIB,
    IMAGE,
    LICENCE,
    only,
)
from cosmos_workflow.engines.transfer1_media import (
    MOST_FRAMES,
    check_machine,
    chunks,
    fit,
    shape,
    video_input,
)
from cosmos_workflow.engines.transfer1_spec import flags
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.job import CommandJob, Place, WrittenFile
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

FACTOR = 3
"""How many times the model's own size comes out: 1280x704 becomes 3840x2112."""


class UpscaleOptions(Options):
    """Options of the upscaler."""

    upscale_weight: float = Field(
        0.7, gt=0, le=1, description="how closely the result keeps to the video"
    )
    offload_diffusion_transformer: bool = Field(
        False, description="load the diffusion model only while it works: less memory, slower"
    )
    offload_text_encoder_model: bool = Field(True, description="free the text encoder after use")
    offload_guardrail_models: bool = Field(True, description="free the guardrails after use")


LIMITS: Mapping[str, Limit] = {
    "seed": Limit(1, 0, 2**32 - 1, help="another number, another take"),
    "num_steps": Limit(10, 1, 200, help="more: finer, and as much slower"),
    "guidance": Limit(5.0, 0.0, 20.0, help="the higher, the closer to the prompt"),
    "sigma_max": Limit(70.0, 0.0, 79.0, help="the higher, the less of the video is kept"),
    "fps": Limit(None, 1, 120, help="left away, it is the video's own"),
}
"""The model's own recipe for upscaling: 10 steps, and its defaults for the rest."""


class Upscale(CommandEngine):
    """``transfer.py`` with the ``upscale`` control, which is made from the video itself."""

    name: ClassVar[str] = "upscale"
    summary: ClassVar[str] = "Cosmos Transfer1 4K upscaler: any video to 3840x2112"
    Options: ClassVar[type[Options]] = UpscaleOptions
    limits: ClassVar[Mapping[str, Limit]] = LIMITS
    licence: ClassVar[str] = LICENCE

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError when there is no video."""
        if not prompt.input_video_path:
            raise SpecError(
                f"{prompt.name} has no input video to upscale",
                hint="cosmos upscale RUN_OR_VIDEO",
            )

    def needs(self, run: RunSpec | None = None) -> Needs:
        """GPU memory and weight files."""
        own = (f"{BASE}/base_model.pt", f"{BASE}/4kupscaler_control.pt")
        return Needs(GPU_MEMORY_GIB, (*own, *ALWAYS_LOADED), IMAGE)

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What comes out: size, frames, chunks."""
        media = _media(request)
        width, height = shape(media)
        line = f"{media.width}x{media.height} to {width * FACTOR}x{height * FACTOR}"
        lines = [f"{line}, {media.frames} frames, in {chunks(media.frames)} chunk(s)"]
        if (media.width, media.height) != (width, height):
            lines.append(f"the video is first brought to {width}x{height}, the model's own size")
        return lines

    def fit(self, media: Media) -> Fit:
        """The model's own size, of which three times comes out."""
        return fit(media)

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of one run.  Raises SpecError before anything is made or sent."""
        request = only(requests, self.name)
        run = settle(self, request.run, request.prompt)
        media = _media(request)
        rate = run.parameters.fps or max(1, round(media.fps))
        parameters = run.parameters.model_copy(update={"fps": rate})
        request = replace(request, run=run.model_copy(update={"parameters": parameters}))
        check_machine(request)
        assert request.input_video is not None
        return CommandJob(
            name=request.job_name,
            engine=self.name,
            image=IMAGE,
            argv=("bash", Place("workspace", "upscale.sh"), *flags(request, _switches(run))),
            env={"NUM_GPU": str(request.gpus), **ENVIRONMENT},
            gpus=request.gpus,
            cuda_devices=request.cuda_devices,
            inputs=(video_input("color", request.input_video, media, shape(media)),),
            files=(
                WrittenFile("inference.sh", script="inference.sh"),
                WrittenFile("upscale.sh", script="upscale.sh"),
                WrittenFile("spec.json", json=_spec(request)),
            ),
            outputs={request.run_id: ("outputs/output.mp4", "outputs/output.txt")},
            time_limit=request.time_limit,
            parameters={request.run_id: vocabulary.sent("transfer1", parameters)},
        )

    def progress(self, line: str) -> Progress | None:
        """The same program as Transfer1's, and the same words."""
        return transfer1_log.progress(line)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """The same program as Transfer1's, and the same words."""
        return transfer1_verdict.verdict(run_id, ended, log)


def _media(request: RunRequest) -> Media:
    if request.input_video is None:
        raise SpecError("there is no video to upscale", hint="cosmos upscale RUN_OR_VIDEO")
    media = request.media[request.input_video]
    if media.frames > MOST_FRAMES:
        raise SpecError(
            f"{request.input_video} has {media.frames} frames; the model reads {MOST_FRAMES}",
            hint="split the video",
        )
    return media


def _options(run: RunSpec) -> UpscaleOptions:
    return UpscaleOptions.model_validate(run.options)


def _switches(run: RunSpec) -> tuple[str, ...]:
    options = _options(run)
    known = (
        "offload_diffusion_transformer",
        "offload_text_encoder_model",
        "offload_guardrail_models",
    )
    return tuple(name for name in known if getattr(options, name))


def _spec(request: RunRequest) -> dict[str, Any]:
    spec: dict[str, Any] = {"prompt": request.prompt.prompt}
    if request.prompt.negative_prompt.strip():
        spec["negative_prompt"] = request.prompt.negative_prompt
    return {
        **spec,
        "input_video_path": Place("input", "color"),
        "upscale": {"control_weight": _options(request.run).upscale_weight},
    }
