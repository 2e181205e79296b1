"""The videos of a Transfer1 run: which are read, whether they fit each other, how they are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from cosmos_workflow.engines.engine import Fit, RunRequest
from cosmos_workflow.engines.transfer1_options import IGNORES_INPUT, in_use, is_made, options_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Derived, Input
from cosmos_workflow.prompts.enums import CANNY_PAIRS, CONTROLS, CannyThreshold, Modality
from cosmos_workflow.video.media import Media

SHAPES = ((1280, 704), (960, 704), (960, 960), (704, 960), (704, 1280))
"""The sizes the model works at, for 16:9, 4:3, 1:1, 3:4 and 9:16."""

_RATIOS = (16 / 9, 4 / 3, 1.0, 3 / 4, 9 / 16)

CHUNK = 121
"""Frames of one chunk; each further one repeats the last frame and adds 120."""

MOST_FRAMES = 5000
"""Frames after which the model stops reading."""

GPU_COUNTS = (1, 2, 4, 8, 16)
"""A chunk's 16 latent frames are shared out evenly, or the model refuses."""


def shape(media: Media) -> tuple[int, int]:
    """Width and height of what comes out: the model's size of the nearest aspect ratio."""
    ratio = media.width / media.height
    return SHAPES[min(range(5), key=lambda i: (_RATIOS[i] - ratio) ** 2)]


def chunks(frames: int) -> int:
    """How many pieces the model makes a video of ``frames`` frames in."""
    return max(1, ceil((frames - 1) / (CHUNK - 1)))


def fit(media: Media) -> Fit:
    """The model's size for this shape, and how its frames fall into chunks."""
    width, height = shape(media)
    count = chunks(media.frames)
    room = 1 + count * (CHUNK - 1)
    said = "1 chunk" if count == 1 else f"{count} chunks"
    notes = [f"{media.frames} frames in {said} of {CHUNK} (each further one adds {CHUNK - 1})"]
    if media.frames < room:
        spare = room - media.frames
        notes.append(f"the last frame is repeated {spare} times to fill the chunk, then cut off")
    faults: tuple[str, ...] = ()
    if media.frames > MOST_FRAMES:
        faults = (f"{media.frames} frames are more than the {MOST_FRAMES} that the model reads",)
    return Fit(width, height, tuple(notes), faults)


def check_machine(request: RunRequest) -> None:
    """Raise SpecError for a number of GPUs that the model cannot share its work among."""
    if request.gpus not in GPU_COUNTS:
        raise SpecError(
            f"--num-gpu {request.gpus}: the model shares its work among 1, 2, 4, 8 or 16 GPUs",
            hint="more GPUs are faster; they do not add up to more memory",
        )
    named = [device for device in request.cuda_devices.split(",") if device.strip()]
    if named and len(named) < request.gpus:
        raise SpecError(
            f"--num-gpu {request.gpus} with --cuda-devices {request.cuda_devices}: "
            f"that names {len(named)}",
            hint="name as many devices as GPUs",
        )


# -- what is read ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sources:
    """What a run reads: the input video, if the model shall see it, and a file per control.

    A control that the model makes itself has None; an edge control made here has the input video.
    """

    video: Path | None
    controls: Mapping[Modality, Path | None]
    drawn: bool = False
    """Whether ``controls[EDGE]`` is the input video, of which the edges are drawn here."""


def sources(request: RunRequest) -> Sources:
    """The files of a settled run."""
    run, prompt = request.run, request.prompt
    options = options_of(run)
    controls: dict[Modality, Path | None] = {}
    drawn = False
    for control in (control for control in CONTROLS if control in in_use(run)):
        if not is_made(control, run, prompt):
            controls[control] = request.controls[control]
        elif control is Modality.EDGE:
            controls[control], drawn = request.input_video, True
        else:
            controls[control] = None
    looks = bool(options.control_weight_prompt) or None in controls.values()
    looks = looks or any(region.mask_prompt for region in options.regional_prompts)
    sigma = run.parameters.sigma_max
    assert sigma is not None
    used = looks or sigma < IGNORES_INPUT
    return Sources(request.input_video if used else None, controls, drawn)


