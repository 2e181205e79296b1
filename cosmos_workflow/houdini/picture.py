"""What one rendered file is, whatever its format: its size and coding, or why it is broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """What a picture's header says: pixels, bits a channel, and its kind in words.

    For an EXR, ``width`` and ``height`` are the display window's, and ``kind`` names its layers, so
    that frames of one sequence are comparable.
    """

    width: int
    height: int
    bits: int
    kind: str


class BrokenPicture(Exception):
    """The file is not a whole picture; the message says why, without the file's name."""


class Growing(BrokenPicture):
    """The file is cut short, as one is that is still being written."""
