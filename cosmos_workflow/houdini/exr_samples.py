"""Frames looked at before the first is delivered: what is settled once for a whole shot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.crypto_ids import runs
from cosmos_workflow.houdini.crypto_legend import Legend
from cosmos_workflow.houdini.exr_frame import Source, open_frame
from cosmos_workflow.houdini.exr_values import distance, ids_in
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cosmos_workflow.houdini.formats import Report

_SAMPLES = 16

_FEW = 60
"""So many objects have colours well apart; of a manifest with more, those in sight matter."""


def spread(paths: Sequence[Path]) -> list[Path]:
    """At most 16 of the files, evenly, the first and the last among them."""
    count = min(_SAMPLES, len(paths))
    last = len(paths) - 1
    return [paths[round(number * last / max(1, count - 1))] for number in range(count)]


def distances(paths: Sequence[Path], layer: str, report: Report | None) -> Iterator[NDArray[Any]]:
    """The distances of the frames that are looked at; none of one that is damaged.

    That one is reported when it is read to be delivered.
    """
    picked = spread(paths)
    at_once = max(1, min(4, os.cpu_count() or 1))
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(picked), at_once):
            some = picked[start : start + at_once]
            for found in pool.map(lambda path: _distances(path, layer), some):
                if found is not None:
                    yield found
            if report:
                report(start + len(some), len(picked))


def _distances(path: Path, layer: str) -> NDArray[Any] | None:
    try:
        frame = open_frame(path)
        sources = frame.sources(Modality.DEPTH, layer)
        return frame.placed(sources, frame.read(sources), distance)
    except BrokenPicture:
        return None


def check_ids(path: Path, sources: Sequence[Source]) -> None:
    """Raises MediaError when a cryptomatte's ids were rounded, which makes others of them."""
    rounded = [
        channel.name
        for source in sources
        if source.matte
        for channel in source.channels[::2]
        if channel.kind != "float"
    ]
    if rounded:
        raise MediaError(
            f"{path}: the cryptomatte's {', '.join(rounded)} are not 32-bit floats, so its ids "
            "are lost",
            hint="render cryptomattes as 32-bit float",
        )


def legend_of(paths: Sequence[Path], layer: str, report: Report | None) -> Legend:
    """Colours for the objects in the frames looked at, by their manifests or their pixels."""
    names: dict[int, str] = {}
    for path in spread(paths):
        try:
            names.update(open_frame(path).names(layer))
        except BrokenPicture:
            continue  # reported when it is read
    told = 0 < len(names) <= _FEW
    return Legend(names if told else _seen(paths, layer, report), names)


def _seen(paths: Sequence[Path], layer: str, report: Report | None) -> set[int]:
    found: set[int] = set()
    picked = spread(paths)
    for done, path in enumerate(picked, start=1):
        try:
            found.update(runs(_ids(path, layer))[0].tolist())
        except BrokenPicture:
            continue  # reported when it is read
        if report:
            report(done, len(picked))
    return found


def _ids(path: Path, layer: str) -> NDArray[np.uint32]:
    frame = open_frame(path)
    sources = frame.sources(Modality.SEGMENTATION, layer)
    return frame.placed(sources, frame.read(sources), lambda views: ids_in(sources, views))
