"""A render folder, read strictly: all its passes and frames, or every fault in one report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini import passes, versions
from cosmos_workflow.houdini.formats import FORMATS, Format, Report
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.looked import Looked, look
from cosmos_workflow.houdini.shot import Reading, Shot
from cosmos_workflow.houdini.takes import Take, choose
from cosmos_workflow.houdini.wanted import Wanted, choose_frames
from cosmos_workflow.prompts.enums import Modality

__all__ = ["Examined", "FileSequence", "examine", "list_sequences", "read_shot"]

_FOLDERS = 200
"""Folders below that are searched for a color pass when there is none."""


@dataclass(frozen=True)
class Examined:
    """A render folder as it lies there.

    ``paths`` and ``looked`` go with ``takes``: the wanted files of each, and what they are.
    """

    folder: Path
    sequences: tuple[FileSequence, ...]
    takes: tuple[Take, ...]
    wanted: Wanted
    paths: tuple[tuple[Path, ...], ...]
    looked: tuple[Looked, ...]
    faults: tuple[str, ...]


def read_shot(
    folder: Path,
    reading: Reading | None = None,
    *,
    report: Report | None = None,
    formats: Mapping[str, Callable[[], Format]] = FORMATS,
) -> Shot:
    """Every pass of ``folder``, each frame looked at to its last byte.

    ``report`` gets frames checked and frames in all.  Raises MediaError that lists every fault:
    no color, misspelled names, gaps, different frames, mixed sizes or kinds, unreadable files;
    MissingExtra for EXR files without the extra.
    """
    reading = reading or Reading()
    seen = examine(folder, reading, report=report, formats=formats)
    if seen.faults:
        raise _incomplete(seen.folder, seen.faults)
    reels = tuple(
        take.format.reel(some, take.passes, reading)
        for take, some in zip(seen.takes, seen.paths, strict=True)
    )
    return Shot(seen.folder, reels, seen.wanted.numbers, reels[0].width, reels[0].height)


def examine(
    folder: Path,
    reading: Reading,
    *,
    report: Report | None = None,
    formats: Mapping[str, Callable[[], Format]] = FORMATS,
) -> Examined:
    """What ``read_shot`` would read, and all that keeps it from it.

    Raises MediaError when the folder cannot be read, MissingExtra.
    """
    folder, sequences = _open(folder, reading, formats)
    takes, faults = choose(sequences, reading.passes, formats)
    if not any(Modality.COLOR in take.passes for take in takes):
        faults += _elsewhere(folder, reading, formats)
    wanted, more = choose_frames([take.files for take in takes], reading)
    paths = [wanted.paths(take.files) for take in takes]
    looked = look(
        [(t.files.pattern, t.format, some) for t, some in zip(takes, paths, strict=True)], report
    )
    faults += more + [fault for one in looked for fault in one.faults()]
    if not reading.mixed_sizes:
        faults += _size_faults(looked)
    once = tuple(dict.fromkeys(faults))
    return Examined(folder, sequences, tuple(takes), wanted, tuple(paths), tuple(looked), once)


def _incomplete(folder: Path, faults: Sequence[str]) -> MediaError:
    said = "\n".join(f"  - {fault}" for fault in faults)
    count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
    return MediaError(
        f"{folder} is not a complete shot, {count}:\n{said}",
        hint="nothing was written; put these right and run it again",
    )


def _open(
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


def _elsewhere(
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


def _size_faults(looked: Sequence[Looked]) -> list[str]:
    """Passes that differ in size, or an odd side, when nothing is going to resize them."""
    sizes: dict[tuple[int, int], list[str]] = defaultdict(list)
    for one in looked:
        if one.usual:
            sizes[one.usual.width, one.usual.height].append(one.name)
    if len(sizes) > 1:
        said = "; ".join(
            f"{width}x{height} in {', '.join(names)}" for (width, height), names in sizes.items()
        )
        return [f"mixed sizes: {said}; render one size, or --resize"]
    for width, height in sizes:
        if width % 2 or height % 2:
            even = f"{width - width % 2}x{height - height % 2}"
            return [
                f"{width}x{height} has an odd side, which H.264 4:2:0 cannot hold;"
                f" render at {even}, or --resize"
            ]
    return []
