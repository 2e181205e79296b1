"""One sentence for a shot from the captions of its frames."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from cosmos_workflow.local_ai.names import telling

_STUTTER = re.compile(r"\b(\w+(?: \w+){0,5}?)(?:,? (?:and )?\1)+\b")
_NO_WORDS = re.compile(r"\[\w+\]|\barafe[df]\b")
"""Marks of the tokenizer, and a word without meaning that BLIP is known to begin with."""

_ALIKE = 0.5
"""Share of common words from which two captions say the same."""

_NEW = 2
"""Words that a further caption must bring to be worth its place."""


def tidy(caption: str) -> str:
    """One caption without marks, stutter and full stop: ``"a cat and a cat ."`` -> ``"a cat"``."""
    text = " ".join(_NO_WORDS.sub(" ", caption.lower()).split())
    text = text.replace(" ' ", "'").replace(" , ", ", ").replace(" - ", "-")
    return _STUTTER.sub(r"\1", text).strip(" .,;:!?-")


def merged(captions: Sequence[str]) -> str:
    """The captions of frames in order, as one text; empty when there are no words at all.

    The most telling comes first: the one with most words that say something, where those count
    more that other frames have too.  A further one follows after ``;`` when it shows something
    else.
    """
    ordered = list(dict.fromkeys(text for text in map(tidy, captions) if text))
    words = {text: _meaning(text) for text in ordered}
    shared = Counter(word for caption in map(tidy, captions) for word in _meaning(caption))
    kept: list[str] = []
    for text in sorted(
        ordered, key=lambda text: (-sum(shared[w] ** 2 for w in words[text]), -len(text.split()))
    ):
        known = set().union(*(words[one] for one in kept))
        if kept and len(words[text] - known) < _NEW:
            continue
        if all(_likeness(words[text], words[one]) < _ALIKE for one in kept):
            kept.append(text)
    return "; ".join([*kept[:1], *(text for text in ordered if text in kept[1:])])


def _meaning(caption: str) -> frozenset[str]:
    """The telling words, one form for one and many: chair, chairs."""
    return frozenset(re.sub(r"(?<=\w\w[^s])s$", "", word) for word in telling(caption))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
