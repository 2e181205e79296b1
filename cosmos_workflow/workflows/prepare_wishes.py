"""What is asked of prepare: everything that ``cosmos prepare-inference`` has a flag for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError, did_you_mean
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality

FitBy = Literal["", "crop", "pad", "resize"]
"""How a shot comes to the engine's size: cut, bars, stretched; empty: it must have it."""

MAKEABLE = (Modality.EDGE, Modality.VIS)
"""The controls that can be made from the color video."""

VERSION = re.compile(r"[vV]\d+")
"""The name of a folder that is a version of its parent."""

_Word = TypeVar("_Word", Modality, BlurStrength, CannyThreshold)
_Table = TypeVar("_Table", bound=BaseModel)


@dataclass(frozen=True)
class Wishes:
    """How a render folder is prepared.

    ``make``: controls that are made from color, by ``canny_threshold`` and ``blur_strength``.
    ``engine``: which one the shot is for, whose size it gets by ``fit``.  ``resize``: passes of
    another size than color's are brought to it.  ``masters``: lossless videos too.  ``again``:
    even if the same was prepared before.
    """

    name: str = ""
    fps: float = 24
    description: str = ""
    reading: Reading = field(default_factory=Reading)
    make: tuple[Modality, ...] = ()
    canny_threshold: CannyThreshold = CannyThreshold.MEDIUM
    blur_strength: BlurStrength = BlurStrength.MEDIUM
    engine: str = ""
    fit: FitBy = ""
    resize: bool = False
    masters: bool = False
    no_ai: bool = False
    again: bool = False

    def check(self) -> None:
        """Raises MediaError for wishes that make no sense, whatever the folder holds."""
        if not 1 <= self.fps <= 240:
            raise MediaError(f"{self.fps:g} frames a second is not a rate", hint="--fps 1 to 240")
        for modality in self.make:
            if modality not in MAKEABLE:
                raise MediaError(
                    f"{modality} cannot be made from color",
                    hint="--make edge, vis or edge,vis; depth and segmentation have to be rendered",
                )
        if self.fit and not self.engine:
            raise MediaError(
                f"--fit {self.fit} needs an engine to fit",
                hint=f"like --for transfer1 --fit {self.fit}",
            )


def reading_of(
    settings: Settings,
    *,
    frames: str = "",
    handles: int = 0,
    latest: bool = False,
    colour: Mapping[str, Any] | None = None,
    depth: Mapping[str, Any] | None = None,
) -> Reading:
    """How the project's settings say that folders are read, with changes; None is no change.

    ``frames``: like ``1001-1240x2``, empty for all.  Raises MediaError.
    """
    if handles < 0:
        raise MediaError(f"--handles {handles}: this cannot be negative")
    one = Reading(
        frames=FrameRange.parse(frames) if frames else None,
        handles=handles,
        latest=latest,
        passes=settings.passes,
        colour=_changed(settings.colour, colour or {}),
        depth=_changed(settings.depth, depth or {}),
    )
    if 0 < one.depth.far <= one.depth.near:
        raise MediaError(
            f"--near {one.depth.near:g} is not nearer than --far {one.depth.far:g}",
            hint="both are distances from the camera, in the scene's units",
        )
    return one


def controls_of(text: str) -> tuple[Modality, ...]:
    """``"edge,vis"`` -> the controls to make.  Raises MediaError."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    return tuple(dict.fromkeys(word_of(Modality, "--make", word, MAKEABLE) for word in words))


def word_of(
    kind: type[_Word], flag: str, word: str, known: tuple[_Word, ...] | None = None
) -> _Word:
    """A word of ``kind`` that a flag was given.  Raises MediaError with those there are."""
    choices = [str(one) for one in known or tuple(kind)]
    plain = word.strip().lower().replace("-", "_")
    try:
        found = kind(plain)
    except ValueError:
        found = None
    if found is None or (kind is not Modality and str(found) not in choices):
        raise MediaError(
            f"{flag} {word}: there is no such choice",
            hint=f"{did_you_mean(plain, choices)}choices: {', '.join(choices)}",
        )
    return found


def fit_of(text: str) -> FitBy:
    """What ``--fit`` was given.  Raises MediaError."""
    choices: tuple[FitBy, ...] = get_args(FitBy)
    for one in choices:
        if one == text.strip().lower():
            return one
    raise MediaError(
        f"--fit {text}: there is no such choice",
        hint=f"{did_you_mean(text, [str(one) for one in choices if one])}choices: "
        f"{', '.join(one for one in choices if one)}",
    )


def _changed(table: _Table, changes: Mapping[str, Any]) -> _Table:
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        return type(table).model_validate({**table.model_dump(), **given})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = str(fault["loc"][0])
        raise MediaError(f"--{_FLAGS.get(key, key)} {given.get(key)}: {fault['msg']}") from error


_FLAGS = {"config": "colour-config", "mode": "depth-mode"}
