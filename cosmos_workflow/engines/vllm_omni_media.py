"""The videos of a Cosmos 3 request: what is sent, at which size, how many frames come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

from cosmos_workflow.engines import vocabulary
from cosmos_workflow.engines.engine import Fit, RunRequest
from cosmos_workflow.engines.vllm_omni_options import FEWEST, MOST_AT_ONCE, USUAL, VideoOptions
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

Mode = Literal["transfer", "video", "image", "text"]

SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "256": {
        "16:9": (320, 192), "4:3": (320, 256), "1:1": (256, 256), "3:4": (256, 320),
        "9:16": (192, 320),
    },
    "480": {
        "16:9": (832, 480), "4:3": (736, 544), "1:1": (640, 640), "3:4": (544, 736),
        "9:16": (480, 832), "2:3": (512, 768),
    },
    "704": {
        "16:9": (1280, 704), "4:3": (1088, 832), "1:1": (960, 960), "3:4": (832, 1088),
        "9:16": (704, 1280),
    },
    "720": {
        "16:9": (1280, 720), "4:3": (1104, 832), "1:1": (960, 960), "3:4": (832, 1104),
        "9:16": (720, 1280),
    },
}  # fmt: skip
"""Width and height that the model works at, by tier and aspect ratio."""

IMAGES: Mapping[str, str] = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"
}  # fmt: skip
"""Endings of still pictures, and their media types."""

MADE_THERE = (Modality.EDGE, Modality.VIS)
"""Controls that the server makes of the input video where there is no video of them."""

MOST_FRAMES = 5000
"""Frames after which the server stops reading a control."""

CHUNK, WSM_CHUNK = 93, 101
"""Frames of a piece where the video is too long for one; a world scenario map has its own."""


@dataclass(frozen=True)
class Work:
    """What is asked for.

    ``frames``: how many come out; ``sent``: how many the server is told, 4k+1; ``chunk``: frames
    of one piece.  ``rate``: frames a second of the input, 0 without one.  ``source``: the picture
    or video that goes with the request.  ``given``: controls with a video of their own; ``made``:
    those that the server makes of ``source``.
    """

    mode: Mode
    width: int
    height: int
    frames: int
    sent: int
    fps: int
    chunk: int
    rate: float = 0.0
    source: Path | None = None
    given: tuple[Modality, ...] = ()
    made: tuple[Modality, ...] = ()

    @property
    def pieces(self) -> int:
        """How many pieces it is made in; each further one begins with the last frame before."""
        return 1 + max(0, ceil((self.frames - self.chunk) / (self.chunk - 1)))


def in_use(run: RunSpec) -> tuple[Modality, ...]:
    """The controls that count, in the server's order."""
    return tuple(one for one in vocabulary.controls("videos") if run.control_weights.get(one))


def is_image(path: Path | str) -> bool:
    """Whether it is a still picture, by its ending."""
    return Path(path).suffix.lower() in IMAGES


def size(media: Media, tier: str) -> tuple[int, int]:
    """The model's size of the shape that is nearest, as the server chooses it."""
    ratio = media.height / media.width
    return min(SIZES[tier].values(), key=lambda one: abs(ratio - one[1] / one[0]))


def groups(frames: int) -> int:
    """The least 4k+1 that is not less: the model packs its frames so."""
    return max(FEWEST, ceil((frames - 1) / 4) * 4 + 1)


def rate(media: Media) -> int:
    """Frames a second, as the server takes them: whole."""
    return max(1, round(media.fps))


def fit(media: Media) -> Fit:
    """The model's size for this shape at 720, and what becomes of its frames as controls."""
    width, height = size(media, "720")
    spare = groups(media.frames) - media.frames
    notes = [f"{media.frames} frames; the model makes up to {MOST_AT_ONCE} in one piece"]
    if media.frames > MOST_AT_ONCE:
        notes = [f"{media.frames} frames in pieces of {CHUNK} (each further one adds {CHUNK - 1})"]
    elif spare:
        notes.append(f"filled up by {spare} to 4k+1 with its mirrored end, then cut off")
    faults: tuple[str, ...] = ()
    if media.frames > MOST_FRAMES:
        faults = (f"{media.frames} frames are more than the {MOST_FRAMES} that are read",)
    return Fit(width, height, tuple(notes), faults)


