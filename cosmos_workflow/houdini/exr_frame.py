"""One frame in an EXR file: the channels of its passes, brought to the display window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.houdini.crypto_manifest import manifest_of
from cosmos_workflow.houdini.exr_header import Channel, Header, Part, Window, read_header
from cosmos_workflow.houdini.exr_layers import (
    Layer,
    cryptomatte_names,
    layers_of,
    names_of,
    stacks,
    word,
)
from cosmos_workflow.houdini.exr_pixels import Parts, decode
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """Where a pass is: its part, and its channels in the order in which they are used.

    ``matte``: the channels are a cryptomatte's, id and coverage in turn.
    """

    part: int
    channels: tuple[Channel, ...]
    matte: bool = False


@dataclass(frozen=True)
class Frame:
    """A file and what its header says."""

    path: Path
    header: Header

    @cached_property
    def layers(self) -> Mapping[str, Layer]:
        """Its layers by name."""
        return {layer.name: layer for layer in layers_of(self.header)}

    @cached_property
    def mattes(self) -> Mapping[str, tuple[Layer, ...]]:
        """Its cryptomattes by name."""
        return stacks(self.header, tuple(self.layers.values()))

    def sources(self, modality: Modality, layer: str) -> tuple[Source, ...]:
        """Where the pass is; a cryptomatte's ranks may lie in several parts.

        Raises BrokenPicture when the layer is not there.
        """
        if modality is Modality.SEGMENTATION and layer in self.mattes:
            return tuple(_rank(one) for one in self.mattes[layer])
        found = self.layers.get(layer)
        if not found:
            raise BrokenPicture(f"has no layer {layer}; it has {', '.join(names_of(self.header))}")
        if modality is Modality.DEPTH or not found.rgb:
            return (Source(found.part, (found.value,)),)
        return (Source(found.part, found.rgb),)

    def attributes(self, layer: str) -> tuple[str, dict[str, str]]:
        """What the file says of a cryptomatte: the key in its attributes, and all of these."""
        for key, name in cryptomatte_names(self.header).items():
            if word(name) in (word(layer), word(layer.rpartition(".")[2])):
                texts = {
                    attribute: part.text(attribute)
                    for part in self.header.parts
                    for attribute in part.attributes
                    if attribute.startswith(key)
                }
                return key, texts
        return "", {}

    def names(self, layer: str) -> dict[int, str]:
        """The names behind a cryptomatte's ids, as far as the file or its manifest tells them."""
        key, texts = self.attributes(layer)
        return manifest_of(texts, key).names(self.path.parent) if key else {}

    def read(self, sources: Iterable[Source]) -> Parts:
        """The pixels of all these, by part.  Raises BrokenPicture, OSError."""
        wanted: dict[int, set[str]] = {}
        for source in sources:
            names = {channel.name for channel in source.channels}
            wanted.setdefault(source.part, set()).update(names)
        return decode(self.path, self.header, wanted)

    def placed(
        self,
        sources: Sequence[Source],
        planes: Parts,
        paint: Callable[[list[NDArray[Any]]], NDArray[Any]],
    ) -> NDArray[Any]:
        """``paint`` of what lies in the display window, on black of its size.

        ``paint`` gets the channels in their order; parts with a window of their own are brought
        to the size first.
        """
        import numpy as np

        parts = [self.header.parts[source.part] for source in sources]
        shown, data = parts[0].display, parts[0].data
        if any(part.data != data for part in parts):
            views = [
                _whole(planes[source.part][channel.name], part)
                for source, part in zip(sources, parts, strict=True)
                for channel in source.channels
            ]
            return paint(views)
        rows, columns = _overlap(data, shown)
        views = [
            planes[source.part][channel.name][rows, columns]
            for source in sources
            for channel in source.channels
        ]
        if views[0].shape == (shown.height, shown.width):
            return paint(views)
        if not views[0].size:
            pixel = paint([np.zeros((1, 1), view.dtype) for view in views])
            return np.zeros((shown.height, shown.width, *pixel.shape[2:]), pixel.dtype)
        return _on_black(paint(views), data, shown)


def open_frame(path: Path) -> Frame:
    """Read the file's header.  Raises BrokenPicture, OSError."""
    return Frame(path, read_header(path))


def _rank(layer: Layer) -> Source:
    names = [name for name in "rgba" if name in layer.channels]
    whole = names[: len(names) // 2 * 2]
    return Source(layer.part, tuple(layer.channels[name] for name in whole), matte=True)


def _overlap(data: Window, shown: Window) -> tuple[slice, slice]:
    """Rows and columns of the data that are shown."""
    top, left = max(0, shown.top - data.top), max(0, shown.left - data.left)
    bottom = max(top, min(data.height, shown.bottom - data.top))
    right = max(left, min(data.width, shown.right - data.left))
    return slice(top, bottom), slice(left, right)


def _on_black(picture: NDArray[Any], data: Window, shown: Window) -> NDArray[Any]:
    import numpy as np

    canvas = np.zeros((shown.height, shown.width, *picture.shape[2:]), picture.dtype)
    top, left = max(0, data.top - shown.top), max(0, data.left - shown.left)
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def _whole(plane: NDArray[Any], part: Part) -> NDArray[Any]:
    return _on_black(plane[_overlap(part.data, part.display)], part.data, part.display)
