"""The folder that frames lie in: the one named, its latest version, or why it is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini import passes, versions
from cosmos_workflow.houdini.formats import Format
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import Modality

_FOLDERS = 200
"""Folders below that are searched for a color pass when there is none."""


def open_folder(
    folder: Path, reading: Reading, formats: Mapping[str, Callable[[], Format]]
) -> tuple[Path, tuple[FileSequence, ...]]:
    """The folder that the frames lie in, and its sequences.  Raises MediaError."""

    def holds_frames(one: Path) -> bool:
        return any(found.ending in formats for found in list_sequences(one))

    try:
        if reading.latest:
            folder = versions.latest(folder, holds_frames)
        sequences = list_sequences(folder)
        if not any(one.ending in formats for one in sequences):
            _no_frames(folder)
    except NotADirectoryError as error:
        raise MediaError(
            f"{folder} is a file, not a folder", hint=f"name the folder: {folder.parent}"
        ) from error
    except FileNotFoundError as error:
        raise _no_folder(folder) from error
    except PermissionError as error:
        raise MediaError(
            f"cannot read the folder {error.filename}: permission denied",
            hint="ask its owner for the right to read it and to enter it",
        ) from error
    except OSError as error:
        raise MediaError(f"cannot read the folder {folder}: {error.strerror}") from error
    return folder, sequences


def _no_frames(folder: Path) -> None:
    """Raises MediaError when the frames lie in versions below, and none was asked for."""
    found = versions.versions_in(folder)
    if found:
        raise MediaError(
            f"{folder} holds no frames itself, but versions: {versions.listed(found)}",
            hint=f"--latest takes the highest that has frames; or name one: {found[-1].path}",
        )


def _no_folder(folder: Path) -> MediaError:
    """Says which part of the path is not there, and what lies beside it under a close name."""
    missing, beside = folder, []
    try:
        while not missing.parent.exists() and missing.parent != missing:
            missing = missing.parent
        beside = [path.name for path in missing.parent.iterdir() if path.is_dir()]
    except OSError:
        pass  # what may not be looked at cannot be suggested
    close = get_close_matches(missing.name, beside, n=1, cutoff=0.6)
    what = f"there is no folder {folder}" + (f" ({missing} is missing)" * (missing != folder))
    return MediaError(
        what,
        hint=f"did you mean {missing.parent / close[0]}?"
        if close
        else "name the folder that holds color.NNNN.png, or EXR files",
    )


def elsewhere(
    folder: Path, reading: Reading, formats: Mapping[str, Callable[[], Format]]
) -> list[str]:
    """Folders below that hold a color pass: the shots that may have been meant."""
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir())[:_FOLDERS]
    except OSError:
        return []
    having = [path for path in below if _has_color(path, reading, formats)]
    return [f"{path} has one: did you mean that folder?" for path in having[:6]]


def _has_color(folder: Path, reading: Reading, formats: Mapping[str, Callable[[], Format]]) -> bool:
    try:
        stems = [one.stem for one in list_sequences(folder) if one.ending in formats]
    except OSError:
        return False
    named = [passes.of_stem(stem, reading.passes) for stem in stems]
    return any(one and one.modality is Modality.COLOR for one in named)
