"""A render folder, read strictly: all its passes and frames, or every fault in one report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.formats import FORMATS, Format, Report
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.looked import Looked, look
from cosmos_workflow.houdini.render_folder import elsewhere, open_folder
from cosmos_workflow.houdini.shot import Reading, Shot
from cosmos_workflow.houdini.takes import Take, choose
from cosmos_workflow.houdini.wanted import Wanted, choose_frames
from cosmos_workflow.prompts.enums import Modality

__all__ = ["Examined", "FileSequence", "Take", "examine", "list_sequences", "read_shot"]


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
    folder, sequences = open_folder(folder, reading, formats)
    takes, faults = choose(sequences, reading.passes, formats)
    if not any(Modality.COLOR in take.passes for take in takes):
        faults += elsewhere(folder, reading, formats)
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
            even = f"{max(2, width - width % 2)}x{max(2, height - height % 2)}"
            cut = ", or --resize" if min(width, height) > 1 else ""
            return [
                f"{width}x{height} has an odd side, which H.264 4:2:0 cannot hold;"
                f" render at {even}{cut}"
            ]
    return []
