"""The words of a sentence that say something: for names, and to compare captions."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")

_LITTLE = re.compile(
    "a|an|the|this|that|these|those|some|and|or|but|of|in|on|at|to|by|for|from|with|without|into"
    "|onto|over|under|is|are|was|be|being|been|it|its|as|there|very|has|have|having|which|while"
    "|up|down|out|next|each|other|several|many|lot|lots|bunch|group|couple|one|two|three|four"
    "|image|picture|photo|photograph|view|shot|frame|close|closeup|top|front|back|side|middle"
)
"""Words that are in any caption, whatever it is of."""


def telling(text: str) -> list[str]:
    """The words that say what a picture is of, in order, lower case.

    All words when none of them does, so that it is empty only for a text without words.
    """
    words = _WORD.findall(text.lower())
    return [word for word in words if not _LITTLE.fullmatch(word)] or words


def smart_name(description: str) -> str:
    """A shot's name from its description: the first two words that say something.

    ``"a modern architectural interior with stairs"`` -> ``"modern_architectural"``.
    """
    return "_".join(telling(description)[:2])
