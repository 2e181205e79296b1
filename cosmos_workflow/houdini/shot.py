"""A render folder as it was asked for: its reels, its frames, its size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cosmos_workflow.config.settings import Colour, Depth, Passes
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.prompts.enums import Modality


@dataclass(frozen=True)
class Reading:
    """What of a render folder is wanted, and how it is read.

    ``frames``: None for all there are.  ``handles``: frames more at each end, added to ``frames``;
    without ``frames`` they are in the folder's range already.  ``latest``: of versions ``v1 v2 ..``
    below the folder, or beside it when it is one itself, the highest that holds frames.
    ``mixed_sizes``: passes may differ in size and have odd sides, because all will be resized.
    """

    frames: FrameRange | None = None
    handles: int = 0
    latest: bool = False
    mixed_sizes: bool = False
    passes: Passes = field(default_factory=Passes)
    colour: Colour = field(default_factory=Colour)
    depth: Depth = field(default_factory=Depth)


@dataclass(frozen=True)
class Shot:
    """A complete render folder: every pass has all of ``frames``; the size is color's.

    ``folder``: the one the frames lie in, so a version's when the latest was asked for.
    """

    folder: Path
    reels: tuple[Reel, ...]
    frames: tuple[int, ...]
    width: int
    height: int

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Its passes in their usual order, color first."""
        present = {modality for reel in self.reels for modality in reel.modalities}
        return tuple(modality for modality in Modality if modality in present)

    def reel(self, modality: Modality) -> Reel:
        """The files that hold ``modality``."""
        return next(reel for reel in self.reels if modality in reel.modalities)
