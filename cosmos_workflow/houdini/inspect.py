"""A render folder as a person asks about it: every sequence, and which pass it will become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.errors import ConfigError, MissingExtra
from cosmos_workflow.houdini.colour import settled
from cosmos_workflow.houdini.exr_layers import means, word
from cosmos_workflow.houdini.formats import FORMATS, Report
from cosmos_workflow.houdini.frame_range import FrameRange, ranges
from cosmos_workflow.houdini.inspect_exr import ExrFacts, exr_facts
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.looked import Looked, look
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.sequence import examine
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.houdini.takes import Take, choose
from cosmos_workflow.houdini.versions import versions_in
from cosmos_workflow.prompts.enums import Modality


@dataclass(frozen=True)
class SequenceFacts:
    """One sequence of files.

    ``frames``: its numbers, like "1001-1016"; ``missing``: those between that are not there.
    ``width`` and ``height`` are 0 and ``values`` empty where no file can be read.  ``becomes``:
    pass -> layer ("" for the whole file).  ``unsent``: layer -> what it is known as, though no
    engine takes it.  ``exr``: what an EXR's head says.  ``colour``: what its color is shown by.
    """

    pattern: str
    frames: str
    missing: str
    count: int
    width: int
    height: int
    values: str
    becomes: Mapping[Modality, str]
    unsent: Mapping[str, str]
    exr: ExrFacts | None
    colour: Mapping[str, Any] | None


@dataclass(frozen=True)
class VersionFacts:
    """A version below a folder: its name, the patterns of its files, and their frames."""

    name: str
    files: tuple[str, ...]
    frames: str


@dataclass(frozen=True)
class Inspected:
    """A folder or one file: its sequences, and all that keeps them from being prepared.

    ``versions``: the lowest first, of a folder that holds nothing else.
    """

    folder: Path
    sequences: tuple[SequenceFacts, ...]
    problems: tuple[str, ...]
    versions: tuple[VersionFacts, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def inspect_folder(folder: Path, reading: Reading, report: Report | None = None) -> Inspected:
    """Every sequence of the folder; each file of a pass is looked at to its last byte.

    Of a folder that only has versions, those.  Raises MediaError when the folder cannot be read.
    """
    below = () if reading.latest else _versions(folder)
    if below:
        return Inspected(folder, (), (), below)
    seen = examine(folder, reading, report=report)
    looked = {take.files.pattern: one for take, one in zip(seen.takes, seen.looked, strict=True)}
    return _inspected(seen.folder, seen.sequences, seen.takes, looked, reading, seen.faults)


def inspect_picture(path: Path, reading: Reading) -> Inspected:
    """One picture file, as if it were the whole folder.  Raises OSError."""
    path.stat()
    whole = {one.pattern: one for one in list_sequences(path.parent) if path in one.paths}
    files = FileSequence(path.stem, "", path.suffix, (0,), (path,))
    for one in whole.values():
        number = one.frames[one.paths.index(path)]
        files = FileSequence(one.stem, one.separator, one.suffix, (number,), (path,))
    takes, _ = choose([files], reading.passes, FORMATS)
    kind = FORMATS[files.ending]()
    (looked,) = look([(path.name, kind, [path])])
    found = _inspected(path.parent, [files], takes, {files.pattern: looked}, reading, ())
    problems = [*found.problems, *looked.faults()]
    return Inspected(path.parent, found.sequences, tuple(dict.fromkeys(problems)))


def _versions(folder: Path) -> tuple[VersionFacts, ...]:
    """The versions in a folder without frames of its own; none where it cannot be read."""
    try:
        if any(one.ending in FORMATS for one in list_sequences(folder)):
            return ()
        found = [(one.path.name, list_sequences(one.path)) for one in versions_in(folder)]
    except OSError:
        return ()  # the reading of the folder says why
    return tuple(
        VersionFacts(
            name,
            tuple(one.pattern for one in files),
            ranges({number for one in files for number in one.frames}),
        )
        for name, files in found
    )


def _inspected(
    folder: Path,
    sequences: Sequence[FileSequence],
    takes: Sequence[Take],
    looked: Mapping[str, Looked],
    reading: Reading,
    faults: Sequence[str],
) -> Inspected:
    problems = list(faults)
    taken = {take.files.pattern: take.passes for take in takes}
    facts = []
    for files in sequences:
        one = looked.get(files.pattern) or _first(files)
        facts.append(_facts(files, taken.get(files.pattern, {}), one, reading, problems))
    return Inspected(folder, tuple(facts), tuple(dict.fromkeys(problems)))


def _first(files: FileSequence) -> Looked | None:
    """What the first file of a sequence is that no pass is read from."""
    if files.ending not in FORMATS:
        return None
    return look([(files.pattern, FORMATS[files.ending](), files.paths[:1])])[0]


def _facts(
    files: FileSequence,
    becomes: Mapping[Modality, str],
    looked: Looked | None,
    reading: Reading,
    problems: list[str],
) -> SequenceFacts:
    picture = looked.usual if looked else None
    exr = _exr(files) if files.ending == "exr" else None
    colour = None
    if exr and (Modality.COLOR in becomes or Modality.VIS in becomes):
        try:
            colour = settled(reading.colour, exr.space)
        except (ConfigError, MissingExtra) as error:
            problems.append(f"{error.message}; {error.hint}" if error.hint else error.message)
    numbers = set(files.frames)
    return SequenceFacts(
        files.pattern,
        ranges(numbers),
        ranges(_missing(numbers)),
        len(files.paths),
        picture.width if picture else 0,
        picture.height if picture else 0,
        _values(files, exr, f"{picture.bits}-bit {picture.kind}" if picture else ""),
        becomes,
        _unsent(exr, reading.passes) if exr else {},
        exr,
        colour,
    )


def _missing(frames: set[int]) -> set[int]:
    """The gaps; a constant step has none, nor has a stray number far away."""
    first, last = min(frames), max(frames)
    stepped = FrameRange(tuple(sorted(frames))).step > 0
    if stepped or last - first > 10 * len(frames) + 100:
        return set()
    return set(range(first, last + 1)) - frames


def _exr(files: FileSequence) -> ExrFacts | None:
    """What the first file says whose head can be read."""
    for path in files.paths:
        try:
            return exr_facts(path)
        except (BrokenPicture, OSError):
            continue
    return None


def _values(files: FileSequence, exr: ExrFacts | None, said: str) -> str:
    if exr:
        return "/".join(sorted({kind for one in exr.layers for kind in one.kind.split("/")}))
    return said or ("not read" if files.ending not in FORMATS else "")


def _unsent(exr: ExrFacts, names: Passes) -> dict[str, str]:
    """Layer -> "normals" or "motion", for those that are known and not sent."""
    known = {"normals": names.normals, "motion": names.motion}
    return {
        layer.name: what
        for layer in exr.layers
        for what, aliases in known.items()
        if any(means(alias, word(layer.name.rpartition(".")[2])) for alias in aliases)
    }
