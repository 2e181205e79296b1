"""When a render folder is a complete shot: rules over what was seen of it, without any clock.

A folder is looked at when something said that it changed, and again after pauses that grow.  Times
are seconds of the caller's monotonic clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from cosmos_workflow.houdini.frame_range import FrameRange, ranges

HEALING = 20.0
"""A folder is looked at again for this long after a change, in case the next one was not told."""

LONGEST_PAUSE = 300.0
"""The most between two looks at files that are not whole, which may grow without a word."""

MOST_QUIET = 3600.0
"""However slow its frames come, a shot that has been quiet for this long is no longer rendered."""


@dataclass(frozen=True)
class Note:
    """What a marker file, or ``_cosmos_shot.json``, says of its shot."""

    frames: FrameRange | None = None
    name: str = ""
    fps: float | None = None
    description: str = ""
    prompt: str = ""
    negative_prompt: str = ""


@dataclass(frozen=True)
class Strip:
    """One image sequence of a folder; ``counts`` when its frames must be complete."""

    name: str
    numbers: frozenset[int]
    counts: bool = True


@dataclass(frozen=True)
class Look:
    """What one look at a folder saw.  ``folder``: below the watched one, POSIX; "" for itself.

    ``signature``: of every picture's name, size and times, and of marker and note; empty without
    pictures.  ``newest``: when something last changed, seconds since 1970 by the disk's clock.
    ``pace``: the usual wait between its frames, in seconds.  ``ready``: a marker is there
    and newer than every frame.  ``fault``: why marker or note cannot be read.
    """

    folder: str
    signature: str = ""
    strips: tuple[Strip, ...] = ()
    newest: float = 0.0
    pace: float = 0.0
    ready: bool = False
    note: Note = Note()
    fault: str = ""
    below: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Frames of the longest sequence that counts."""
        return max((len(strip.numbers) for strip in self.strips if strip.counts), default=0)


@dataclass(frozen=True)
class Rules:
    """``settle``: seconds without a change that end a shot of unknown range.  ``glance``: seconds
    between two looks that must agree.  ``frames``: the range of every shot, if it is known."""

    settle: float = 60.0
    glance: float = 0.5
    frames: FrameRange | None = None


@dataclass(frozen=True)
class Seen:
    """A look, when it was first like this (``first``), and since when it has been (``since``,
    which is earlier when the files are older than our first look)."""

    look: Look
    first: float
    since: float


@dataclass(frozen=True)
class Verdict:
    """``complete``, or what is waited for in words and seconds to the next look (None: none).

    ``told``: by a marker, so nobody needs to doubt whether the files are whole.
    """

    complete: bool = False
    told: bool = False
    reason: str = ""
    again: float | None = None


def seen(before: Seen | None, look: Look, now: float, age: float) -> Seen:
    """What is known after one more look; ``age``: seconds since ``look.newest``."""
    if before is None:
        return Seen(look, now, now - max(0.0, age))
    if before.look.signature != look.signature:
        return Seen(look, now, now)
    return replace(before, look=look)


def judge(known: Seen, now: float, rules: Rules, *, taken_before: bool) -> Verdict:
    """Whether the shot is complete.

    One that was taken before is being rendered again in place, so that old frames fill its range:
    only a marker or silence tells that it is over.
    """
    look, quiet = known.look, now - known.since
    later = max(quiet / 2, 1.0) if quiet < HEALING else None
    if not look.strips:
        return Verdict(again=later)
    if look.fault:
        return Verdict(reason=look.fault, again=later)
    agreed = now - known.first >= rules.glance or quiet >= rules.settle
    confirm = Verdict(reason="looking once more", again=max(rules.glance - (now - known.first), 0))
    if look.ready:
        return Verdict(complete=True, told=True) if agreed or quiet >= rules.glance else confirm
    wanted = look.note.frames or rules.frames
    if reason := lacking(look.strips, wanted):
        return Verdict(reason=reason, again=later)
    if wanted and not taken_before:
        return Verdict(complete=True) if agreed else confirm
    return _settled(look, quiet, rules, wanted)


