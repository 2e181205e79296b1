"""How the files of a render folder are named: ``color.1001.png``, and what is nearly that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from cosmos_workflow.prompts.enums import Modality

PASSES = (Modality.COLOR, Modality.DEPTH, Modality.SEGMENTATION, Modality.VIS, Modality.EDGE)
"""The passes a render folder may hold; ``color`` it must."""

_NAME = re.compile(r"(color|depth|segmentation|vis|edge)\.([0-9]{1,9})\.png")
_NUMBERED = re.compile(r"(.*?)[._ -]*([0-9]+)\.(\w+)")
_PICTURES = ("png", "exr", "jpg", "jpeg", "tif", "tiff", "tga")


@dataclass(frozen=True)
class FrameName:
    """A file name of a pass: which pass, which frame, and its number as written ("0042")."""

    modality: Modality
    frame: int
    digits: str


def parse(name: str) -> FrameName | None:
    """The frame that a file of this name is, or None when it is not exactly one of a pass."""
    found = _NAME.fullmatch(name)
    return FrameName(Modality(found[1]), int(found[2]), found[2]) if found else None


def nearly(name: str) -> tuple[str, str] | None:
    """For a name that is probably a mistake: its pattern and the one that was meant.

    ``"dpeth.0001.png"`` -> ``("dpeth.####.png", "depth.####.png")``; None for any other name.
    """
    found = _NUMBERED.fullmatch(name)
    if not found or found[3].lower() not in _PICTURES:
        return None
    meant = _meant(found[1].lower())
    if not meant:
        return None
    return pattern(name), f"{meant}.####.png"


def pattern(name: str) -> str:
    """``"beauty.0001.png"`` -> ``"beauty.####.png"``; empty for a name that is no frame's."""
    found = _NUMBERED.fullmatch(name)
    if not found or found[3].lower() not in _PICTURES:
        return ""
    return f"{name[: found.start(2)]}####{name[found.end(2) :]}"


def _meant(word: str) -> str:
    names = [str(one) for one in PASSES]
    try:
        alias = Modality(word)
    except ValueError:
        close = get_close_matches(word, names, n=1, cutoff=0.75)
        return close[0] if close else ""
    return str(alias) if alias in PASSES else ""
