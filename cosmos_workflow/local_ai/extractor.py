"""All about one video: what it is by measure, and what local models see in it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.errors import CosmosError, MediaError
from cosmos_workflow.local_ai.model import joined
from cosmos_workflow.local_ai.names import smart_name

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import LocalModels
    from cosmos_workflow.houdini.metadata import Described

Say = Callable[[str], None]
Report = Callable[[str, float], None]


@dataclass(frozen=True)
class VideoMetadata:
    """A video's facts, and words for it where local models could be asked.

    ``width``, ``height`` in pixels; ``fps`` frames a second; ``size`` in bytes.  ``ai_caption``: a
    sentence; ``ai_tags``: the surest first; ``detected_objects``: ``("2 chairs", "1 person")``.
    ``ai_models``: which models answered.  ``missing``: why one could not be asked, with what to do.
    """

    path: Path
    width: int
    height: int
    fps: float
    frames: int
    seconds: float
    codec: str
    pix_fmt: str
    size: int
    ai_caption: str = ""
    ai_tags: tuple[str, ...] = ()
    detected_objects: tuple[str, ...] = ()
    ai_models: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[CosmosError, ...] = ()

    @property
    def suggested_name(self) -> str:
        """A name from the caption, else from the first tag; empty when nothing was seen."""
        return smart_name(self.ai_caption or " ".join(self.ai_tags[:1]))


class VideoMetadataExtractor:
    """Looks at videos: ``VideoMetadataExtractor(use_ai=True).extract_metadata(video)``.

    ``use_ai`` False: facts only.  ``models``: the default is [ai] of the project that we are in.
    ``say`` gets what is missing and how to get it; without it, that is a Python warning.
    """

    def __init__(
        self,
        use_ai: bool = True,
        *,
        models: LocalModels | None = None,
        say: Say | None = None,
        report: Report | None = None,
    ) -> None:
        self.use_ai = use_ai
        self._models = models
        self._say = say
        self._report = report

    def extract_metadata(self, video: Path | str) -> VideoMetadata:
        """All about ``video``.  Raises MediaError when it is none; missing models raise nothing."""
        from cosmos_workflow.houdini.metadata import Described
        from cosmos_workflow.video.probe import probe

        path = Path(video)
        media = probe(path)
        faults: list[CosmosError] = []
        words = self._words(path, faults) if self.use_ai else Described()
        return VideoMetadata(
            path=path,
            width=media.width,
            height=media.height,
            fps=media.fps,
            frames=media.frames,
            seconds=media.seconds,
            codec=media.codec,
            pix_fmt=media.pix_fmt,
            size=_size(path),
            ai_caption=words.caption,
            ai_tags=words.tags,
            detected_objects=words.objects,
            ai_models=words.models,
            missing=tuple(joined(faults)),
        )

    def _words(self, video: Path, faults: list[CosmosError]) -> Described:
        from cosmos_workflow.config.load import load
        from cosmos_workflow.local_ai.describe import attempt, describe

        settings = self._models or load().ai
        words = attempt(
            lambda absent: describe(video, settings, self._report, absent=absent), faults
        )
        for fault in joined(faults):
            text = f"{fault.message}\n{fault.hint}".rstrip()
            if self._say:
                self._say(text)
            else:
                warnings.warn(text, stacklevel=3)
        return words


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
