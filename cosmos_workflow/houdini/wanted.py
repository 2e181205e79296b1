"""Which frames of a shot are wanted, and which of them each pass lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cosmos_workflow.houdini.frame_range import FrameRange, ranges
from cosmos_workflow.houdini.listing import FileSequence, NumberedName
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.houdini.tally import Tally

_LONGEST = 1_000_000
"""Frames between the first and the last; beyond that one of the numbers is no frame's."""
_PARTS = 8


@dataclass(frozen=True)
class Wanted:
    """The frame numbers of a shot, ascending."""

    numbers: tuple[int, ...]

    def paths(self, files: FileSequence) -> tuple[Path, ...]:
        """Its files of these frames, in order, as far as they are there; one a frame."""
        numbers = frozenset(self.numbers)
        first = {n: path for n, path in zip(files.frames, files.paths, strict=True) if n in numbers}
        return tuple(first[number] for number in self.numbers if number in first)


def choose_frames(sequences: Sequence[FileSequence], reading: Reading) -> tuple[Wanted, list[str]]:
    """The frames asked for, else those of the first sequence (color's); and every fault of them.

    Faults: gaps, frames that one has and color lacks, a step nobody asked for, two files for one
    frame, numbers of different widths, handles that leave nothing.
    """
    if not sequences:
        return Wanted(()), []
    faults = []
    if reading.frames is not None:
        asked = reading.frames.with_handles(reading.handles)
        for one in sequences:
            faults += _file_faults(one, frozenset(asked.numbers))
            faults += _lacking(one, reading.frames, asked)
        return Wanted(asked.numbers), faults
    for one in sequences:
        faults += _file_faults(one, frozenset(one.frames))
    whole, more = _whole(sequences[0])
    faults += more
    for one in sequences:
        lacking, beside = whole.difference(one.frames), set(one.frames) - whole
        if lacking:
            faults.append(f"{one.pattern}: frames missing: {said(lacking)}")
        if beside:
            faults.append(
                f"{one.pattern}: frames that {sequences[0].pattern} lacks: {said(beside)}"
            )
    if len(whole) <= 2 * reading.handles:
        faults.append(f"{reading.handles} handles at each end leave none of {len(whole)} frames")
    return Wanted(tuple(sorted(whole))), faults


def said(numbers: Iterable[int]) -> str:
    """As ``ranges`` does, but of very many parts the first few."""
    parts = ranges(numbers).split(", ")
    rest = len(parts) - _PARTS
    return ", ".join(parts[:_PARTS]) + (f" and {rest} more" if rest > 0 else "")


def _whole(lead: FileSequence) -> tuple[set[int], list[str]]:
    """From the first frame to the last, and why that is not what is there."""
    first, last = lead.frames[0], lead.frames[-1]
    step = FrameRange(tuple(dict.fromkeys(lead.frames))).step
    if step > 1:
        only = f"--frames {first}-{last}x{step}"
        return set(lead.frames), [
            f"{lead.pattern}: there are {step} from one frame to the next; render all of them,"
            f" or take these with {only}"
        ]
    if last - first >= _LONGEST:
        return set(lead.frames), [
            f"{lead.pattern}: from {first} to {last} are more than {_LONGEST:,} frames:"
            f" is {lead.paths[-1].name} one? else name them with --frames"
        ]
    return set(range(first, last + 1)), []


def _lacking(one: FileSequence, cut: FrameRange, asked: FrameRange) -> list[str]:
    """What of the frames asked for is not there, the handles by themselves."""
    present, inside = frozenset(one.frames), frozenset(cut.numbers)
    missing = [number for number in asked.numbers if number not in present]
    lacking = [number for number in missing if number in inside]
    handles = [number for number in missing if number not in inside]
    faults = []
    if lacking:
        has = f"; it has {said(present)}" if len(lacking) == len(inside) else ""
        faults.append(f"{one.pattern}: frames missing: {said(lacking)}{has}")
    if handles:
        faults.append(f"{one.pattern}: handles missing: {said(handles)}")
    return faults


def _file_faults(one: FileSequence, numbers: frozenset[int]) -> list[str]:
    """Two files for one frame, and numbers of different widths: leftovers of another render."""
    files = [file for file in zip(one.frames, one.paths, strict=True) if file[0] in numbers]
    twice = [
        f"{path.name} and {following.name} are the same frame"
        for (number, path), (after, following) in pairwise(files)
        if number == after
    ]
    written = [(number, _digits(path), path.name) for number, path in files]
    padding = min((len(digits) for _, digits, _ in written), default=0)
    odd = Tally()
    for number, digits, name in written:
        if digits != f"{number:0{padding}d}":
            odd.add(name)
    if odd.count and not twice:
        return [f"{one.pattern}: mixed number widths: {odd} among {padding} digits"]
    return twice


def _digits(path: Path) -> str:
    parts = NumberedName.parse(path.name)
    return parts.digits if parts else ""