def check_media(request: RunRequest, files: Sources) -> Media:
    """The facts of the videos together.  Raises SpecError where they do not fit each other."""
    named = {f"{control} control": path for control, path in files.controls.items() if path}
    if files.drawn:
        del named[f"{Modality.EDGE} control"]
    if files.video or files.drawn:
        assert request.input_video is not None
        named = {"input video": request.input_video, **named}
    facts = {name: (path, request.media[path]) for name, path in named.items()}
    _check_frames(facts)
    shapes = {shape(media) for _, media in facts.values()}
    if len(shapes) > 1:
        listed = "\n".join(
            f"{name}: {media.width}x{media.height}  {path}" for name, (path, media) in facts.items()
        )
        raise SpecError(
            "the input and its controls have different aspect ratios",
            hint=f"{listed}\nrender them at one size",
        )
    _, first = next(iter(facts.values()))
    if options_of(request.run).regional_prompts:
        _check_regional(first)
    return first


def _check_frames(facts: Mapping[str, tuple[Path, Media]]) -> None:
    counts = {media.frames for _, media in facts.values()}
    listed = "\n".join(
        f"{name}: {media.frames} frames  {path}" for name, (path, media) in facts.items()
    )
    if len(counts) > 1:
        raise SpecError(
            "the input and its controls have different numbers of frames, on which the model hangs",
            hint=f"{listed}\ncut them to {min(counts)} frames each",
        )
    if max(counts) > MOST_FRAMES:
        raise SpecError(
            f"{max(counts)} frames are more than the {MOST_FRAMES} that the model reads",
            hint=f"{listed}\nsplit the shot",
        )


def _check_regional(media: Media) -> None:
    if media.frames < CHUNK:
        raise SpecError(
            f"regional_prompts need {CHUNK} frames or more; this shot has {media.frames}",
            hint="render more frames, or leave the regions away",
        )
    if shape(media) != SHAPES[0]:
        raise SpecError(
            f"regional_prompts work at 16:9 only; this shot is {media.width}x{media.height}",
            hint="render at 1280x704, or leave the regions away",
        )


def weight_of(request: RunRequest, control: Modality) -> float | str | Path:
    """The number or the weight map of a control in use."""
    return request.weights.get(control, request.run.control_weights[control])


# -- inputs ---------------------------------------------------------------------------------------


def video_input(key: str, path: Path, media: Media, size: tuple[int, int] | None = None) -> Input:
    """A video as the model's decoder takes it: as it is, or a plain copy of ``size``."""
    width, height = size or (media.width - media.width % 2, media.height - media.height % 2)
    if media.plain and (media.width, media.height) == (width, height):
        return Input(key, file_name(key, path), path)
    settings = {"width": width, "height": height, "fps": media.fps, "frames": media.frames}
    return Input(key, f"{key}.mp4", Derived("conform", path, settings))


def file_name(key: str, path: Path) -> str:
    """The input's name on the target: its key and the file's own ending."""
    ending = path.suffix.lower()
    return key + (ending if re.fullmatch(r"\.[a-z0-9]{1,5}", ending) else ".mp4")


def inputs(request: RunRequest, files: Sources) -> tuple[Input, ...]:
    """Every file of the run: videos, weight maps, region masks."""
    options, media = options_of(request.run), request.media
    made: list[Input] = []
    if files.video:
        looks = any(region.mask_prompt for region in options.regional_prompts)
        size = SHAPES[0] if looks else None
        made.append(video_input("color", files.video, media[files.video], size))
    for control, path in files.controls.items():
        if path is None:
            continue
        if control is Modality.EDGE and files.drawn:
            made.append(Input("edge", "edge.mp4", Derived("canny", path, thresholds(request))))
        else:
            made.append(video_input(str(control), path, media[path]))
    for control in files.controls:
        weight = weight_of(request, control)
        if isinstance(weight, Path):
            made.append(Input(f"{control}_weight", f"{control}_weight.pt", weight))
    for number, region in enumerate(options.regional_prompts):
        if region.path:
            made.append(_mask_input(f"region_{number}", request, region.path))
    return tuple(made)


def thresholds(request: RunRequest) -> dict[str, int]:
    """The low and high thresholds of the run's edges, on 8-bit grey."""
    threshold = request.run.parameters.canny_threshold
    assert threshold is not None
    low, high = CANNY_PAIRS[CannyThreshold(threshold)]
    return {"low": low, "high": high}


def _mask_input(key: str, request: RunRequest, stored: str) -> Input:
    path = request.extra_files[stored]
    media = request.media.get(path)
    if media is None:
        return Input(key, file_name(key, path), path)
    if media.frames < CHUNK:
        raise SpecError(
            f"the region mask {path} has {media.frames} frames; the model needs {CHUNK} or more",
            hint="repeat its last frame",
        )
    return video_input(key, path, media, SHAPES[0])
