"""What an engine makes of a usual shot: what can be said of it before one has a shot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.engines.request import RequestEngine
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import WEIGHT_ORDER, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

SHOT = Media(1280, 704, 24.0, 121, "h264", "yuv420p")
"""Five seconds, as most of us render them."""

SHAPES: Mapping[str, tuple[int, int]] = {
    "16:9": (1280, 704), "4:3": (960, 704), "1:1": (960, 960), "3:4": (704, 960),
    "9:16": (704, 1280),
}  # fmt: skip

LENGTHS = (48, 121, 250)
"""Frames for which it is said what becomes of them: less than a usual chunk, one, and more."""

_MANY = 1_000_000


@dataclass(frozen=True)
class Usual:
    """``sizes``: width and height by aspect ratio; empty where any even size stays as it is.

    ``least`` and ``most``: frames that are taken; ``most`` is None where there is no end, both
    are 0 where it is for other videos than shots, and ``faults`` says so.  ``notes``: what becomes
    of the frames of LENGTHS.  ``seconds``: of a GPU for SHOT, None where no figure is published.
    ``known`` is False where none of that is ours to say: a service's own model decides.
    """

    sizes: Mapping[str, tuple[int, int]]
    least: int
    most: int | None
    notes: Mapping[int, tuple[str, ...]]
    faults: tuple[str, ...]
    seconds: float | None
    known: bool = True


def usual(engine: Engine) -> Usual:
    """What ``engine`` makes of a usual shot."""
    sizes = {}
    for name, (width, height) in SHAPES.items():
        fit = engine.fit(replace(SHOT, width=width, height=height))
        sizes[name] = fit.width, fit.height
    as_they_are = sizes == dict(SHAPES) and _takes_any_size(engine)
    least, most = _frames(engine)
    notes = {frames: engine.fit(_shot(frames)).notes for frames in LENGTHS}
    return Usual(
        sizes={} if as_they_are else sizes,
        least=least,
        most=most,
        notes={frames: lines for frames, lines in notes.items() if lines},
        faults=engine.fit(SHOT).faults,
        seconds=_seconds(engine),
        known=sized(engine),
    )


def sized(engine: Engine) -> bool:
    """Whether the engine says what it makes of a shot, and not the model that a service has."""
    return not isinstance(engine, RequestEngine) or type(engine).fit is not CommandEngine.fit


def _takes_any_size(engine: Engine) -> bool:
    odd = engine.fit(replace(SHOT, width=502, height=298))
    return (odd.width, odd.height) == (502, 298)


def _shot(frames: int) -> Media:
    return replace(SHOT, frames=frames)


def _frames(engine: Engine) -> tuple[int, int | None]:
    """The least and most frames that are taken; what is between them is."""

    def taken(frames: int) -> bool:
        return not engine.fit(_shot(frames)).faults

    if not taken(SHOT.frames):
        return 0, 0
    least = next(frames for frames in range(1, SHOT.frames + 1) if taken(frames))
    if taken(_MANY):
        return least, None
    low, high = SHOT.frames, _MANY
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) else (low, middle)
    return least, low


def _seconds(engine: Engine) -> float | None:
    for request in _requests(engine):
        found = engine.seconds(request)
        if found is not None:
            return found
    return None


def _requests(engine: Engine) -> Iterator[RunRequest]:
    """SHOT with one control, or with none, as far as the engine takes that."""
    wanted = [one for one in (*WEIGHT_ORDER, *engine.modalities) if one in engine.modalities]
    for control in (*dict.fromkeys(wanted), None):
        try:
            yield _request(engine, control)
        except SpecError:
            continue  # it needs something else: an option, another video


def _request(engine: Engine, control: Modality | None) -> RunRequest:
    """SHOT, with a video for one ``control``.  Raises SpecError."""
    names = {control: f"{control}.mp4"} if control else {}
    prompt = PromptSpec.made(
        name="usual",
        prompt="a usual shot",
        input_video_path="color.mp4",
        control_inputs={str(key): path for key, path in names.items()},
    )
    run = RunSpec.create(
        name="usual", prompt_spec_id=prompt.id, prompt_spec_path="", engine=engine.name
    )
    run = settle(engine, run, prompt)
    video, controls = Path("color.mp4"), {key: Path(path) for key, path in names.items()}
    weights = {key: value for key, value in run.control_weights.items() if isinstance(value, float)}
    media = dict.fromkeys([video, *controls.values()], SHOT)
    return RunRequest(
        f"{run.id}.1", f"{run.id}.1", prompt, run, video, controls, weights, media=media
    )
