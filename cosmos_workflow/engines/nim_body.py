"""The body of a NIM's request in each of its forms, and the files in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cosmos_workflow.engines import transfer1_media, vocabulary
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.nim_forms import COSMOS3, PREDICT1, TRANSFER25, Form
from cosmos_workflow.engines.nim_options import ADDRESSES, NimOptions, options_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.execution.job import Attached, Input
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video.media import Media

WORDS = 250
"""Words of a prompt that Predict1 reads."""

IMAGES: Mapping[str, str] = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"
}  # fmt: skip

FRAMES = {"predict1": 121, "cosmos3": 189}
"""Frames of a result whose duration nobody says: the models' own."""

_LONGEST = {"256": 397, "480": 297, "720": 197}
"""Frames of Cosmos 3's longest result, by resolution; the shortest has 25."""

_SHAPES: Mapping[str, tuple[int, int]] = {
    "16:9": (1280, 704), "4:3": (960, 704), "1:1": (960, 960),
    "3:4": (704, 960), "9:16": (704, 1280),
}  # fmt: skip

READ = (93, 480)
"""Frames of an input that a Transfer2.5 NIM takes."""


@dataclass(frozen=True)
class Start:
    """What the video starts from: words alone, or an image or video, as a file or an address."""

    mode: str
    path: Path | None = None
    address: str = ""


def start_of(request: RunRequest) -> Start:
    """What the options and the spec say together.  Raises SpecError when they do not fit."""
    options, video = options_of(request.run), request.input_video
    if options.mode == "text2world":
        return Start("text2world")
    if options.image:
        address = options.image if options.image.startswith(ADDRESSES) else ""
        path = None if address else request.extra_files[options.image]
        if path is not None and path.suffix.lower() not in IMAGES:
            raise SpecError(
                f"--option image={path.name}: an image is {', '.join(IMAGES)}",
                hint="save it as one of these",
            )
        return Start("image2world", path, address)
    if options.video:
        return Start("video2world", None, options.video)
    still = video is not None and video.suffix.lower() in IMAGES
    mode = "image2world" if still else "video2world" if video else "text2world"
    if options.mode not in ("auto", mode):
        raise SpecError(
            f"--option mode={options.mode}, but the spec has {_has(video, still=still)}",
            hint="make a PromptSpec with --input-video, or --option image=PATH",
        )
    return Start(mode, video)


def _has(video: Path | None, *, still: bool) -> str:
    return "no video" if video is None else "an image" if still else "a video"


def inputs(form: Form, request: RunRequest, start: Start) -> tuple[Input, ...]:
    """The files in the request: videos as every decoder reads them, images as they are."""
    made = []
    if start.path is not None and start.mode == "image2world":
        made.append(Input("image", transfer1_media.file_name("image", start.path), start.path))
    elif start.path is not None:
        made.append(_video("video", start.path, request.media[start.path]))
    if form is TRANSFER25:
        used = {key: path for key, path in request.controls.items() if key in in_use(request)}
        made += [_video(str(key), path, request.media[path]) for key, path in used.items()]
    return tuple(made)


def _video(key: str, path: Path, media: Media) -> Input:
    made = transfer1_media.video_input(key, path, media)
    return made if made.name.endswith(".mp4") else replace(made, name=f"{key}.mp4")


def in_use(request: RunRequest) -> dict[Modality, float]:
    """Controls that count, and their weights."""
    weights = request.run.control_weights.items()
    return {key: float(weight) for key, weight in weights if weight and not isinstance(weight, str)}


