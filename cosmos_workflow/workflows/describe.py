"""Describe: what local models see in a video, a prepared shot or a render folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.config.settings import LocalModels, Settings
from cosmos_workflow.errors import CosmosError, MediaError
from cosmos_workflow.houdini.frame_range import FrameRange, ranges
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.metadata import FILE_NAME, Described, ShotMetadata
from cosmos_workflow.ids import slug
from cosmos_workflow.local_ai import stills
from cosmos_workflow.local_ai.describe import attempt, describe, see
from cosmos_workflow.local_ai.download import fetch
from cosmos_workflow.local_ai.model import Model, NotHere, folder_of, joined, models
from cosmos_workflow.local_ai.names import smart_name
from cosmos_workflow.local_ai.place import check_extra
from cosmos_workflow.local_ai.sequences import leading
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import resolve

if TYPE_CHECKING:
    from cosmos_workflow.video.frames import Frame

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""

Say = Callable[[str], None]
"""Called with lines for people."""


@dataclass(frozen=True)
class Description:
    """What a source is by measure (``facts``) and what was seen in it.

    ``name``: one that suits it.  ``missing``: why models could not be asked; empty when all were.
    """

    source: Path
    name: str
    facts: Mapping[str, Any]
    words: Described
    missing: tuple[CosmosError, ...]


def described(
    video: Path, settings: Settings, say: Say, report: Report | None = None
) -> Described | None:
    """What the models on this machine see in ``video``; None when none of them could be asked.

    What is missing, and how to get it, is said in a line.  Nothing is fetched.  Raises MediaError
    for a video that cannot be read, and nothing else.
    """
    faults: list[CosmosError] = []
    ai = local_models(settings)
    words = attempt(lambda absent: describe(video, ai, report, absent=absent), faults)
    for fault in joined(faults):
        first = fault.hint.partition("\n")[0].partition("; or,")[0]
        how = "described in part" if words.models else "not described"
        what = fault.message
        if isinstance(fault, NotHere) and fault.whole:
            roles = ", ".join(model.role for model in fault.models)
            what = f"no local model for {roles} on this machine"
        say(f"{how}: {what}; {first}".rstrip("; "))
    return words if words.models else None


def models_here(settings: Settings) -> list[str]:
    """Which of the models can be asked on this machine; none is loaded."""
    found = []
    for model in models(local_models(settings)):
        try:
            check_extra()
            found.append(str(folder_of(model)))
        except CosmosError:
            continue  # why, is said when a shot is described
    return found


def describe_source(settings: Settings, text: str, report: Report | None = None) -> Description:
    """The same for a video file, a prepared shot (folder or name), or a folder of frames.

    Raises MediaError, or SpecError for a name that nothing has.
    """
    path = Path(text).expanduser()
    if path.is_dir() and not (path / FILE_NAME).is_file():
        return _of_folder(settings, path, report)
    if path.is_file() and path.name != FILE_NAME:
        return _of_video(settings, path, path.stem, report)
    if path.suffix and not path.exists():
        raise MediaError(
            f"cannot read {path}: there is no such file",
            hint="a video, a prepared shot (folder or name), or a folder of frames",
        )
    from cosmos_workflow.workflows.compose_specs import metadata_file

    file = metadata_file(settings, text)
    shot = ShotMetadata.load(file)
    beside = file.parent / Path(shot.video_path).name  # a shot may have been moved
    video = beside if beside.is_file() else resolve(shot.video_path, settings)
    return _of_video(settings, video, shot.name, report)


def fetch_models(settings: Settings, report: Report | None = None) -> list[Model]:
    """Bring the models that are not on this machine; those that were brought.

    Raises ConfigError, TransferError, MissingExtra.
    """
    return fetch(models(local_models(settings)), report)


def local_models(settings: Settings) -> LocalModels:
    """[ai] with folders that are given relative to the project as absolute ones."""
    ai = settings.ai
    keys = ("caption_model", "tags_model", "objects_model")
    folders = {key: settings.root / Path(getattr(ai, key)).expanduser() for key in keys}
    return ai.model_copy(update={k: str(path) for k, path in folders.items() if path.is_dir()})


def _of_video(settings: Settings, video: Path, name: str, report: Report | None) -> Description:
    from cosmos_workflow.local_ai.extractor import VideoMetadataExtractor

    found = VideoMetadataExtractor(
        models=local_models(settings), say=_nothing, report=report
    ).extract_metadata(video)
    facts = {
        "width": found.width, "height": found.height, "frames": found.frames, "fps": found.fps,
        "seconds": found.seconds, "codec": found.codec, "pix_fmt": found.pix_fmt,
        "size": found.size,
    }  # fmt: skip
    words = Described(
        caption=found.ai_caption,
        tags=found.ai_tags,
        objects=found.detected_objects,
        models=found.ai_models,
    )
    return Description(video, _name(words, name), facts, words, found.missing)


def _of_folder(settings: Settings, folder: Path, report: Report | None) -> Description:
    try:
        listed = list_sequences(folder)
    except OSError as error:
        raise MediaError(f"cannot read {folder}: {error.strerror}") from error
    if not listed:
        raise MediaError(
            f"there are no numbered pictures in {folder}",
            hint="name a video, a prepared shot, or a folder with color.0001.png and so on",
        )
    lead = leading(listed, settings.passes.color)
    looked = _frames(settings, folder, lead)
    faults: list[CosmosError] = []
    words = attempt(
        lambda absent: see(lambda: stills.fitted(looked), local_models(settings), report,
                           absent=absent), faults,
    )  # fmt: skip
    facts = {
        "width": looked[0].shape[1], "height": looked[0].shape[0], "frames": len(lead.frames),
        "files": lead.pattern, "range": ranges(lead.frames),
    }  # fmt: skip
    return Description(
        folder, _name(words, folder.absolute().name), facts, words, tuple(joined(faults))
    )


def _frames(settings: Settings, folder: Path, lead: FileSequence) -> list[Frame]:
    """A few of a sequence's frames, RGB; of EXR files the color pass, as it is displayed."""
    if lead.ending != "exr":
        return stills.of_pictures(lead.paths)
    from cosmos_workflow.houdini.sequence import read_shot
    from cosmos_workflow.houdini.shot import Reading

    numbers = tuple(lead.frames[n] for n in stills.spread(len(lead.frames)))
    reading = Reading(
        frames=FrameRange(numbers),
        passes=settings.passes,
        colour=settings.colour,
        depth=settings.depth,
    )
    reel = read_shot(folder, reading).reel(Modality.COLOR)
    return [_rgb(reel.read(n)[Modality.COLOR]) for n in range(len(numbers))]


def _rgb(pixels: Any) -> Frame:
    if isinstance(pixels, bytes):
        raise MediaError("color is not in the EXR files of this folder", hint="name its folder")
    frame: Frame = pixels
    return frame


def _name(words: Described, otherwise: str) -> str:
    return slug(smart_name(words.caption or " ".join(words.tags[:1])) or otherwise)


def _nothing(text: str) -> None:
    """What is missing is in the result; who asked for it tells it."""
