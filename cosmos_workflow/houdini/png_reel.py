"""A pass in PNG files, which are handed over as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.houdini import png
from cosmos_workflow.houdini.passes import of_stem
from cosmos_workflow.houdini.picture import Picture
from cosmos_workflow.houdini.reel import Layout, Origin
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Passes
    from cosmos_workflow.houdini.formats import Report
    from cosmos_workflow.houdini.shot import Reading


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


class PngFormat:
    """PNG files: one pass each, named by the stem."""

    def check(self, path: Path) -> Picture:
        """Read the whole file.  Raises BrokenPicture, Growing, OSError."""
        return png.check(path)

    def layers(self, path: Path) -> Sequence[str]:
        """None: a PNG is one picture."""
        return ()

    def passes(self, path: Path, stem: str, names: Passes) -> Mapping[Modality, str]:
        """The one that the stem stands for."""
        named = of_stem(stem, names)
        return {named.modality: ""} if named else {}

    def reel(
        self,
        paths: Sequence[Path],
        passes: Mapping[Modality, str],
        reading: Reading,
        report: Report | None = None,
    ) -> PngReel:
        """The reel of these whole files, whose size is the first one's."""
        (modality,) = passes
        picture = png.check(paths[0])
        return PngReel(modality, tuple(paths), picture.width, picture.height)
