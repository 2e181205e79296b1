"""EXR files as a format of render passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.houdini.exr_chunks import whole_header
from cosmos_workflow.houdini.exr_header import Header, read_header
from cosmos_workflow.houdini.exr_layers import layers_of, names_of, stacks
from cosmos_workflow.houdini.exr_passes import passes_of
from cosmos_workflow.houdini.picture import Picture
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Passes
    from cosmos_workflow.houdini.exr_reel import ExrReel
    from cosmos_workflow.houdini.formats import Report
    from cosmos_workflow.houdini.shot import Reading


class ExrFormat:
    """Scanlines or tiles, one part or many, half, float and whole numbers."""

    def check(self, path: Path) -> Picture:
        """The display window's size, and the layers as the kind; pixels are not unpacked.

        Raises BrokenPicture, Growing, OSError.
        """
        header = whole_header(path)
        kinds = {channel.kind for part in header.parts for channel in part.channels}
        shown = header.display
        return Picture(shown.width, shown.height, 16 if kinds == {"half"} else 32, _kind(header))

    def layers(self, path: Path) -> Sequence[str]:
        """Its layers; channels R G B A without one are "rgba", a cryptomatte is one layer."""
        return names_of(read_header(path))

    def passes(self, path: Path, stem: str, names: Passes) -> Mapping[Modality, str]:
        """The layers that ``names`` knows, or the only one as what the file's name says."""
        return passes_of(read_header(path), stem, names)

    def reel(
        self,
        paths: Sequence[Path],
        passes: Mapping[Modality, str],
        reading: Reading,
        report: Report | None = None,
    ) -> ExrReel:
        """The reel of these files.  Raises MediaError, ConfigError, MissingExtra."""
        from cosmos_workflow.houdini.exr_pixels import need_openexr
        from cosmos_workflow.houdini.exr_reel import open_reel

        need_openexr()
        return open_reel(paths, passes, reading, report)


def _kind(header: Header) -> str:
    """Every layer with its coding: ``rgba half, Pz float, crypto_object float``."""
    layers = layers_of(header)
    ranks = {layer.name: base for base, some in stacks(header, layers).items() for layer in some}
    told: dict[str, set[str]] = {}
    for layer in layers:
        kinds = told.setdefault(ranks.get(layer.name, layer.name), set())
        kinds.update(channel.kind for channel in layer.channels.values())
    return ", ".join(f"{name} {'/'.join(sorted(kinds))}" for name, kinds in told.items())
