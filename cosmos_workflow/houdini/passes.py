"""Which pass a word stands for: the stem of a file's name, or a layer's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini.listing import NumberedName
from cosmos_workflow.prompts.enums import Modality

PASSES = (Modality.COLOR, Modality.DEPTH, Modality.SEGMENTATION, Modality.VIS, Modality.EDGE)
"""The passes a render folder may hold; ``color`` it must."""

_ALIAS, _SHORT, _TAIL = 1, 500, 1000
_TELLING = 4
"""Letters of a word from which on one with a mistake in it is still recognised."""


@dataclass(frozen=True)
class Named:
    """The pass that a stem stands for; of two stems for one pass the lower ``rank`` is meant.

    0: the pass's own name; then its aliases in the order of the settings; then its short names
    (``seg``); then the same as the last words of a stem (``shot010_depth``).
    """

    modality: Modality
    rank: int


@dataclass(frozen=True)
class FrameName:
    """A file name of a pass: which pass, which frame, and its number as written ("0042")."""

    modality: Modality
    frame: int
    digits: str


def parse(name: str, names: Passes | None = None) -> FrameName | None:
    """The frame that a file of this name is, or None when its stem stands for no pass."""
    parts = NumberedName.parse(name)
    found = of_stem(parts.stem, names or Passes()) if parts else None
    if not parts or not found:
        return None
    return FrameName(found.modality, int(parts.digits), parts.digits)


def of_stem(stem: str, names: Passes) -> Named | None:
    """The pass of files with this stem, or None.  Case does not count.

    The last words count where they are longer than two letters: the C of ``scene_C`` may be a
    camera's.
    """
    word = stem.lower()
    ranked = _ranked(word, names)
    if ranked or is_unsent(word, names):
        return ranked
    for found in re.finditer(r"[._ -]+", word):
        tail = word[found.end() :]
        if len(tail) > 2 and is_unsent(tail, names):
            return None
        ranked = _ranked(tail, names) if len(tail) > 2 else None
        if ranked:
            return Named(ranked.modality, _TAIL + ranked.rank)
    return None


def closest(
    words: Iterable[str], names: Passes, wanted: Sequence[Modality] = PASSES
) -> tuple[str, Modality, str] | None:
    """Of ``words`` the one that is most likely a misspelling of one of the ``wanted`` passes.

    Returns the word, the pass, and the name that was meant; None when none is near.
    """
    meant = {
        name.lower().rstrip("*_"): (modality, name.rstrip("*_"))
        for modality in wanted
        for name in (modality.value, *aliases(modality, names))
        if len(name) >= _TELLING
    }
    for cutoff in (0.9, 0.75):
        for word in words:
            if not is_unsent(word.lower(), names):
                close = get_close_matches(word.lower(), meant, n=1, cutoff=cutoff)
                if close:
                    return (word, *meant[close[0]])
    return None


def aliases(modality: Modality, names: Passes) -> tuple[str, ...]:
    """The names of a pass in the settings, the first the one that is taken first."""
    return tuple(getattr(names, modality.value))


def _ranked(word: str, names: Passes) -> Named | None:
    found = []
    for modality in PASSES:
        if word == modality.value:
            return Named(modality, 0)
        for number, alias in enumerate(aliases(modality, names)):
            if fnmatchcase(word, alias.lower()):
                found.append(Named(modality, _ALIAS + number))
                break
    if found:
        return min(found, key=lambda one: one.rank)
    try:
        return Named(Modality(word), _SHORT) if Modality(word) in PASSES else None
    except ValueError:
        return None


def is_unsent(word: str, names: Passes) -> bool:
    """Whether it is a pass that is known and not sent."""
    return any(fnmatchcase(word, name.lower()) for name in (*names.normals, *names.motion))
