"""A reel: passes that lie in the same files, read once a frame; what prepare encodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = bytes | NDArray[np.uint8] | NDArray[np.uint16]

Layout = Literal["png", "rgb24", "gray16le"]
"""How a frame's pixels are handed over: a whole PNG file, (H, W, 3) uint8, or (H, W) uint16."""


@dataclass(frozen=True)
class Origin:
    """Where one pass comes from, for ``metadata.json``.

    ``pattern``: the files' name with ``####`` for the number.  ``layer``: the AOV in them, empty
    for a file that is one pass.  ``settings``: what was done to its values (colour, depth).
    """

    pattern: str
    layer: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


class Reel(Protocol):
    """One or more passes in one sequence of files, a file a frame, in order."""

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The passes in these files."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, one a frame."""

    @property
    def width(self) -> int:
        """Pixels across, as delivered."""

    @property
    def height(self) -> int:
        """Pixels down, as delivered."""

    def layout(self, modality: Modality) -> Layout:
        """How ``read`` hands over the pixels of this pass."""

    def origin(self, modality: Modality) -> Origin:
        """Where this pass comes from."""

    def read(self, index: int) -> Mapping[Modality, Pixels]:
        """The pixels of frame ``index`` (from 0), by pass.

        May be called from several threads at once; holds on to nothing.  Raises BrokenPicture,
        OSError.
        """

    def legend(self) -> Mapping[str, Any]:
        """What segmentation's colours mean, as JSON values; empty where nobody knows.

        Complete only after every frame was read.
        """
