"""The files of a Cosmos 3 run: what is read, whether it fits together, how it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from cosmos_workflow.engines import transfer1_media
from cosmos_workflow.engines.cosmos3_options import (
    FRAMES,
    MOST_FRAMES,
    Cosmos3Options,
    Mode,
    chunk_of,
    in_use,
    is_made,
    mode_of,
    options_of,
    resolution_of,
    whole_chunk,
)
from cosmos_workflow.engines.engine import Fit, RunRequest
from cosmos_workflow.engines.transfer25_media import ratio_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Input
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video.media import Media

_SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "256": {"16,9": (320, 192), "4,3": (320, 256), "1,1": (256, 256)},
    "480": {"16,9": (832, 480), "4,3": (736, 544), "1,1": (640, 640)},
    "720": {"16,9": (1280, 720), "4,3": (1104, 832), "1,1": (960, 960)},
    "768": {"16,9": (1360, 768), "4,3": (1184, 880), "1,1": (1024, 1024)},
}
"""Width and height of what comes out; upright shapes are these turned."""

LONGEST = 5000
"""Frames after which the framework stops reading a control."""


def shape(ratio: str, resolution: str = "720") -> tuple[int, int]:
    """Width and height of what comes out."""
    if ratio in _SIZES[resolution]:
        return _SIZES[resolution][ratio]
    width, height = _SIZES[resolution][",".join(reversed(ratio.split(",")))]
    return height, width


def chunks(frames: int, chunk: int = 93, kept: int = 1) -> int:
    """How many pieces ``frames`` frames are made in; each begins with ``kept`` of the last one."""
    return 1 if frames <= chunk else 1 + ceil((frames - chunk) / (chunk - kept))


def fit(media: Media) -> Fit:
    """The size at 720 for this shape, and what a transfer makes of the frames."""
    width, height = shape(ratio_of(media))
    count = chunks(media.frames)
    said = "1 chunk" if count == 1 else f"{count} chunks"
    notes = [
        f"a transfer makes {media.frames} frames in {said} of 93 (each further one adds 92)",
        "other generation makes a multiple of 4 frames, plus 1",
    ]
    faults: tuple[str, ...] = ()
    if media.frames > LONGEST:
        faults = (f"{media.frames} frames are more than the {LONGEST} that it reads",)
    return Fit(width, height, tuple(notes), faults)


@dataclass(frozen=True)
class Sources:
    """What a run reads, and what follows from it.

    ``vision``: the input video or image, None when it has no part.  A control that the framework
    makes itself has None.  ``frames``: how many come out, before they are rounded.
    """

    mode: Mode
    vision: Path | None
    controls: Mapping[Modality, Path | None]
    ratio: str
    fps: int
    frames: int
    count: int


def sources(request: RunRequest) -> Sources:
    """The files of a settled run.  Raises SpecError where they do not fit each other."""
    mode, options = mode_of(request.run, request.prompt), options_of(request.run)
    if mode == "transfer":
        return _transfer(request, options)
    vision: Path | None = None
    if mode == "image2video" and options.image_path:
        vision = request.extra_files[options.image_path]
    elif mode != "text2video":
        vision = request.input_video
    media = request.media[vision] if vision else None
    rate = media.fps if media and mode == "video2video" else 24
    return Sources(
        mode,
        vision,
        {},
        ratio_of(media) if media else options.aspect_ratio,
        request.run.parameters.fps or max(1, round(rate)),
        options.num_frames or FRAMES[options.model],
        1,
    )


def _transfer(request: RunRequest, options: Cosmos3Options) -> Sources:
    run, prompt = request.run, request.prompt
    controls = {
        control: None if is_made(control, run, prompt) else request.controls[control]
        for control in in_use(run)
    }
    vision = request.input_video
    named = {f"{control} control": path for control, path in controls.items() if path}
    if vision:
        named = {"input video": vision, **named}
    first_control = next(iter(controls.values())) or vision
    assert first_control is not None
    frames = min(request.media[first_control].frames, options.max_frames or LONGEST)
    for name, path in named.items():
        _check_beside(name, path, request.media[path], request.media[first_control], frames)
    first = request.media[vision or first_control]
    rate = _rate(request, first)
    count = chunks(frames, chunk_of(run), options.num_conditional_frames)
    return Sources("transfer", vision, controls, ratio_of(first), rate, frames, count)


def _rate(request: RunRequest, first: Media) -> int:
    """The framework keeps the input video's; without one it takes what it is told."""
    asked, found = request.run.parameters.fps, max(1, round(first.fps))
    if asked and asked != found and request.input_video:
        raise SpecError(
            f"--fps {asked}: a transfer plays at the rate of its input video, {first.fps:g}",
            hint="leave --fps away",
        )
    return asked or found


