"""A render folder, read strictly: all its passes and frames, or every fault in one report."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini import passes
from cosmos_workflow.houdini.frame_range import ranges
from cosmos_workflow.houdini.listing import FileSequence, list_sequences
from cosmos_workflow.houdini.picture import BrokenPicture, Picture
from cosmos_workflow.houdini.png import check
from cosmos_workflow.houdini.png_reel import PngReel
from cosmos_workflow.houdini.shot import Reading, Shot
from cosmos_workflow.prompts.enums import Modality

__all__ = ["FileSequence", "list_sequences", "read_shot"]

_NAMED = 6
"""How many files a fault names one by one before it only counts."""


@dataclass(frozen=True)
class Sequence:
    """One pass: its frame numbers without a gap, the file of each, and digits in a name."""

    modality: Modality
    frames: tuple[int, ...]
    paths: tuple[Path, ...]
    padding: int

    @property
    def pattern(self) -> Path:
        """The files as one path with a printf number: ``.../color.%04d.png``."""
        return self.paths[0].with_name(f"{self.modality}.%0{self.padding}d.png")


def read_shot(
    folder: Path,
    reading: Reading | None = None,
    *,
    report: Callable[[int, int], None] | None = None,
) -> Shot:
    """Every pass of ``folder``, each frame read to its last byte.

    ``report`` gets frames checked and frames in all.  Raises MediaError that lists every fault:
    no color, misspelled names, gaps, different frames, mixed sizes or kinds, unreadable files.
    """
    sequences, faults = _scan(folder)
    faults += _frame_faults(sequences)
    pictures, broken = _pictures(sequences, report)
    faults += broken + _size_faults(sequences, pictures) + _kind_faults(sequences, pictures)
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
        raise MediaError(
            f"{folder} is not a complete shot, {count}:\n{listed}",
            hint="nothing was written; put these right and run it again",
        )
    first = pictures[sequences[0].paths[0]]
    size = first.width, first.height
    reels = tuple(PngReel(one.modality, one.paths, *size) for one in sequences)
    return Shot(folder, reels, sequences[0].frames, *size)


def _scan(folder: Path) -> tuple[list[Sequence], list[str]]:
    """The passes as they lie there, and the faults of their names."""
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise MediaError(
            f"cannot read the folder {folder}: {error.strerror}",
            hint="name the folder that holds color.NNNN.png",
        ) from error
    found: dict[Modality, dict[int, str]] = defaultdict(dict)
    others: Counter[str] = Counter()
    meant: Counter[tuple[str, str]] = Counter()
    faults = []
    for name in names:
        frame = passes.parse(name)
        if frame is None:
            guess = passes.nearly(name)
            meant.update([guess] if guess else [])
            others.update([] if guess else [passes.pattern(name)])
        elif frame.frame in found[frame.modality]:
            other = found[frame.modality][frame.frame]
            faults.append(f"{frame.modality}: {other} and {name} are the same frame")
        else:
            found[frame.modality][frame.frame] = name
    for (pattern, wanted), count in meant.items():
        advice = f"did you mean {wanted}?"
        if not pattern.lower().endswith(".png"):
            advice = f"passes are PNG files; convert it to {wanted}"
        faults.append(f"{pattern} ({_files(count)}) is not a pass: {advice}")
    if Modality.COLOR not in found:
        faults[:0] = ["there is no color pass: color.NNNN.png is required", *_elsewhere(folder)]
        faults += [
            f"{pattern} ({_files(count)}) is no pass by its name: is it color?"
            for pattern, count in others.items()
            if pattern
        ]
    sequences = [
        _sequence(folder, one, found[one], faults) for one in passes.PASSES if one in found
    ]
    return sequences, faults


def _elsewhere(folder: Path) -> list[str]:
    """Folders below that hold a color pass: the shots that may have been meant."""
    below = sorted({file.parent for file in folder.glob("*/color.*.png")})
    return [f"{one} has one: did you mean that folder?" for one in below[:_NAMED]]


def _sequence(
    folder: Path, modality: Modality, names: dict[int, str], faults: list[str]
) -> Sequence:
    numbers = sorted(names)
    padding = min(len(names[number].split(".")[1]) for number in numbers)
    odd = [names[n] for n in numbers if names[n] != f"{modality}.{n:0{padding}d}.png"]
    if odd:
        faults.append(f"{modality}: mixed number widths: {_list(odd)} among {padding} digits")
    paths = tuple(folder / names[number] for number in numbers)
    return Sequence(modality, tuple(numbers), paths, padding)


def _frame_faults(sequences: list[Sequence]) -> list[str]:
    """Gaps in the first pass (color, if it is there), and what the others lack or have beside."""
    if not sequences:
        return []
    lead = sequences[0]
    whole = set(range(lead.frames[0], lead.frames[-1] + 1))
    faults = []
    step = {b - a for a, b in zip(lead.frames, lead.frames[1:], strict=False)}
    if len(step) == 1 and step != {1}:
        faults.append(f"{lead.modality}: every {step.pop()}. frame only; render all of them")
        whole = set(lead.frames)
    for one in sequences:
        lacking, beside = whole - set(one.frames), set(one.frames) - whole
        if lacking:
            faults.append(f"{one.modality}: frames missing: {ranges(lacking)}")
        if beside:
            faults.append(f"{one.modality}: frames that {lead.modality} lacks: {ranges(beside)}")
    return faults


def _pictures(
    sequences: list[Sequence], report: Callable[[int, int], None] | None
) -> tuple[dict[Path, Picture], list[str]]:
    """The header of every whole frame, and the faults of the others."""
    paths = [path for one in sequences for path in one.paths]
    pictures: dict[Path, Picture] = {}
    broken: dict[str, list[str]] = defaultdict(list)
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) + 1)) as pool:
        for done, (path, result) in enumerate(
            zip(paths, pool.map(_checked, paths), strict=True), start=1
        ):
            if isinstance(result, Picture):
                pictures[path] = result
            else:
                broken[result].append(path.name)
            if report:
                report(done, len(paths))
    return pictures, [f"{_list(names)} {why}" for why, names in broken.items()]


def _checked(path: Path) -> Picture | str:
    try:
        return check(path)
    except BrokenPicture as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _size_faults(sequences: list[Sequence], pictures: dict[Path, Picture]) -> list[str]:
    sizes: dict[str, Counter[Modality]] = defaultdict(Counter)
    for one in sequences:
        for path in one.paths:
            if path in pictures:
                picture = pictures[path]
                sizes[f"{picture.width}x{picture.height}"][one.modality] += 1
    if len(sizes) > 1:
        said = (
            f"{size} in {', '.join(f'{modality} ({_files(n)})' for modality, n in who.items())}"
            for size, who in sorted(sizes.items(), key=lambda item: -item[1].total())
        )
        return [f"mixed sizes: {'; '.join(said)}"]
    for size in sizes:
        width, height = map(int, size.split("x"))
        if width % 2 or height % 2:
            even = f"{width - width % 2}x{height - height % 2}"
            return [f"{size} has an odd side, which H.264 4:2:0 cannot hold; render at {even}"]
    return []


def _kind_faults(sequences: list[Sequence], pictures: dict[Path, Picture]) -> list[str]:
    faults = []
    for one in sequences:
        kinds: dict[str, list[str]] = defaultdict(list)
        for path in one.paths:
            if path in pictures:
                kinds[f"{pictures[path].bits}-bit {pictures[path].kind}"].append(path.name)
        if len(kinds) > 1:
            usual, *others = sorted(kinds, key=lambda kind: -len(kinds[kind]))
            said = "; ".join(f"{_list(kinds[kind])} {kind}" for kind in others)
            faults.append(f"{one.modality}: mixed pictures: {said}; the others {usual}")
    return faults


def _list(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
