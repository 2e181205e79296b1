"""Transfer1's own prompt upsampler, a Pixtral of 12B: a prompt and two frames become a text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from cosmos_workflow.engines import enhance_result, enhance_verdict
from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Fit, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer1 import IMAGE, UPSAMPLER, only
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import JobEnded, Progress, Verdict
from cosmos_workflow.execution.job import Arg, CommandJob, Derived, Input, Place, WrittenFile
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

GPU_MEMORY_GIB = 32.0
"""24 GiB of weights and room to work.  It takes 98 % of whatever the GPU has."""

FRAMES = 2
"""It looks at the first two frames of the video it is given, and at no others."""

MOST_PIXELS = 640 * 352
"""Of a frame.  It counts a token for each 16x16 of them and has 4096 for everything: two frames of
1280x704 alone would be more."""

MOST_BYTES = 5000
"""Of a prompt, in UTF-8: what is left of the 4096 tokens, less 300 for the answer."""

ORDER = (Modality.VIS, Modality.EDGE, Modality.SEGMENTATION, Modality.DEPTH)
"""Which control the model's own pipeline shows its upsampler, the first that there is."""

ENVIRONMENT: Mapping[str, str] = {"PYTHONUNBUFFERED": "1"}


class EnhanceOptions(Options):
    """Options of the upsampler."""

    video: Literal["auto", "color", "vis", "edge", "segmentation", "depth"] = Field(
        "auto", description="what it is shown; auto: the input video, else a control"
    )
    offload_prompt_upsampler: bool = Field(
        False, description="load the model when it is needed and free it after; same result"
    )


class Enhance(CommandEngine):
    """``upsampler_pipeline.py`` under torchrun, alone on one GPU; its result is a text."""

    name: ClassVar[str] = "enhance"
    summary: ClassVar[str] = "Cosmos Transfer1's prompt upsampler: a richer prompt, from two frames"
    Options: ClassVar[type[Options]] = EnhanceOptions
    licence: ClassVar[str] = "NVIDIA Open Model License; Pixtral under Apache 2.0"

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError where it would be shown nothing, or told more than it can read."""
        _source(prompt, _options(run))
        size = len(prompt.prompt.encode())
        if captions.is_caption(prompt.prompt):
            raise SpecError(
                f"the prompt of {prompt.name} is a structured caption already",
                hint="enhance the PromptSpec that it was made from",
            )
        if size > MOST_BYTES:
            raise SpecError(
                f"the prompt of {prompt.name} has {size} bytes; the upsampler reads {MOST_BYTES}",
                hint="it is rich enough, or shorten it; the engine chat has more room",
            )

    def needs(self, run: RunSpec | None = None) -> Needs:
        """A GPU of its own, and the upsampler's weights."""
        return Needs(GPU_MEMORY_GIB, (UPSAMPLER,), IMAGE)

    def fit(self, media: Media) -> Fit:
        """It looks at two frames, made small."""
        width, height = _size(media)
        return Fit(width, height, (f"it looks at the first {FRAMES} frames alone",))

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What it is shown."""
        key, path = _shown(request)
        width, height = _size(request.media[path])
        return (
            f"it is shown the first two frames of {key}, at {width}x{height}",
            "it writes 300 tokens at most, and takes 98 % of one GPU's memory",
        )

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of one run.  Raises SpecError before anything is made or sent."""
        request = only(requests, self.name)
        request = replace(request, run=settle(self, request.run, request.prompt))
        if request.gpus != 1:
            raise SpecError(
                f"--num-gpu {request.gpus}: the upsampler uses one GPU", hint="leave the flag away"
            )
        options = _options(request.run)
        argv: list[Arg] = ["bash", Place("workspace", "enhance.sh")]
        argv += ["--input_video", Place("input", "video"), "--checkpoint_dir", Place("checkpoints")]
        if options.offload_prompt_upsampler:
            argv.append("--offload_prompt_upsampler")
        return CommandJob(
            name=request.job_name,
            engine=self.name,
            image=IMAGE,
            argv=tuple(argv),
            env=ENVIRONMENT,
            gpus=1,
            cuda_devices=request.cuda_devices,
            inputs=(_input(request),),
            files=(
                WrittenFile("enhance.sh", script="enhance.sh"),
                WrittenFile("prompt.json", json={"prompt": request.prompt.prompt}),
            ),
            outputs={request.run_id: (enhance_result.RESULT,)},
            time_limit=request.time_limit,
        )

    def progress(self, line: str) -> Progress | None:
        """Loading, then one answer."""
        return enhance_verdict.progress(line)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A text, a refusal of the model to help, or what the log says went wrong."""
        return enhance_verdict.verdict(run_id, ended, log)


def _options(run: RunSpec) -> EnhanceOptions:
    return EnhanceOptions.model_validate(run.options)


def _source(prompt: PromptSpec, options: EnhanceOptions) -> Modality:
    """Which video it is shown.  Raises SpecError where the prompt has none."""
    there = [Modality.COLOR] if prompt.input_video_path else []
    there += [one for one in ORDER if one in prompt.control_inputs]
    if options.video != "auto":
        wanted = Modality(options.video)
        if wanted not in there:
            raise SpecError(
                f"--option video={options.video}: {prompt.name} has no such video",
                hint=f"it has {', '.join(there) or 'none'}",
            )
        return wanted
    if not there:
        raise SpecError(
            f"{prompt.name} has no video, and the upsampler wants to see one",
            hint="the engine chat takes words alone: --engine chat",
        )
    return there[0]


def _shown(request: RunRequest) -> tuple[Modality, Path]:
    key = _source(request.prompt, _options(request.run))
    path = request.input_video if key is Modality.COLOR else request.controls[key]
    assert path is not None
    return key, path


def _size(media: Media) -> tuple[int, int]:
    """Width and height that it is shown, even."""
    factor = min(1.0, math.sqrt(MOST_PIXELS / (media.width * media.height)))
    return enhance_result.scaled(media, factor)


def _input(request: RunRequest) -> Input:
    """The first two frames as its decoder reads them: one that it cannot read it does not miss."""
    _, path = _shown(request)
    media = request.media[path]
    width, height = _size(media)
    settings = {
        "width": width,
        "height": height,
        "fps": media.fps or 24.0,
        "frames": min(FRAMES, media.frames),
    }
    return Input("video", "video.mp4", Derived("conform", path, settings))
