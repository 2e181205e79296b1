"""The videos of a Transfer2.5 run: what is read, whether it fits together, how it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from cosmos_workflow.engines import transfer1_media
from cosmos_workflow.engines.engine import Fit, RunRequest
from cosmos_workflow.engines.transfer25_options import (
    CHUNK,
    Transfer25Options,
    in_use,
    is_made,
    options_of,
)
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Derived, Input
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video.media import Media

RATIOS: Mapping[str, float] = {
    "16,9": 16 / 9, "4,3": 4 / 3, "1,1": 1.0, "3,4": 3 / 4, "9,16": 9 / 16
}  # fmt: skip
"""The shapes that the model knows."""

_SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "256": {"16,9": (320, 192), "4,3": (320, 256), "1,1": (256, 256)},
    "480": {"16,9": (768, 432), "4,3": (640, 480), "1,1": (480, 480)},
    "480p": {"16,9": (832, 480), "4,3": (640, 480), "1,1": (640, 640)},
    "512": {"16,9": (640, 384), "4,3": (640, 512), "1,1": (512, 512)},
    "720": {"16,9": (1280, 704), "4,3": (960, 704), "1,1": (960, 960)},
    "720p": {"16,9": (1280, 720), "4,3": (960, 720), "1,1": (960, 960)},
    "1024": {"16,9": (1280, 768), "4,3": (1280, 1024), "1,1": (1024, 1024)},
    "1080": {"16,9": (1920, 1056), "4,3": (1440, 1056), "1,1": (1024, 1024)},
}
"""Width and height that the model works at; upright shapes are these turned."""

MOST_FRAMES = 5000
"""Frames after which the model stops reading."""

GPU_COUNTS = (1, 2, 4, 8)

IMAGES = (".png", ".jpg", ".jpeg")


def ratio_of(media: Media) -> str:
    """The model's name for the nearest of its five aspect ratios."""
    found = media.width / media.height
    return min(RATIOS, key=lambda name: (RATIOS[name] - found) ** 2)


def shape(media: Media, resolution: str = "720") -> tuple[int, int]:
    """Width and height that the model works at."""
    ratio = ratio_of(media)
    if ratio in _SIZES[resolution]:
        return _SIZES[resolution][ratio]
    width, height = _SIZES[resolution][",".join(reversed(ratio.split(",")))]
    return height, width


def chunks(frames: int, chunk: int = CHUNK, kept: int = 1) -> int:
    """How many pieces ``frames`` frames are made in; each begins with ``kept`` of the last one."""
    if chunk == 1 or frames <= chunk:
        return 1
    return 1 + ceil((frames - chunk) / (chunk - kept))


def rate(media: Media) -> int:
    """Frames a second of the result.

    The model cuts 23.976 down to 23, so that a fractional rate is made whole before it is sent.
    """
    return max(1, round(media.fps))


def fit(media: Media) -> Fit:
    """The model's size for this shape at 720, and how its frames fall into chunks of 93."""
    width, height = shape(media)
    count = chunks(media.frames)
    said = "1 chunk" if count == 1 else f"{count} chunks"
    notes = [f"{media.frames} frames in {said} of {CHUNK} (each further one adds {CHUNK - 1})"]
    spare = CHUNK + (count - 1) * (CHUNK - 1) - media.frames
    if spare:
        notes.append(f"{spare} frames are mirrored at the end to fill the chunk, then cut off")
    if media.fps != rate(media):
        notes.append(f"the result plays at {rate(media)} fps: the model has whole rates only")
    faults: tuple[str, ...] = ()
    if media.frames > MOST_FRAMES:
        faults = (f"{media.frames} frames are more than the {MOST_FRAMES} that the model reads",)
    return Fit(width, height, tuple(notes), faults)


@dataclass(frozen=True)
class Sources:
    """What a run reads.  A control that the model makes itself has None; masks by control."""

    video: Path
    controls: Mapping[Modality, Path | None]
    masks: Mapping[Modality, Path]
    style: Path | None
    guide: Path | None


def sources(request: RunRequest) -> Sources:
    """The files of a settled run."""
    run, options = request.run, options_of(request.run)
    assert request.input_video is not None
    return Sources(
        request.input_video,
        {
            control: None if is_made(control, run, request.prompt) else request.controls[control]
            for control in in_use(run)
        },
        {control: request.extra_files[path] for control, path in options.mask_path.items()},
        _extra(request, options.image_context_path),
        _extra(request, options.guided_generation_mask),
    )


def _extra(request: RunRequest, stored: str) -> Path | None:
    return request.extra_files[stored] if stored else None


def frames_read(media: Media, options: Transfer25Options) -> int:
    """How many frames of the input video the model reads, and returns."""
    return min(media.frames, options.max_frames or media.frames)