def _settled(look: Look, quiet: float, rules: Rules, wanted: FrameRange | None) -> Verdict:
    """A render whose frames take long is not over when the next one is late by a minute."""
    if look.frames < 2 and not wanted:
        return Verdict(
            reason="one frame only; a marker or --frames says that this is all",
            again=max(quiet / 2, 1.0) if quiet < HEALING else None,
        )
    need = max(rules.settle, min(3 * look.pace, MOST_QUIET))
    if quiet >= need:
        return Verdict(complete=True)
    return Verdict(reason=f"complete once nothing changes for {need:.0f} s", again=need - quiet)


def lacking(strips: Sequence[Strip], wanted: FrameRange | None) -> str:
    """Which frames are still to come, in words; empty when none are.

    Without a range, every sequence has the same frames, one after the other.
    """
    counting = [strip for strip in strips if strip.counts]
    whole = set(wanted.numbers) if wanted else set[int]().union(*(s.numbers for s in counting))
    if not wanted and whole:
        whole = set(range(min(whole), max(whole) + 1))
    missing = {strip.name: whole - strip.numbers for strip in counting}
    told = [f"{name} {_some(numbers)}" for name, numbers in missing.items() if numbers]
    if not told:
        return ""
    if len(set(map(frozenset, missing.values()))) == 1:
        told = [_some(whole - counting[0].numbers)]
    here = min(len(whole & strip.numbers) for strip in counting)
    return f"{here} of {len(whole)} frames; missing: {'; '.join(told)}"


def _some(numbers: Iterable[int]) -> str:
    parts = ranges(numbers).split(", ")
    return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more gaps" if len(parts) > 4 else "")


@dataclass
class Arrivals:
    """Which folders are to be looked at when, and which of them are complete.

    ``taken``: the signature with which a shot was last taken, by folder.
    """

    rules: Rules
    taken: dict[str, str] = field(default_factory=dict)
    known: dict[str, Seen] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _heap: list[tuple[float, str]] = field(default_factory=list)
    _round: list[str] = field(default_factory=list)

    def touch(self, folder: str, at: float) -> None:
        """Look at ``folder`` at this time, or earlier if that is planned already."""
        if at < self._due.get(folder, float("inf")):
            self._due[folder] = at
            heapq.heappush(self._heap, (at, folder))

    def due(self, now: float) -> list[str]:
        """The folders whose time has come; they are no longer planned."""
        folders = []
        while self._heap and self._heap[0][0] <= now:
            at, folder = heapq.heappop(self._heap)
            if self._due.get(folder) == at:
                del self._due[folder]
                folders.append(folder)
        return folders

    def pause(self, now: float, most: float) -> float:
        """Seconds until the next look that is planned, ``most`` at most."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return min(most, max(0.0, self._heap[0][0] - now)) if self._heap else most

    def confirming(self, now: float) -> bool:
        """Whether a look is planned that may settle something within two glances."""
        return self.pause(now, float("inf")) <= 2 * self.rules.glance

    def saw(self, look: Look, now: float, age: float) -> Verdict | None:
        """What follows from a look; None when this very state was taken already."""
        for folder in look.below:
            if folder not in self.known:
                self.touch(folder, now)
        after = self.known[look.folder] = seen(self.known.get(look.folder), look, now, age)
        if look.signature and self.taken.get(look.folder) == look.signature:
            # The frames' numbers are needed no more: thousands of finished shots stay small.
            self.known[look.folder] = replace(after, look=replace(look, strips=(), below=()))
            return None
        verdict = judge(after, now, self.rules, taken_before=look.folder in self.taken)
        if verdict.again is not None:
            self.touch(look.folder, now + verdict.again)
        return verdict

    def doubt(self, folder: str, now: float) -> None:
        """Its files are not whole yet: look again after a pause that grows."""
        quiet = now - self.known[folder].since
        self.touch(folder, now + min(max(quiet / 2, 1.0), LONGEST_PAUSE))

    def gone(self, folder: str) -> None:
        """The folder is not there any more."""
        self.known.pop(folder, None)
        self._due.pop(folder, None)

    def patrol(self, count: int) -> list[str]:
        """The next folders of a slow round over all of them, for changes that nobody told."""
        if not self._round:
            self._round = list(reversed(self.known))
        picked = list(islice(reversed(self._round), count))
        del self._round[len(self._round) - len(picked) :]
        return [folder for folder in picked if folder in self.known]
