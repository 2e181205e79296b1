"""A pass in PNG files, which are handed over as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.houdini.reel import Layout, Origin
from cosmos_workflow.prompts.enums import Modality


@dataclass(frozen=True)
class PngReel:
    """One pass; ``read`` gives whole files, which ffmpeg decodes."""

    modality: Modality
    paths: tuple[Path, ...]
    width: int
    height: int

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The one pass."""
        return (self.modality,)

    def layout(self, modality: Modality) -> Layout:
        """Whole PNG files."""
        return "png"

    def origin(self, modality: Modality) -> Origin:
        """The files' name; nothing was done to their values."""
        return Origin(re.sub(r"\d+(?=\.\w+$)", "####", self.paths[0].name))

    def read(self, index: int) -> Mapping[Modality, bytes]:
        """The bytes of one file."""
        return {self.modality: self.paths[index].read_bytes()}

    def legend(self) -> Mapping[str, Any]:
        """A PNG does not say what its colours mean."""
        return {}
