"""The pixels of an EXR file, as they are in it: one array a channel."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.errors import MissingExtra
from cosmos_workflow.houdini.exr_header import Header
from cosmos_workflow.houdini.exr_quiet import quiet
from cosmos_workflow.houdini.exr_some_parts import some_parts
from cosmos_workflow.houdini.picture import BrokenPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAMAGED = "is damaged (its pixels cannot be unpacked)"

Parts = Mapping[int, Mapping[str, "NDArray[Any]"]]
"""Index of a part -> channel -> (H, W) half, float or uint of the part's data window."""


def need_openexr() -> None:
    """Raises MissingExtra when there is no library for EXR pixels here."""
    try:
        import OpenEXR  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "EXR pictures need OpenEXR", hint="pip install 'cosmos-workflow[exr]'"
        ) from error


def decode(path: Path, header: Header, wanted: Mapping[int, set[str]]) -> Parts:
    """The wanted channels of each wanted part.

    The library reads all there is, so it is not shown the parts that nobody wants.  It leaves out
    a part that it cannot unpack and prints a warning: the part is missed here, and the warning
    kept from the screen.  Raises BrokenPicture, OSError.
    """
    import OpenEXR

    kept = sorted(wanted)
    all_of_it = len(kept) == len(header.parts)
    source = str(path) if all_of_it else io.BytesIO(some_parts(path, header, kept))
    found: dict[int, dict[str, NDArray[Any]]] = {}
    try:
        with quiet(), OpenEXR.File(source, separate_channels=True, num_threads=0) as file:
            for part in file.parts:
                number = kept[part.part_index]
                found[number] = {
                    name: channel.pixels
                    for name, channel in part.channels.items()
                    if name in wanted[number]
                }
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        path.stat()  # a file that went away is no damaged one
        raise BrokenPicture(_DAMAGED) from error
    for number, names in wanted.items():
        if names - set(found.get(number, {})):
            raise BrokenPicture(_DAMAGED)
    return found
