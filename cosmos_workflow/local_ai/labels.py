"""Labels of models as a person would write them: tags of a shot, and objects with their number."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

_NAMELESS = re.compile(r"n/?a|none|background|no[ _-]object|label[ _]\d+|class[ _]\d+|\d+|")
_PLURALS = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "knife": "knives",
    "shelf": "shelves",
    "sheep": "sheep",
    "skis": "skis",
    "scissors": "scissors",
    "broccoli": "broccoli",
}


def clean(label: str) -> str:
    """``"studio couch, day bed"`` -> ``"studio couch"``; empty for one that names nothing."""
    text = " ".join(label.lower().split(",")[0].replace("_", " ").split())
    return "" if _NAMELESS.fullmatch(text) else text


def plural(thing: str) -> str:
    """``"dining table"`` -> ``"dining tables"``, ``"bench"`` -> ``"benches"``."""
    *before, last = thing.split(" ")
    if last in _PLURALS:
        last = _PLURALS[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = f"{last[:-1]}ies"
    else:
        last += "s"
    return " ".join([*before, last])


def tags(frames: Sequence[Mapping[str, float]], *, least: float, most: int) -> tuple[str, ...]:
    """The tags of a shot from each frame's labels and their probabilities, the surest first.

    A label's probability is its mean over the frames; those from ``least`` on are taken, at most
    ``most``.  Labels that read the same after cleaning are one.
    """
    sums: dict[str, float] = defaultdict(float)
    for frame in frames:
        for label, probability in frame.items():
            sums[clean(label)] += probability / len(frames)
    sums.pop("", None)
    sure = sorted((tag for tag in sums if sums[tag] >= least), key=lambda tag: (-sums[tag], tag))
    return tuple(sure[:most])


def objects(frames: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What is in a shot from the labels found in each frame: ``("2 chairs", "1 person")``.

    The number is the most that one frame shows.  First what is in most frames.
    """
    most: dict[str, int] = defaultdict(int)
    seen: Counter[str] = Counter()
    for frame in frames:
        for thing, count in Counter(map(clean, frame)).items():
            most[thing] = max(most[thing], count)
            seen[thing] += 1
    most.pop("", None)
    ordered = sorted(most, key=lambda thing: (-seen[thing], -most[thing], thing))
    return tuple(f"{most[one]} {one if most[one] == 1 else plural(one)}" for one in ordered)
