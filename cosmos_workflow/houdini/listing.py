"""Which numbered picture files lie in a folder, by their names alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

READABLE = ("png", "exr")
"""Endings of the files that passes are read from."""

OTHERS = (
    "jpg", "jpeg", "tif", "tiff", "tga", "dpx", "hdr", "rat", "pic", "bmp", "webp", "gif", "sgi",
)  # fmt: skip
"""Endings of pictures that are listed, and not read."""

_SEPARATORS = (".", "_", " ", "-")

_NUMBERED = re.compile(
    r"(?:(?P<stem>.*)(?P<separator>[._ -])|(?P<bare>|.*[^._ 0-9-]))"
    rf"(?P<digits>[0-9]{{1,9}})\.(?P<ending>{'|'.join((*READABLE, *OTHERS))})",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class NumberedName:
    """A file's name in its parts: ``color.0042.png`` is "color", ".", "0042", ".png"."""

    stem: str
    separator: str
    digits: str
    suffix: str

    @classmethod
    def parse(cls, name: str) -> NumberedName | None:
        """The parts, or None for a name that is no numbered picture's, or a hidden one's."""
        if name.startswith("."):
            return None
        found = _NUMBERED.fullmatch(name)
        if not found:
            return None
        stem, separator, bare, digits, ending = found.groups()
        return cls(stem if bare is None else bare, separator or "", digits, f".{ending}")


@dataclass(frozen=True)
class FileSequence:
    """Numbered files of one name.

    ``frames`` ascend, and ``paths`` go with them; a number is there twice when two files have it
    (``color.7.png`` and ``color.0007.png``).  ``suffix`` has its dot and is as written.
    """

    stem: str
    separator: str
    suffix: str
    frames: tuple[int, ...]
    paths: tuple[Path, ...]

    @property
    def pattern(self) -> str:
        """The files' name with ``####`` for the number: ``color.####.png``."""
        return f"{self.stem}{self.separator}####{self.suffix}"

    @property
    def negative(self) -> bool:
        """Whether the numbers are below zero (``color.-5.png``); ``frames`` has no sign."""
        return self.separator == "-" and self.stem[-1:] in _SEPARATORS

    @property
    def ending(self) -> str:
        """What the files are, in small letters: ``"png"``."""
        return self.suffix[1:].lower()


def list_sequences(folder: Path) -> tuple[FileSequence, ...]:
    """Every sequence of pictures in ``folder``, by name; no file is opened.

    Raises OSError when the folder cannot be listed.
    """
    found: dict[tuple[str, str, str], list[tuple[int, Path]]] = defaultdict(list)
    for path in folder.iterdir():
        parts = NumberedName.parse(path.name)
        if parts:
            key = parts.stem, parts.separator, parts.suffix
            found[key].append((int(parts.digits), path))
    sequences = []
    for key, files in sorted(found.items()):
        files.sort()
        numbers, paths = zip(*files, strict=True)
        sequences.append(FileSequence(*key, numbers, paths))
    return tuple(sequences)
