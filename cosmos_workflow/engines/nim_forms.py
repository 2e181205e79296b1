"""The three forms of a NIM's request: what each takes, and how one is recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosmos_workflow.engines.engine import Limit, RunRequest
from cosmos_workflow.engines.nim_options import NimOptions, options_of
from cosmos_workflow.engines.rules import FLAGS
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.run_spec import Parameters

SEED = Limit(1, 0, 2**32 - 1, help="another number, another take")
STEPS = Limit(35, 1, 100, help="more: finer, and as much slower")
FPS = Limit(24, 1, 60, help="of the result; transfer25 keeps the input's")


@dataclass(frozen=True)
class Form:
    """``name`` is the word of ``--option model``; ``model`` its column of the vocabulary.

    ``options``: those that not every form has.  ``signs``: what names of its models contain.
    """

    name: str
    title: str
    model: str
    limits: Mapping[str, Limit]
    modes: tuple[str, ...]
    options: tuple[str, ...]
    signs: tuple[str, ...]


PREDICT1 = Form(
    "predict1",
    "Cosmos Predict1",
    "nim_predict1",
    {"seed": SEED, "num_steps": STEPS, "guidance": Limit(7.0, 0, 20), "fps": FPS},
    ("text2world", "image2world", "video2world"),
    ("size", "ratio", "duration", "prompt_upsampling"),
    ("predict1", "cosmos-1.0-diffusion"),
)
COSMOS3 = Form(
    "cosmos3",
    "Cosmos 3",
    "nim_cosmos3",
    {"seed": SEED, "num_steps": STEPS, "guidance": Limit(6.0, 1, 7), "fps": FPS},
    ("text2world", "image2world"),
    ("ratio", "resolution", "duration", "flow_shift"),
    ("cosmos3", "cosmos-3"),
)
TRANSFER25 = Form(
    "transfer25",
    "Cosmos Transfer2.5",
    "nim_transfer25",
    {
        "seed": SEED,
        "num_steps": STEPS,
        "guidance": Limit(3.0, 0, 7, whole=True),
        "sigma_max": Limit(None, 0, 200),
    },
    ("video2world",),
    ("resolution",),
    ("transfer2.5", "transfer25", "transfer2-5"),
)
FORMS = {form.name: form for form in (PREDICT1, COSMOS3, TRANSFER25)}

_OWN_OPTIONS = {option for form in FORMS.values() for option in form.options}


def named_by(models: Sequence[str]) -> Form | None:
    """The form of the NIM that has these models, by their names."""
    for form in FORMS.values():
        if any(sign in model.lower() for sign in form.signs for model in models):
            return form
    return None


def form_of(request: RunRequest) -> Form:
    """The form that is named, else that of the service's model, else that fits to the spec.

    Raises SpecError for a service with a model of another kind.
    """
    options = options_of(request.run)
    if options.model != "auto":
        return FORMS[options.model]
    models = request.service.models if request.service else ()
    form = named_by(models)
    if form is not None:
        return form
    if request.service is not None:
        said = ", ".join(models) or "no model"
        raise SpecError(
            f"the service names {said}: which form of a request does it take?",
            hint="say it: --option model=predict1, cosmos3 or transfer25",
        )
    return TRANSFER25 if any(request.run.control_weights.values()) else PREDICT1


def parameters(form: Form, request: RunRequest) -> Parameters:
    """The parameters that the form has, with its defaults.  Raises SpecError by its ranges."""
    given = request.run.parameters.model_dump(mode="json", exclude_none=True)
    if "sigma_max" in given and "sigma_max" not in form.limits:
        raise SpecError(
            f"--sigma-max {given['sigma_max']:g}: a {form.title} NIM has none",
            hint="leave it away",
        )
    filled: dict[str, Any] = {}
    for name, limit in form.limits.items():
        value = given.get(name, limit.default)
        _check(form, name, value, limit)
        filled[name] = value
    return Parameters.model_validate(filled)


def _check(form: Form, name: str, value: Any, limit: Limit) -> None:
    if value is None:
        return
    low, high = limit.low or 0, limit.high if limit.high is not None else value
    if not low <= value <= high or (limit.whole and value != int(value)):
        raise SpecError(
            f"{FLAGS[name]} {value:g} is out of range",
            hint=f"a {form.title} NIM takes {limit.said()}",
        )


def check_options(form: Form, options: NimOptions) -> None:
    """Raise SpecError for an option of another form, which would be silently dropped."""
    for name in sorted(_OWN_OPTIONS & options.model_fields_set):
        if name not in form.options:
            own = ", ".join(form.options)
            raise SpecError(
                f"--option {name}: a {form.title} NIM has no such thing",
                hint=f"it has {own}",
            )


def check_mode(form: Form, mode: str, models: Sequence[str]) -> None:
    """Raise SpecError for a start that the form, or the very model there, does not take."""
    if mode not in form.modes:
        raise SpecError(
            f"a {form.title} NIM takes {' or '.join(form.modes)}, not {mode}",
            hint="--option mode=text2world leaves the video away"
            if "text2world" in form.modes
            else "make a PromptSpec with --input-video",
        )
    named = " ".join(models).lower()
    words = mode == "text2world"
    only = "video2world" if words else "text2world"
    if (
        form is PREDICT1
        and only in named
        and ("text2world" if words else "video2world") not in named
    ):
        raise SpecError(
            f"the NIM's model is {models[0]}, and the run is {mode}",
            hint="--option mode=text2world leaves the video away"
            if not words
            else "name a video or an image for it to start from",
        )
