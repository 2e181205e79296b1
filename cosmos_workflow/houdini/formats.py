"""The file formats of render passes, by ending: each says what a file holds and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cosmos_workflow.houdini.picture import Picture
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.prompts.enums import Modality

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Passes
    from cosmos_workflow.houdini.shot import Reading

Report = Callable[[int, int], None]
"""Called with files done and files in all."""


class Format(Protocol):
    """One kind of picture file."""

    def check(self, path: Path) -> Picture:
        """What the file is, every byte of it looked at that tells a whole file from a cut one.

        May be called from several threads.  Raises BrokenPicture, Growing, OSError.
        """

    def layers(self, path: Path) -> Sequence[str]:
        """The layers in the file, as artists name them; empty for a format without any.

        Raises BrokenPicture, OSError.
        """

    def passes(self, path: Path, stem: str, names: Passes) -> Mapping[Modality, str]:
        """Which passes are in a file of this stem, and the layer of each ("" for the whole file).

        Empty when nothing in it is known.  Raises BrokenPicture, OSError.
        """

    def reel(
        self,
        paths: Sequence[Path],
        passes: Mapping[Modality, str],
        reading: Reading,
        report: Report | None = None,
    ) -> Reel:
        """The reel of these whole files, one a frame.  Raises MediaError, MissingExtra."""


def _png() -> Format:
    from cosmos_workflow.houdini.png_reel import PngFormat

    return PngFormat()


def _exr() -> Format:
    from cosmos_workflow.houdini.exr import ExrFormat

    return ExrFormat()


FORMATS: Mapping[str, Callable[[], Format]] = {"png": _png, "exr": _exr}
"""By a file's ending, in small letters; each is loaded when such a file is met."""
