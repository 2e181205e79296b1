"""Renders a rehearsal: decode in threads, paint two frames at once, encode, tell how far it is."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.errors import MediaError
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.rehearsal import words
from cosmos_workflow.rehearsal.look import Look, toward_plain
from cosmos_workflow.rehearsal.painter import Painter, Scale
from cosmos_workflow.rehearsal.request import Request, shares
from cosmos_workflow.video.frames import Encoder, decode
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import probe

Frame = NDArray[np.uint8]
Say = Callable[[str], None]

VIDEO, ECHO = "output.mp4", "echo.json"
PRESET = "superfast"
"""A quarter of the work of the usual one: painting needs the cores too."""

CRF = 18
"""Grain costs bytes; this keeps it without making the preview larger than a result would be."""

_AHEAD = 3
"""Frames decoded ahead of the painter, per input."""

_END = None


def render(request: Request, folder: Path, say: Say) -> Path:
    """Write ``output.mp4`` and ``echo.json`` into ``folder``; returns the video's path.

    Raises MediaError: an input cannot be read, or differs from the base in frames or size.
    """
    found = words.hits(request.prompt, request.negative_prompt)
    look = toward_plain(words.look_of(found), guided(request))
    scale = scaled(request)
    media = probed(videos(request))
    check(request, media)
    base = media["base"]
    say(
        f"rehearsing {base.frames} frames, {base.width}x{base.height}, "
        f"{request.parameters.fps} fps, seed {request.parameters.seed}"
    )
    say(f"words: {', '.join(found) or 'none known; a plain grade'}")
    say("weights: " + (", ".join(f"{k} {v:.2f}" for k, v in shares(request).items()) or "none"))
    painter = Painter(look, scale, request.parameters, base.width, base.height, base.frames)
    dest = folder / VIDEO
    fps = request.parameters.fps
    with Encoder(dest, base.width, base.height, fps, crf=CRF, preset=PRESET) as encoder:
        for frame in painted(request, painter, base):
            encoder.write(frame)
            say(f"frame {encoder.frames}/{base.frames}")
        if encoder.frames != base.frames:
            raise MediaError(f"only {encoder.frames} of {base.frames} frames could be decoded")
    write_echo(folder / ECHO, request, found, look, scale, base)
    say(f"wrote {VIDEO}: {base.frames} frames")
    return dest


def guided(request: Request) -> float:
    """How strongly the words grade, 0..1.5: guidance 7 is their full strength."""
    return min(1.5, request.parameters.guidance / 7.0)


def scaled(request: Request) -> Scale:
    """How much everything counts.  The root of a share, so that four equal controls all show.

    ``sigma_max``: how far from the input; 0 leaves it as it is, 70 is the full grade.
    """
    counts = {name: share**0.5 for name, share in shares(request).items()}
    return Scale(
        vis=counts.get("vis", 0.0),
        edge=counts.get("edge", 0.0),
        depth=counts.get("depth", 0.0),
        segmentation=counts.get("segmentation", 0.0),
        grade=min(1.0, request.parameters.sigma_max / 70.0),
    )


def videos(request: Request) -> dict[str, Path]:
    """The files to read: ``base`` and each control that counts and is given."""
    given = {name: request.controls[name].video for name in shares(request)}  # type: ignore[index]
    return {"base": request.base.video} | {name: path for name, path in given.items() if path}


def probed(files: Mapping[str, Path]) -> dict[str, Media]:
    """The facts of each file, read side by side."""
    with ThreadPoolExecutor(len(files)) as pool:
        return dict(zip(files, pool.map(probe, files.values()), strict=True))


def check(request: Request, media: dict[str, Media]) -> None:
    """Raise MediaError for a control that is missing, or not of the base's frames and size."""
    base = media["base"]
    for name in shares(request):
        one = media.get(name)
        if one is None:
            if name not in (Modality.VIS, Modality.EDGE):
                raise MediaError(f"{name} has a weight but no video")
        elif one.frames != base.frames:
            raise MediaError(
                f"{name} has {one.frames} frames, {request.base.modality} has {base.frames}"
            )
        elif (one.width, one.height) != (base.width, base.height):
            raise MediaError(
                f"{name} is {one.width}x{one.height}, "
                f"{request.base.modality} is {base.width}x{base.height}"
            )


def painted(request: Request, painter: Painter, base: Media) -> Iterator[Frame]:
    """Painted frames in order; the work of painting is spread over the cores."""
    workers = max(1, min(4, os.cpu_count() or 1))
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # whole frames in parallel beat parts of one frame
    try:
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(workers, "paint"))
            streams = {
                name: stack.enter_context(ahead(source(name, path, painter, request)))
                for name, path in videos(request).items()
            }
            waiting: deque[Future[Frame]] = deque()
            for number in range(base.frames):
                inputs = {name: next(stream, _END) for name, stream in streams.items()}
                short = [name for name, frame in inputs.items() if frame is None]
                if short:
                    raise MediaError(f"{', '.join(short)}: frame {number} cannot be decoded")
                waiting.append(pool.submit(painter.paint, number, inputs))  # type: ignore[arg-type]
                if len(waiting) > workers + 1:  # the encoder takes its time, too
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        cv2.setNumThreads(before)


def source(name: str, path: Path, painter: Painter, request: Request) -> Iterator[Frame]:
    """The frames of one input in the size and kind the painter wants."""
    if name == "base":
        return decode(path, *painter.size)
    if name == "edge":
        return decode(path, *painter.size, "gray")
    if name == "depth":
        frames = decode(path, *painter.half, "gray")
        if request.options.depth_near == "black":
            return (np.asarray(255 - frame, np.uint8) for frame in frames)
        return frames
    return decode(path, *painter.half)


@contextmanager
def ahead(frames: Iterator[Frame]) -> Iterator[Iterator[Frame]]:
    """The same frames, read a few ahead in a thread that is gone when the block is left."""
    ready: queue.Queue[Frame | Exception | None] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def put(item: Frame | Exception | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def read() -> None:
        try:
            for frame in frames:
                put(frame)
                if stop.is_set():
                    break
            put(_END)
        except MediaError as error:
            put(error)
        finally:
            close = getattr(frames, "close", None)
            if close:
                close()

    def take() -> Iterator[Frame]:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stop.set()
        thread.join()


def write_echo(
    dest: Path, request: Request, found: list[str], look: Look, scale: Scale, base: Media
) -> None:
    """Every parameter that was used and what it did, to be compared with what was asked."""
    from dataclasses import asdict

    parameters = request.parameters.model_dump(mode="json")
    content: dict[str, Any] = {
        "engine": request.engine,
        "preview": True,
        "run_id": request.run_id,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "parameters": parameters,
        "unused_parameters": ["num_steps"],
        "options": request.options.model_dump(mode="json"),
        "base": request.base.modality,
        "control_weights": {name: c.weight for name, c in sorted(request.controls.items())},
        "control_shares": {name: round(part, 4) for name, part in shares(request).items()},
        "made_from_base": sorted(
            name
            for name in shares(request)
            if request.controls[name].video is None  # type: ignore[index]
        ),
        "words": found,
        "strength": {key: round(value, 4) for key, value in asdict(scale).items()},
        "look": {key: _rounded(value) for key, value in asdict(look).items()},
        "output": {
            "file": VIDEO,
            "width": base.width,
            "height": base.height,
            "frames": base.frames,
            "fps": request.parameters.fps,
        },
    }
    with landing(dest) as part:
        part.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    return [round(v, 4) for v in value] if isinstance(value, tuple) else round(value, 4)
