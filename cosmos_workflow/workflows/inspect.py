"""Inspect: what a folder, a picture, a video or a prepared shot is, and what it will become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.formats import FORMATS, Report
from cosmos_workflow.houdini.inspect import Inspected, inspect_folder, inspect_picture
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.prompts.spec import resolve
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.prepare_wishes import reading_of


@dataclass(frozen=True)
class VideoFacts:
    """A video; ``problems``: why not every engine reads it."""

    path: Path
    media: Media
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class PreparedFacts:
    """A prepared shot: what it says of itself, and what its videos are, by pass."""

    folder: Path
    shot: ShotMetadata
    videos: Mapping[str, Media]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "folder": str(self.folder),
            "shot": self.shot.model_dump(mode="json"),
            "videos": {name: asdict(media) for name, media in self.videos.items()},
            "problems": list(self.problems),
        }


def inspect(
    settings: Settings, path: Path, *, latest: bool = False, report: Report | None = None
) -> Inspected | VideoFacts | PreparedFacts:
    """What lies at ``path``.

    A folder of frames that are broken is told with its problems.  Raises MediaError when the path
    cannot be read or is nothing that is known here, MissingExtra without ffmpeg for a video.
    """
    reading = reading_of(settings, latest=latest)
    if path.name == FILE_NAME and path.is_file():
        return _prepared(settings, path.parent)
    if path.is_file():
        if path.suffix[1:].lower() not in FORMATS:
            return _video(path)
        try:
            return inspect_picture(path, reading)
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from error
    if (path / FILE_NAME).is_file():
        return _prepared(settings, path)
    return inspect_folder(path, reading, report)


def _video(path: Path) -> VideoFacts:
    media = probe(path)
    how = f"{media.codec} {media.pix_fmt}{', full range' if media.full_range else ''}"
    problems = (
        ()
        if media.plain
        else (f"{how}: every engine reads h264 yuv420p, tv range; a copy is made",)
    )
    return VideoFacts(path, media, problems)


def _prepared(settings: Settings, folder: Path) -> PreparedFacts:
    shot = ShotMetadata.load(folder)
    videos: dict[str, Media] = {}
    problems = []
    for modality in shot.modalities:
        path = resolve(shot.control_inputs.get(modality, shot.video_path), settings)
        try:
            media = probe(path)
        except MediaError as error:
            problems.append(f"{modality}: {error.message}")
            continue
        videos[modality] = media
        if (media.width, media.height) != shot.resolution or media.frames != shot.frame_count:
            problems.append(
                f"{modality}: {path.name} has {media.frames} frames of"
                f" {media.width}x{media.height}, and {FILE_NAME} says otherwise"
            )
    return PreparedFacts(folder, shot, videos, tuple(problems))