def _check_beside(name: str, path: Path, media: Media, first: Media, frames: int) -> None:
    if media.frames < frames:
        raise SpecError(
            f"the {name} has {media.frames} frames, {frames} are made",
            hint=f"{path}\nrender them at one length, or --option max_frames={media.frames}",
        )
    if media.frames > LONGEST and frames == LONGEST:
        raise SpecError(
            f"the {name} has {media.frames} frames, more than the {LONGEST} that are read",
            hint=f"{path}\nsplit the shot, or --option max_frames={LONGEST}",
        )
    if ratio_of(media) != ratio_of(first):
        raise SpecError(
            f"the {name} is {media.width}x{media.height}, another shape than "
            f"{first.width}x{first.height}",
            hint=f"{path}\nrender them at one size",
        )


def frames_made(files: Sources) -> int:
    """Frames of the result: a transfer cuts to its control, all else is a multiple of 4, plus 1."""
    return files.frames if files.mode == "transfer" else whole_chunk(files.frames)


def check_machine(request: RunRequest) -> None:
    """Raise SpecError for a number of GPUs that the model cannot use."""
    if request.gpus not in (1, 2, 4, 8):
        raise SpecError(
            f"--num-gpu {request.gpus}: the work is shared among 1, 2, 4 or 8 GPUs",
            hint="more GPUs are faster",
        )
    if options_of(request.run).model == "super" and request.gpus == 1:
        raise SpecError(
            "the model super has 128 GB of weights, which it shares out to several GPUs",
            hint="--num-gpu 4, or --option model=nano",
        )
    named = [device for device in request.cuda_devices.split(",") if device.strip()]
    if named and len(named) < request.gpus:
        raise SpecError(
            f"--num-gpu {request.gpus} with --cuda-devices {request.cuda_devices}: "
            f"that names {len(named)}",
            hint="name as many devices as GPUs",
        )


def about_frames(options: Cosmos3Options, files: Sources) -> list[str]:
    """What to know of the number of frames, a line each."""
    made, lines = frames_made(files), []
    if made != files.frames:
        lines.append(f"{files.frames} frames are made {made}: a multiple of 4, plus 1")
    resolution = resolution_of(options)
    if files.mode != "transfer" and made > 1 and not 24 <= made <= MOST_FRAMES[resolution]:
        lines.append(
            f"at {resolution} it was trained for 24 to {MOST_FRAMES[resolution]} frames, not {made}"
        )
    if not 10 <= files.fps <= 30:
        lines.append(f"it was trained for 10 to 30 fps, not {files.fps}")
    return lines


def inputs(request: RunRequest, files: Sources) -> tuple[Input, ...]:
    """Every file of the run."""
    made = []
    if files.vision and files.mode == "image2video":
        made.append(Input("vision", f"vision{files.vision.suffix.lower()}", files.vision))
    elif files.vision:
        made.append(_video("vision", files.vision, request.media[files.vision]))
    for control, path in files.controls.items():
        if path:
            made.append(_video(str(control), path, request.media[path]))
    return tuple(made)


def _video(key: str, path: Path, media: Media) -> Input:
    """The framework reads .mp4 alone, whatever is in it."""
    return replace(transfer1_media.video_input(key, path, media), name=f"{key}.mp4")
