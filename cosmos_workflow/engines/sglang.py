"""Cosmos 3 served by SGLang: a video that goes on, a picture that moves, or words alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from cosmos_workflow.engines import vllm_omni_media, vllm_omni_request
from cosmos_workflow.engines.engine import Limit, Options, RunRequest
from cosmos_workflow.engines.vllm_omni import VIDEO_LIMITS, VideosEngine, one_of, request_job
from cosmos_workflow.engines.vllm_omni_options import VideoOptions
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts.enums import Modality


class Sglang(VideosEngine):
    """The same calls as vLLM-Omni; a video goes in a field of its own, and there are no controls.

    The tier of sizes is not among its fields: ``size`` alone says it.
    """

    name: ClassVar[str] = "sglang"
    summary: ClassVar[str] = "Cosmos 3 on an SGLang server: goes on from a video, or words alone"
    Options: ClassVar[type[Options]] = VideoOptions
    modalities: ClassVar[tuple[Modality, ...]] = ()
    limits: ClassVar[Mapping[str, Limit]] = VIDEO_LIMITS

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each."""
        options = VideoOptions.model_validate(request.run.options)
        work = vllm_omni_media.work(request, options)
        lines = vllm_omni_request.facts(request, work, options)
        if request.controls:
            lines.append(f"not used, the server has no controls: {', '.join(request.controls)}")
        return lines

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The request of one run.  Raises SpecError before anything is sent."""
        request = one_of(self, requests)
        options = VideoOptions.model_validate(request.run.options)
        work = vllm_omni_media.work(request, options)
        body = vllm_omni_request.fields(request, work, options)
        extra = vllm_omni_request.extra(work, options)
        del extra["resolution"]
        field = "video_reference" if work.mode == "video" else "input_reference"
        body |= {"extra_params": extra} | vllm_omni_request.reference(work, field)
        return request_job(self.name, request, work, body)
