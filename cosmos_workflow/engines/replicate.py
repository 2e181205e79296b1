"""Models on Replicate, each by its name in the config: words, a first frame or a video to video."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from cosmos_workflow.config.settings import ModelSettings, Settings
from cosmos_workflow.engines.engine import Limit, Options, RunRequest
from cosmos_workflow.engines.replicate_input import (
    ReplicateOptions,
    check,
    fill,
    first_frame,
    options_of,
)
from cosmos_workflow.engines.replicate_models import MODELS
from cosmos_workflow.engines.request import RequestEngine, answer, words
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, Succeeded, Verdict
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

OUTPUTS = ("outputs/output.mp4", "outputs/output_*")

_BAR = re.compile(r"^\s*(\d+)%\s*\|.*?\|\s*(\d+)/(\d+)")
"""tqdm's bar, as models write it into their log."""

_REFUSED = ("nsfw", "sensitive", "content policy", "moderat", "guardrail", "(e005)")
"""Words of a refusal; E005 is Replicate's own code for it."""


class Replicate(RequestEngine):
    """One prediction.  ``models``: those of the config, over those that are known here."""

    name: ClassVar[str] = "replicate"
    dialect: ClassVar[str] = "replicate"
    summary: ClassVar[str] = "A model on Replicate: CogVideoX, LTX, WAN, or any that you name"
    Options: ClassVar[type[Options]] = ReplicateOptions
    limits: ClassVar[Mapping[str, Limit]] = {
        "seed": Limit(1, 0, 2**31 - 1, help="where the model has one"),
        "num_steps": Limit(None, 1, 500, help="empty: the model's usual number"),
        "guidance": Limit(None, 0.0, 50.0, help="pull of the words; empty: the model's usual"),
        "fps": Limit(None, 1, 120, help="of the result; empty: the model's usual"),
    }
    licence: ClassVar[str] = "Each model has its own, on its page there"

    def __init__(self, models: Mapping[str, ModelSettings] | None = None) -> None:
        self.models = {**MODELS, **(models or {})}

    def configured(self, settings: Settings) -> Self:
        """With the models of the config."""
        return type(self)(settings.models)

    def model(self, run: RunSpec) -> ModelSettings:
        """The model that a run is for.  Raises SpecError."""
        name = options_of(run).model
        if name not in self.models:
            known = list(self.models)
            raise SpecError(
                f"--option model={name}: there is no such model",
                hint=f"{did_you_mean(name, known)}known: {', '.join(known)}; a further one is a "
                f"table [models.{name}] with its slug in config.toml",
            )
        return self.models[name]

    def defaults(self, run: RunSpec) -> Mapping[str, float | int | str | None]:
        """A seed, where the model has one; the rest is the model's own, as its table says."""
        usual = super().defaults(run)
        own = self.model(run).inputs
        return {name: value if name in own else None for name, value in usual.items()}

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for a model that nobody knows, or a wish that it has no input for."""
        check(run, prompt, self.model(run))

    def files(self, run: RunSpec) -> Sequence[str]:
        """The picture that it begins with."""
        image = options_of(run).image
        return (image,) if image else ()

    def facts(self, request: RunRequest) -> Sequence[str]:
        """Which model, how many frames, where it begins."""
        model, options = self.model(request.run), options_of(request.run)
        filled = fill(request, model)
        which = f"deployment {model.deployment}" if model.deployment else model.slug
        version = model.version[:8] or "official, or its newest version"
        lines = [f"{options.model}: {which} ({version}) on Replicate"]
        if model.frames in filled.input:
            lines.append(f"{filled.input[model.frames]} frames, if the model keeps to it")
        first = first_frame(request, model)
        if first is not None:
            asked = f"frame {options.still or 0} of the input video"
            lines.append(f"begins with {options.image or asked}")
        if request.controls:
            lines.append(f"controls are left out: {', '.join(request.controls)}")
        return lines

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The prediction of one run.  Raises SpecError before anything is sent."""
        if len(requests) != 1:
            raise SpecError(
                f"replicate takes one run a job, not {len(requests)}",
                hint="run them one after another",
            )
        run = settle(self, requests[0].run, requests[0].prompt)
        request, model = replace(requests[0], run=run), self.model(run)
        filled = fill(request, model)
        page = f"models/{model.slug}" + (f"/versions/{model.version}" if model.version else "")
        pinned = f"{model.slug}:{model.version}" if model.version else model.slug
        return RequestJob(
            name=request.job_name,
            engine=self.name,
            dialect=self.dialect,
            route=f"deployments/{model.deployment}" if model.deployment else pinned,
            body={"input": filled.input},
            outputs={request.run_id: OUTPUTS},
            inputs=filled.files,
            time_limit=request.time_limit,
            parameters={request.run_id: filled.sent},
            requires=(page,),
            patience=options_of(run).wait,
        )

    def progress(self, line: str) -> Progress | None:
        """A bar of tqdm in the model's log."""
        bar = _BAR.match(line)
        if bar is None or int(bar[3]) == 0:
            return None
        return Progress("processing", min(int(bar[2]) / int(bar[3]), 1.0), f"{bar[2]}/{bar[3]}")

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The input as Replicate repeats it, under our names."""
        told = answer(log)
        given, slug = told.get("input"), told.get("model")
        model = next((one for one in self.models.values() if one.slug == slug), None)
        if model is None or not isinstance(given, Mapping):
            return {}
        return {name: given[key] for name, key in model.inputs.items() if key in given}

    def refusal(self, told: Mapping[str, Any], message: str) -> Blocked | None:
        """What the models there say when they refuse."""
        lower = message.lower()
        if not any(word in lower for word in _REFUSED):
            return super().refusal(told, message)
        what = "generated video" if "output" in lower or "nsfw" in lower else "prompt"
        hint = "change the words or the first frame; the same is refused again"
        return Blocked(what, "the model's safety check", message, hint)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A video; or it came too late, was not fetched in time, or failed by its own words."""
        told = answer(log)
        by_deadline = told.get("status") == "aborted" or told.get("by_deadline")
        if ended.exit_code != 0 and by_deadline:
            return Failed(
                "timeout",
                "Replicate ended it: it was not done by its deadline",
                "a busy or cold model takes minutes to begin; raise --time-limit",
            )
        if ended.exit_code == 0 and not ended.files and told.get("data_removed"):
            return Failed(
                "expired",
                "Replicate removed the result, as it does an hour after the end",
                f"cosmos run {run_id.partition('.')[0]} makes it once more; then follow it, or "
                "have cosmos webhook fetch it, within the hour",
            )
        found = super().verdict(run_id, ended, log)
        if isinstance(found, Succeeded | Blocked) or found.cause != "engine":
            return found
        if "out of memory" in words(told.get("error")).lower():
            hint = "fewer frames, a smaller picture, or a model on a larger GPU"
            return Failed("out_of_memory", found.message, hint)
        return found
