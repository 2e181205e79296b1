"""Passes in a sequence of EXR files: each file is read once and gives all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.colour import Display, display
from cosmos_workflow.houdini.crypto_legend import Legend
from cosmos_workflow.houdini.depth import Scale, measure
from cosmos_workflow.houdini.exr_frame import Frame, Source, open_frame
from cosmos_workflow.houdini.exr_pixels import Parts
from cosmos_workflow.houdini.exr_samples import check_ids, distances, legend_of
from cosmos_workflow.houdini.exr_space import space_of
from cosmos_workflow.houdini.exr_values import are_ids, distance, flat, ids_in, joined
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.reel import Layout, Origin
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cosmos_workflow.houdini.formats import Report
    from cosmos_workflow.houdini.shot import Reading

_SHOWN = (Modality.COLOR, Modality.VIS)
"""Passes that are pictures, which go through the display's view."""


@dataclass(frozen=True)
class ExrReel:
    """The passes of ``layers`` in ``paths``; how each becomes pixels was settled beforehand."""

    paths: tuple[Path, ...]
    width: int
    height: int
    layers: Mapping[Modality, str]
    show: Display | None
    scale: Scale | None
    ids: Legend | None

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The passes that are delivered."""
        return tuple(self.layers)

    def layout(self, modality: Modality) -> Layout:
        """Depth is 16-bit grey, everything else 8-bit colour."""
        return "gray16le" if modality is Modality.DEPTH else "rgb24"

    def origin(self, modality: Modality) -> Origin:
        """The files, the layer, and how its values became pixels."""
        settings: Mapping[str, Any] = {}
        if modality in _SHOWN and self.show:
            settings = self.show.settings
        elif modality is Modality.DEPTH and self.scale:
            settings = self.scale.settings
        elif modality is Modality.SEGMENTATION:
            settings = {"colors": "by id" if self.ids else "as rendered"}
        pattern = re.sub(r"\d+(?=\.\w+$)", "####", self.paths[0].name)
        return Origin(pattern, self.layers[modality], settings)

    def read(self, index: int) -> Mapping[Modality, NDArray[np.uint8] | NDArray[np.uint16]]:
        """The pixels of frame ``index`` by pass, in the display window; black outside the data.

        Alpha is not divided out: a picture is delivered over black.  Raises BrokenPicture, OSError.
        """
        frame = open_frame(self.paths[index])
        size = frame.header.display.width, frame.header.display.height
        if size != (self.width, self.height):
            raise BrokenPicture(f"is {size[0]}x{size[1]}, not {self.width}x{self.height}")
        sources = {one: frame.sources(one, layer) for one, layer in self.layers.items()}
        planes = frame.read(source for found in sources.values() for source in found)
        return {
            modality: self._pixels(modality, frame, found, planes, index)
            for modality, found in sources.items()
        }

    def legend(self) -> Mapping[str, Any]:
        """Names and ids by colour; empty where segmentation was rendered in colours."""
        found = self.ids.as_json() if self.ids else {}
        return found if found.get("colors") else {}

    def _pixels(
        self, modality: Modality, frame: Frame, sources: tuple[Source, ...], planes: Parts, at: int
    ) -> NDArray[Any]:
        if modality is Modality.DEPTH and self.scale:
            scale = self.scale
            return frame.placed(sources, planes, lambda views: scale.grey(distance(views)))
        if modality in _SHOWN and self.show:
            show = self.show
            return frame.placed(sources, planes, lambda views: show(joined(views)))
        if modality is Modality.SEGMENTATION and self.ids:
            layer = self.layers[modality]
            ids = frame.placed(sources, planes, lambda views: ids_in(sources, views))
            return self.ids.paint(ids, at, lambda: frame.names(layer))
        return frame.placed(sources, planes, lambda views: flat(joined(views)))


def open_reel(
    paths: Sequence[Path],
    passes: Mapping[Modality, str],
    reading: Reading,
    report: Report | None = None,
) -> ExrReel:
    """The reel of whole files of one kind; what holds for all frames is settled here.

    ``report`` gets frames looked at and frames to look at.  Raises MediaError, ConfigError.
    """
    try:
        first = open_frame(paths[0])
        sources = {one: first.sources(one, layer) for one, layer in passes.items()}
    except BrokenPicture as error:
        raise MediaError(f"{paths[0]} {error}") from error
    window = first.header.display
    show, scale, ids = None, None, None
    if any(one in _SHOWN for one in passes):
        show = display(reading.colour, space_of(first.header))
    if Modality.DEPTH in passes:
        scale = measure(distances(paths, passes[Modality.DEPTH], report), reading.depth)
    if are_ids(sources.get(Modality.SEGMENTATION, ())):
        check_ids(paths[0], sources[Modality.SEGMENTATION])
        ids = legend_of(paths, passes[Modality.SEGMENTATION], report)
    return ExrReel(tuple(paths), window.width, window.height, dict(passes), show, scale, ids)
