"""Cosmos 3 served by vLLM-Omni: controls, a video that goes on, or words alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cosmos_workflow.engines import (
    vllm_omni_media,
    vllm_omni_request,
    vllm_omni_verdict,
    vocabulary,
)
from cosmos_workflow.engines.engine import Fit, Limit, Needs, Options, RunRequest
from cosmos_workflow.engines.request import RequestEngine, answer, words
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.vllm_omni_media import MADE_THERE, Work, in_use, is_image
from cosmos_workflow.engines.vllm_omni_options import VllmOmniOptions, options_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, JobEnded, Verdict
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

RESULT = "outputs/output.mp4"

IMAGE = "vllm/vllm-omni:cosmos3"

GPU_MEMORY_GIB = 50.0
"""What its makers measured for Cosmos3-Nano at 720."""

VIDEO_LIMITS: Mapping[str, Limit] = {
    "seed": Limit(2026, 0, 2**32 - 1, help="the same again from one server until it is restarted"),
    "num_steps": Limit(35, 1, 200, help="35, and 50 with controls; more is finer and slower"),
    "guidance": Limit(6.0, 0.0, 20.0, help="6, and 3 with controls: pull of the words"),
    "fps": Limit(None, 1, 60, help="empty: those of the input, or 24"),
}

LIMITS: Mapping[str, Limit] = {
    **VIDEO_LIMITS,
    "blur_strength": Limit(
        None, choices=tuple(BlurStrength), help="how far vis is blurred; medium"
    ),
    "canny_threshold": Limit(
        None, choices=tuple(CannyThreshold), help="how strong an edge must be to count; medium"
    ),
}


class VideosEngine(RequestEngine):
    """What the engines of the videos API share."""

    dialect: ClassVar[str] = "videos"
    licence: ClassVar[str] = "OpenMDW-1.1; guardrails: NVIDIA Open Model License"

    def fit(self, media: Media) -> Fit:
        """The model's size for this shape, and what becomes of its frames."""
        return vllm_omni_media.fit(media)

    def needs(self, run: RunSpec | None = None) -> Needs:
        """What the server's machine must have."""
        return Needs(GPU_MEMORY_GIB, dialect=self.dialect)

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the finished job says of itself."""
        return vocabulary.told("videos", answer(log))

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A video, a guardrail's refusal, or the server's error."""
        found = super().verdict(run_id, ended, log)
        if not isinstance(found, Failed) or found.cause != "engine":
            return found
        return vllm_omni_verdict.failure(found.message, found.hint)

    def refusal(self, told: Mapping[str, Any], message: str) -> Any:
        """A guardrail's refusal, and which text it was."""
        return vllm_omni_verdict.refusal(words(told.get("error")) or message)


class VllmOmni(VideosEngine):
    """``POST /v1/videos``: fields of a form, model-specific ones in ``extra_params``."""

    name: ClassVar[str] = "vllm_omni"
    summary: ClassVar[str] = "Cosmos 3 on a vLLM-Omni server: follows your passes, or words alone"
    Options: ClassVar[type[Options]] = VllmOmniOptions
    modalities: ClassVar[tuple[Modality, ...]] = tuple(vocabulary.controls("videos"))
    makes: ClassVar[tuple[Modality, ...]] = MADE_THERE
    limits: ClassVar[Mapping[str, Limit]] = LIMITS
    max_weight: ClassVar[float | None] = None

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """A transfer takes more steps and less guidance; a preset only with its control."""
        found, used = dict(super().defaults(run)), in_use(run)
        if used:
            alone = used == (Modality.HDMAP,)
            found |= {"num_steps": 50, "guidance": 1.0 if alone else 3.0}
        for control, name in vllm_omni_request.PRESETS.items():
            found[name] = "medium" if control in used else None
        return found

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for controls that nobody can make, or that cannot be sent."""
        used = in_use(run)
        missing = [one for one in used if one not in prompt.control_inputs]
        for control in missing:
            if control not in MADE_THERE:
                raise SpecError(
                    f"{control} has a weight but {prompt.name!r} has no video of it, and the "
                    "server makes only edge and vis",
                    hint=f"--weight {control}=0, or a PromptSpec with --control-inputs "
                    f"{control}:PATH",
                )
        if missing and (prompt.input_video_path is None or is_image(prompt.input_video_path)):
            raise SpecError(
                f"the server makes {missing[0]} of the input video, and {prompt.name!r} has none",
                hint="make a PromptSpec with --input-video PATH",
            )
        given = [one for one in used if one in prompt.control_inputs]
        if options_of(run).controls == "upload" and len(given) > 1:
            raise SpecError(
                f"--option controls=upload: {len(given)} control videos, and a request takes one",
                hint="--option controls=path, with via below the service; or one control",
            )

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each."""
        options = options_of(request.run)
        work = vllm_omni_media.work(request, options)
        lines = vllm_omni_request.facts(request, work, options)
        if work.mode == "transfer":
            lines += vllm_omni_request.transfer_facts(request, work, options)
        return lines

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The request of one run.  Raises SpecError before anything is sent."""
        request = one_of(self, requests)
        options = options_of(request.run)
        work = vllm_omni_media.work(request, options)
        body = vllm_omni_request.fields(request, work, options)
        if work.mode == "transfer":
            body["extra_params"] = vllm_omni_request.transfer(request, work, options)
        else:
            body["extra_params"] = vllm_omni_request.extra(work, options)
        body |= vllm_omni_request.reference(work) | vllm_omni_request.upload(work, options)
        needed = vllm_omni_request.requires(request, work, options)
        return request_job(self.name, request, work, body, needed)


def one_of(engine: RequestEngine, requests: Sequence[RunRequest]) -> RunRequest:
    """The one request, settled.  Raises SpecError."""
    if len(requests) != 1:
        raise SpecError(
            f"{engine.name} takes one run a job, not {len(requests)}",
            hint="run them one after another",
        )
    run = settle(engine, requests[0].run, requests[0].prompt)
    return replace(requests[0], run=run)


def request_job(
    name: str,
    request: RunRequest,
    work: Work,
    body: Mapping[str, Any],
    requires: tuple[str, ...] = (),
) -> RequestJob:
    """A request of the videos API."""
    return RequestJob(
        name=request.job_name,
        engine=name,
        dialect="videos",
        body=body,
        encoding="form",
        outputs={request.run_id: (RESULT,)},
        inputs=vllm_omni_request.inputs(request, work),
        time_limit=request.time_limit,
        parameters={request.run_id: vllm_omni_request.sent(request, work)},
        requires=requires,
    )