def chunks_of(media: Media, options: Transfer25Options) -> int:
    """How many pieces a run is made in."""
    return chunks(
        frames_read(media, options),
        options.num_video_frames_per_chunk,
        options.num_conditional_frames,
    )


def check_machine(request: RunRequest) -> None:
    """Raise SpecError for a number of GPUs that the model cannot share its work among."""
    if request.gpus not in GPU_COUNTS:
        raise SpecError(
            f"--num-gpu {request.gpus}: the model shares its work among 1, 2, 4 or 8 GPUs",
            hint="more GPUs are faster; they do not add up to more memory",
        )
    named = [device for device in request.cuda_devices.split(",") if device.strip()]
    if named and len(named) < request.gpus:
        raise SpecError(
            f"--num-gpu {request.gpus} with --cuda-devices {request.cuda_devices}: "
            f"that names {len(named)}",
            hint="name as many devices as GPUs",
        )


def check_media(request: RunRequest, files: Sources) -> Media:
    """The facts of the input video.  Raises SpecError where the others do not fit to it."""
    options = options_of(request.run)
    first = request.media[files.video]
    frames = frames_read(first, options)
    if first.frames > MOST_FRAMES and frames > MOST_FRAMES:
        raise SpecError(
            f"{first.frames} frames are more than the {MOST_FRAMES} that the model reads",
            hint="split the shot, or --option max_frames=5000",
        )
    if options.context_frame_index and options.context_frame_index >= first.frames:
        raise SpecError(
            f"--option context_frame_index={options.context_frame_index}: the input video has "
            f"{first.frames} frames, counted from 0",
            hint=f"at most {first.frames - 1}",
        )
    for name, path in _beside(files).items():
        media = request.media.get(path)
        if media:
            _check_beside(name, path, media, first, frames)
    if files.style and files.style.suffix.lower() not in IMAGES:
        raise SpecError(
            f"--option image_context_path={files.style.name}: the model reads {', '.join(IMAGES)}",
            hint="save the image as one of these",
        )
    if files.guide and files.guide.suffix.lower() not in (".mp4", ".npz"):
        raise SpecError(
            f"--option guided_generation_mask={files.guide.name}: the model reads .mp4 and .npz",
            hint="make it one of these",
        )
    return first


def _beside(files: Sources) -> dict[str, Path]:
    named = {f"{control} control": path for control, path in files.controls.items() if path}
    named |= {f"mask of {control}": path for control, path in files.masks.items()}
    return named | ({"guided_generation_mask": files.guide} if files.guide else {})


def _check_beside(name: str, path: Path, media: Media, first: Media, frames: int) -> None:
    if media.frames < frames:
        raise SpecError(
            f"the {name} has {media.frames} frames, of the input video {frames} are read: the "
            "model would stop in the middle",
            hint=f"{path}\nrender it as long as the input, or --option max_frames={media.frames}",
        )
    if ratio_of(media) != ratio_of(first):
        raise SpecError(
            f"the {name} is {media.width}x{media.height}, the input video "
            f"{first.width}x{first.height}: another shape",
            hint=f"{path}\nrender them at one size",
        )


def inputs(request: RunRequest, files: Sources, prefix: str) -> tuple[Input, ...]:
    """Every file of the run, each under its key with ``prefix`` before it.

    The names are without: files that several runs share are one on the target.
    """
    media = request.media
    made = [_color("color", files.video, media[files.video])]
    for control, path in files.controls.items():
        if path:
            made.append(_video(str(control), path, media[path]))
    for control, path in files.masks.items():
        made.append(_video(f"{control}_mask", path, media[path]))
    if files.style:
        made.append(_as_it_is("style", files.style))
    if files.guide and files.guide.suffix.lower() == ".npz":
        made.append(_as_it_is("guide", files.guide))
    elif files.guide:
        made.append(_video("guide", files.guide, media[files.guide]))
    return tuple(replace(one, key=f"{prefix}{one.key}") for one in made)


def _color(key: str, path: Path, media: Media) -> Input:
    if media.fps == rate(media):
        return _video(key, path, media)
    width, height = media.width - media.width % 2, media.height - media.height % 2
    settings = {"width": width, "height": height, "fps": rate(media), "frames": media.frames}
    return Input(key, f"{key}.mp4", Derived("conform", path, settings))


def _video(key: str, path: Path, media: Media) -> Input:
    made = transfer1_media.video_input(key, path, media)
    known = made.name.endswith((".mp4", ".avi", ".mov", ".mkv", ".webm"))
    return made if known else replace(made, name=f"{key}.mp4")


def _as_it_is(key: str, path: Path) -> Input:
    return Input(key, transfer1_media.file_name(key, path), path)
