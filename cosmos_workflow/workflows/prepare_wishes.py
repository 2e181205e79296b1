"""What is asked of prepare: everything that ``cosmos prepare-inference`` has a flag for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality

FitBy = Literal["", "crop", "pad", "resize"]
"""How a shot comes to the engine's size: cut, bars, stretched; empty: it must have it."""

MAKEABLE = (Modality.EDGE, Modality.VIS)
"""The controls that can be made from the color video."""


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