# -- what a request asks for ----------------------------------------------------------------------


def work(request: RunRequest, options: VideoOptions) -> Work:
    """What a settled request asks for.  Raises SpecError where videos and numbers do not fit."""
    if in_use(request.run):
        return _transfer(request, options)
    if request.input_video is None:
        wide, high = SIZES[options.resolution][options.aspect_ratio or "16:9"]
        count = _at_once(options.frames or USUAL)
        fps = request.run.parameters.fps or 24
        return Work("text", wide, high, count, count, fps, count)
    media = request.media[request.input_video]
    wide, high = size(media, options.resolution)
    if is_image(request.input_video):
        count, fps = _at_once(options.frames or USUAL), request.run.parameters.fps or 24
        return Work("image", wide, high, count, count, fps, count, 0.0, request.input_video)
    if media.frames < FEWEST:
        raise SpecError(
            f"the input video has {media.frames} frames; the model goes on from {FEWEST} of them",
            hint="give a longer one, or a still picture",
        )
    most = MOST_AT_ONCE - (MOST_AT_ONCE - 1) % 4
    count = _at_once(options.frames or min(groups(media.frames), most))
    fps = request.run.parameters.fps or rate(media)
    return Work("video", wide, high, count, count, fps, count, media.fps, request.input_video)


def _at_once(frames: int) -> int:
    if frames > MOST_AT_ONCE:
        raise SpecError(
            f"--option frames={frames}: the model makes {FEWEST} to {MOST_AT_ONCE} frames",
            hint="297 is the most of the form 4k+1; go on from its end with --option keep=last",
        )
    return frames


def _transfer(request: RunRequest, options: VideoOptions) -> Work:
    used = in_use(request.run)
    given = tuple(one for one in used if one in request.controls)
    made = tuple(one for one in used if one not in request.controls)
    source = request.input_video if made else None
    named = {f"{one} control": request.controls[one] for one in given}
    if source is not None:
        named = {"input video": source, **named}
    media = _checked({name: (path, request.media[path]) for name, path in named.items()}, options)
    frames = _length(media, options)
    wide, high = size(media, options.resolution)
    sent = groups(frames)
    chunk = WSM_CHUNK if used == (Modality.HDMAP,) else CHUNK
    return Work(
        "transfer", wide, high, frames, sent, _rate(request, media), sent if sent <= MOST_AT_ONCE
        else chunk, media.fps, source, given, made,
    )  # fmt: skip


def _length(media: Media, options: VideoOptions) -> int:
    frames = options.frames or media.frames
    if frames > media.frames:
        raise SpecError(
            f"--option frames={frames}: the controls have {media.frames}",
            hint="leave it away: a transfer is as long as its controls",
        )
    if frames > MOST_FRAMES:
        raise SpecError(
            f"{frames} frames are more than the {MOST_FRAMES} that the server reads",
            hint=f"--option frames={MOST_FRAMES - 3} takes the first ones, or split the shot",
        )
    return frames


def _rate(request: RunRequest, media: Media) -> int:
    """A transfer keeps the rate of its controls; a world scenario map is free."""
    asked, found = request.run.parameters.fps, rate(media)
    if asked and asked != found and in_use(request.run) != (Modality.HDMAP,):
        raise SpecError(
            f"--fps {asked}: a transfer plays at the rate of its controls, {media.fps:g}",
            hint="leave --fps away, or render the passes at that rate",
        )
    return asked or found


def _checked(facts: Mapping[str, tuple[Path, Media]], options: VideoOptions) -> Media:
    """The first of the videos; they must have one length and one shape."""
    listed = "\n".join(
        f"{name}: {media.width}x{media.height}, {media.frames} frames  {path}"
        for name, (path, media) in facts.items()
    )
    if len({media.frames for _, media in facts.values()}) > 1:
        least = min(media.frames for _, media in facts.values())
        raise SpecError(
            "the videos of the run have different numbers of frames",
            hint=f"{listed}\ncut them to {least} frames each",
        )
    if len({size(media, options.resolution) for _, media in facts.values()}) > 1:
        raise SpecError(
            "the videos of the run have different aspect ratios",
            hint=f"{listed}\nrender them at one size",
        )
    return next(iter(facts.values()))[1]
