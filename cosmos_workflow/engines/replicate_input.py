"""The input of a model on Replicate: our words and numbers under the names that the model has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from cosmos_workflow.config.settings import ModelSettings
from cosmos_workflow.engines.engine import Options, RunRequest
from cosmos_workflow.engines.replicate_models import MODELS
from cosmos_workflow.engines.rules import FLAGS
from cosmos_workflow.engines.transfer1_media import file_name, video_input
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Attached, Derived, Input
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

IMAGES: Mapping[str, str] = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"
}  # fmt: skip
"""Endings of pictures, and their media types."""


class ReplicateOptions(Options):
    """Options of every model there; what only one of them has goes into ``inputs``."""

    model: str = Field("ltx", description=f"{', '.join(MODELS)}, or a name below [models]")
    image: str = Field("", description="a picture that the video begins with")
    still: int | None = Field(
        None, ge=0, description="the frame of the input video that it begins with, from 0"
    )
    frames: int | None = Field(None, ge=1, description="how many; empty: the model's usual number")
    inputs: dict[str, JsonValue] = Field(
        {}, description='further inputs of the model: {"aspect_ratio": "9:16"}'
    )
    wait: int = Field(
        0, ge=0, le=60, description="seconds that the request is held, for a model that is quick"
    )


def options_of(run: RunSpec) -> ReplicateOptions:
    """The options of a run that has been settled."""
    return ReplicateOptions.model_validate(run.options)


def is_image(path: Path | str) -> bool:
    """Whether it is a picture, by its ending."""
    return Path(path).suffix.lower() in IMAGES


def check(run: RunSpec, prompt: PromptSpec, model: ModelSettings) -> None:
    """Raise SpecError for what this model has no input for, or cannot do without."""
    options = options_of(run)
    for name, value in run.parameters.model_dump(exclude_none=True).items():
        if name not in model.inputs:
            own = ", ".join(FLAGS[one] for one in model.inputs) or "none of them"
            raise SpecError(
                f"{FLAGS[name]} {value}: the model {options.model} ({model.slug}) has no {name}",
                hint=f"it has {own}; or name its input: inputs below [models.{options.model}]",
            )
    _check_first_frame(options, prompt, model)
    if prompt.negative_prompt and not model.negative_prompt:
        raise SpecError(
            f"{prompt.name!r} has a negative prompt, and {options.model} ({model.slug}) takes none",
            hint="use a PromptSpec without one, or another model",
        )
    if options.frames is not None:
        _check_frames(options.frames, options.model, model)
    if model.video and not prompt.input_video_path:
        raise SpecError(
            f"the model {options.model} ({model.slug}) works on a video, and {prompt.name!r} has "
            "none",
            hint="make a PromptSpec with --input-video PATH",
        )


def _check_first_frame(options: ReplicateOptions, prompt: PromptSpec, model: ModelSettings) -> None:
    asked = "image" if options.image else "still" if options.still is not None else ""
    if options.image and options.still is not None:
        raise SpecError("--option image and still both give the first frame", hint="give one")
    if asked and not model.image:
        raise SpecError(
            f"--option {asked}: the model {options.model} ({model.slug}) begins with no picture",
            hint="use one that does: ltx, wan_i2v, cogvideox_i2v",
        )
    if options.image and not is_image(options.image):
        raise SpecError(
            f"--option image={options.image} is no picture by its ending",
            hint=f"known: {', '.join(IMAGES)}; --option still=0 takes a frame of the input video",
        )
    if options.still is not None and not prompt.input_video_path:
        raise SpecError(
            f"--option still={options.still}: {prompt.name!r} has no input video",
            hint="make a PromptSpec with --input-video PATH, or give --option image=PATH",
        )
    if model.needs_image and not asked and not prompt.input_video_path:
        raise SpecError(
            f"the model {options.model} ({model.slug}) needs a first frame, and there is none",
            hint="--option image=PATH, or a PromptSpec with --input-video PATH",
        )


def _check_frames(frames: int, name: str, model: ModelSettings) -> None:
    if not model.frames:
        raise SpecError(
            f"--option frames={frames}: the model {name} ({model.slug}) has no number of frames",
            hint=f"if it has, name its input: frames below [models.{name}]",
        )
    step = model.frame_step
    if (frames - 1) % step:
        near = (frames - 1) // step * step + 1
        raise SpecError(
            f"--option frames={frames}: {name} makes {step}n+1 frames, and would round it",
            hint=f"--option frames={near} or --option frames={near + step}",
        )


@dataclass(frozen=True)
class Filled:
    """The model's input, the files in it, and our parameters with the values that are sent."""

    input: Mapping[str, Any]
    files: tuple[Input, ...] = ()
    sent: Mapping[str, Any] = field(default_factory=dict)


def fill(request: RunRequest, model: ModelSettings) -> Filled:
    """The input of a settled run."""
    options, prompt = options_of(request.run), request.prompt
    values = {**model.fixed, model.prompt: prompt.prompt} if model.prompt else {**model.fixed}
    if prompt.negative_prompt:
        values[model.negative_prompt] = prompt.negative_prompt
    if options.frames is not None:
        values[model.frames] = options.frames
    given = request.run.parameters.model_dump(mode="json", exclude_none=True)
    called = {str(ours): theirs for ours, theirs in model.inputs.items()}
    values |= {called[name]: value for name, value in given.items()}
    files: list[Input] = []
    leaves: dict[str, Any] = {}
    first = first_frame(request, model)
    if first is not None:
        files.append(first)
        media_type = IMAGES.get(Path(first.name).suffix, "image/png")
        leaves[model.image] = Attached(first.key, "url", media_type)
    if model.video and request.input_video is not None:
        media = request.media[request.input_video]
        files.append(video_input("video", request.input_video, media))
        leaves[model.video] = Attached("video", "url")
    filled = {**values, **leaves, **options.inputs}
    sent = {name: filled[key] for name, key in called.items() if key in filled}
    return Filled(filled, tuple(files), sent)


def first_frame(request: RunRequest, model: ModelSettings) -> Input | None:
    """The picture that the video begins with: the one that is given, or a frame of the input."""
    options, source = options_of(request.run), request.input_video
    if options.image:
        path = request.extra_files[options.image]
        return Input("image", file_name("image", path), path)
    asked = options.still is not None or model.needs_image
    if not model.image or not asked or source is None:
        return None
    if is_image(source):
        return Input("image", file_name("image", source), source)
    frame = options.still or 0
    count = request.media[source].frames
    if frame >= count:
        raise SpecError(
            f"--option still={frame}: the input video has {count} frames",
            hint=f"0 to {count - 1}",
        )
    return Input("image", "image.png", Derived("still", source, {"frame": frame}))
