"""A Cosmos NIM: video from words, an image or a video, asked of a service in one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cosmos_workflow.engines import nim_body, nim_forms, nim_options, vocabulary
from cosmos_workflow.engines.engine import Fit, Limit, Options, RunRequest
from cosmos_workflow.engines.nim_forms import FPS, SEED, STEPS, TRANSFER25
from cosmos_workflow.engines.nim_options import ADDRESSES, NimOptions, options_of
from cosmos_workflow.engines.request import RequestEngine, answer, words
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, JobEnded, Progress, Verdict
from cosmos_workflow.execution.dialects.http_job import RESULT
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

_SAID = "held: "


class Nim(RequestEngine):
    """One request, answered with the video; which of three forms it has, the service's model says.

    Where neither an option nor the service says it, it is the form that fits to the spec.
    """

    name: ClassVar[str] = "nim"
    dialect: ClassVar[str] = "nim"
    summary: ClassVar[str] = "A Cosmos NIM: video from words, an image, a video or controls"
    Options: ClassVar[type[Options]] = NimOptions
    modalities: ClassVar[tuple[Modality, ...]] = tuple(vocabulary.controls(TRANSFER25.model))
    makes: ClassVar[tuple[Modality, ...]] = modalities
    limits: ClassVar[Mapping[str, Limit]] = {
        "seed": SEED,
        "num_steps": STEPS,
        "guidance": Limit(
            None, 0, 20, help="predict1 7; cosmos3 6, of 1 to 7; transfer25 3, whole, of 0 to 7"
        ),
        "sigma_max": Limit(None, 0, 200, help="transfer25 only"),
        "fps": FPS,
    }
    licence: ClassVar[str] = "NVIDIA AI Enterprise for the NIM, NVIDIA Open Model for the model"

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for options that contradict each other."""
        nim_options.check(run)

    def files(self, run: RunSpec) -> Sequence[str]:
        """The image, where it is a file."""
        image = options_of(run).image
        return [image] if image and not image.startswith(ADDRESSES) else []

    def asks_service(self, run: RunSpec) -> bool:
        """Unless the form is named."""
        return options_of(run).model == "auto"

    def facts(self, request: RunRequest) -> Sequence[str]:
        """Form, mode, and what the result will be."""
        form, start = nim_forms.form_of(request), nim_body.start_of(request)
        lines = [f"{form.title} NIM, {start.mode}"]
        fps = request.run.parameters.fps
        if form is TRANSFER25 and start.path and fps != request.media[start.path].fps:
            rate = request.media[start.path].fps
            lines.append(f"the result plays at {rate:g} fps, as the input does, not at {fps}")
        patience = options_of(request.run).timeout
        return [*lines, f"it may take {patience} s for its answer (--option timeout)"]

    def fit(self, media: Media) -> Fit:
        """Any size; what one form wants of the number of frames is a note."""
        low, high = nim_body.READ
        out = not low <= media.frames <= high
        notes = (
            (f"{media.frames} frames are not for a Transfer2.5 NIM, which takes {low} to {high}",)
            if out
            else ()
        )
        return Fit(media.width - media.width % 2, media.height - media.height % 2, notes)

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The request of one run.  Raises SpecError before anything is sent."""
        if len(requests) != 1:
            raise SpecError(
                f"nim takes one run a request, not {len(requests)}",
                hint="run them one after another",
            )
        request = replace(requests[0], run=settle(self, requests[0].run, requests[0].prompt))
        options = options_of(request.run)
        form, start = nim_forms.form_of(request), nim_body.start_of(request)
        _check_fit(form, request, start)
        sent = vocabulary.sent(form.model, nim_forms.parameters(form, request))
        body = nim_body.body(form, request, start, sent)
        return RequestJob(
            name=request.job_name,
            engine=self.name,
            dialect=self.dialect,
            route=next(iter(request.service.models), "") if request.service else "",
            body=nim_options.merged(body, options.extras),
            inputs=nim_body.inputs(form, request, start),
            outputs={request.run_id: (RESULT,)},
            time_limit=request.time_limit,
            parameters={request.run_id: sent},
            patience=options.timeout,
            attempts=options.attempts,
        )

    def progress(self, line: str) -> Progress | None:
        """What the process that holds the request says it is doing."""
        said = line.removeprefix(_SAID).strip()
        return Progress(said[:80]) if line.startswith(_SAID) and said else None

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The seed that it says it used."""
        told = answer(log)
        return {"seed": told["seed"]} if "seed" in told else {}

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A video, a guardrail's refusal, or the fault in the words of who told it."""
        told, found = answer(log), super().verdict(run_id, ended, log)
        if not isinstance(found, Failed) or found.cause != "engine":
            return found
        if not told:
            return _left(run_id, ended, log)
        cause = told.get("cause")
        cause = cause if cause in ("timeout", "bad_output", "no_output") else "engine"
        return Failed(cause, found.message, words(told.get("hint")) or found.hint)


def _left(run_id: str, ended: JobEnded, log: Sequence[str]) -> Failed:
    """The process that held the request ended without a word of its own."""
    again = f"cosmos logs {run_id} has everything it said; the service may still be at work on it"
    if ended.exit_code is not None and ended.exit_code > 128:
        signal = ended.exit_code - 128
        return Failed(
            "killed", f"the process that waited for the answer was killed ({signal})", again
        )
    last = next((line.strip() for line in reversed(log) if line.strip()), "it said nothing")
    return Failed("engine", f"the process that waited for the answer ended: {last[:300]}", again)


def _check_fit(form: nim_forms.Form, request: RunRequest, start: nim_body.Start) -> None:
    nim_forms.check_options(form, options_of(request.run))
    models = request.service.models if request.service else ()
    nim_forms.check_mode(form, start.mode, models)
    used = nim_body.in_use(request)
    if form is not TRANSFER25 and used:
        none = " ".join(f"--weight {one}=0" for one in used)
        spec = request.run.id
        raise SpecError(
            f"a {form.title} NIM takes no controls, and the run has {', '.join(used)}",
            hint=f"cosmos create-run {spec} {none} leaves them away; or take a Transfer2.5 NIM",
        )