def body(form: Form, request: RunRequest, start: Start, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the request; ``sent``: our parameters as it is told them.

    Raises SpecError for what the service would refuse.
    """
    fields: dict[str, Any] = {"prompt": request.prompt.prompt}
    if request.prompt.negative_prompt:
        fields["negative_prompt"] = request.prompt.negative_prompt
    for name, value in sent.items():
        _put(fields, vocabulary.PARAMETERS[name][form.model].key, value)
    options = options_of(request.run)
    if form is PREDICT1:
        _predict1(fields, options, start, int(sent["fps"]))
    elif form is COSMOS3:
        _cosmos3(fields, options, start, float(sent["fps"]))
    else:
        _transfer25(fields, options, request, start)
    return fields


def _predict1(fields: dict[str, Any], options: NimOptions, start: Start, fps: int) -> None:
    words = len(str(fields["prompt"]).split())
    if words > WORDS:
        raise SpecError(
            f"the prompt has {words} words; a Predict1 NIM reads {WORDS}",
            hint="say it in fewer words",
        )
    width, height = _SHAPES[options.ratio or "16:9"]
    if options.size:
        width, height = (int(side) for side in options.size.split("x"))
    frames = round(options.duration * fps) if options.duration else FRAMES["predict1"]
    if frames < 1:
        raise SpecError(
            f"--option duration={options.duration:g} at {fps} fps is less than a frame",
            hint="a second, perhaps",
        )
    fields["prompt_upsampling"] = options.prompt_upsampling
    for key, value in (("width", width), ("height", height), ("frames_count", frames)):
        _put(fields, f"video_params.{key}", value)
    _attach(fields, start, "data_uri")


def _cosmos3(fields: dict[str, Any], options: NimOptions, start: Start, fps: float) -> None:
    if options.resolution not in _LONGEST:
        raise SpecError(
            f"--option resolution={options.resolution}: a Cosmos 3 NIM has none such",
            hint=f"it has {', '.join(_LONGEST)}",
        )
    most = _LONGEST[options.resolution]
    asked = options.duration * fps if options.duration else FRAMES["cosmos3"]
    frames = 4 * round((asked - 1) / 4) + 1
    if not 25 <= frames <= most:
        raise SpecError(
            f"--option duration={options.duration:g} at {fps:g} fps is {frames} frames",
            hint=f"a Cosmos 3 NIM makes 25 to {most} of them at {options.resolution}: "
            f"{25 / fps:.2g} to {most / fps:.3g} s",
        )
    ratio = f"_{options.ratio.replace(':', '_')}" if options.ratio else "_16_9"
    fields["resolution"] = f"{options.resolution}{ratio}"
    fields["num_output_frames"] = frames
    if options.flow_shift is not None:
        fields["flow_shift"] = options.flow_shift
    _attach(fields, start, "data_uri")


def _transfer25(
    fields: dict[str, Any], options: NimOptions, request: RunRequest, start: Start
) -> None:
    if start.path is None:
        raise SpecError(
            "a Transfer2.5 NIM takes the video itself, no address of one",
            hint="make a PromptSpec with --input-video",
        )
    used = in_use(request)
    if not used:
        raise SpecError(
            "a Transfer2.5 NIM follows controls, and the run has none",
            hint="--weight edge=1 has it draw edges by itself",
        )
    first = request.media[start.path]
    _check_frames("the input video", start.path, first, None)
    _attach(fields, start, "base64")
    fields["resolution"] = options.resolution
    for control, weight in used.items():
        key = vocabulary.control("nim_transfer25", control)
        fields[key] = {"control_weight": weight}
        path = request.controls.get(control)
        if path is not None:
            _check_frames(f"the {control} control", path, request.media[path], first)
            fields[key]["control"] = Attached(str(control), "base64")


def _check_frames(what: str, path: Path, media: Media, first: Media | None) -> None:
    low, high = READ
    if not low <= media.frames <= high:
        raise SpecError(
            f"{what} has {media.frames} frames; a Transfer2.5 NIM takes {low} to {high}",
            hint=f"{path}\nrender more frames, or split the shot",
        )
    if first is not None and media.frames != first.frames:
        raise SpecError(
            f"{what} has {media.frames} frames, the input video {first.frames}: it would hang",
            hint=f"{path}\nrender both over the same frame range",
        )


def _attach(fields: dict[str, Any], start: Start, form: Any) -> None:
    if start.mode == "text2world":
        return
    key = start.mode.removesuffix("2world")
    media = "video/mp4"
    if key == "image" and start.path is not None:
        media = IMAGES[start.path.suffix.lower()]
    fields[key] = start.address or Attached(key, form, media)


def _put(fields: dict[str, Any], key: str, value: Any) -> None:
    """``video_params.width``: into the object, made where there is none."""
    *way, last = key.split(".")
    for part in way:
        fields = fields.setdefault(part, {})
    fields[last] = value
