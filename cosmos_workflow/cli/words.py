"""Text for a screen: sizes, times, tables that fit, and nothing that could steer a terminal."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

CODES = {"bold": "1", "dim": "2", "red": "1;31", "green": "32", "yellow": "33", "cyan": "36"}


def is_terminal(stream: TextIO) -> bool:
    """True when a person is looking."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, style: str, stream: TextIO) -> str:
    """``text`` in a style when ``stream`` is a terminal; NO_COLOR (any value) turns it off."""
    if not text or os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return f"\x1b[{CODES[style]}m{text}\x1b[0m"


def clean(text: str) -> str:
    """``text`` with control characters (except newline and tab) shown as ``\\x1b``.

    Names, prompts and logs come from elsewhere; none of them may move the cursor, recolour the
    screen or swap the direction of the text around them.
    """
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or _harmless(c) else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """``text`` on one line, newlines shown too."""
    return clean(text).replace("\n", "\\n").replace("\t", " ")


def log_line(text: str) -> str:
    """A line of a job's log: its own colours dropped, of a redrawn line the last state."""
    last = text.rstrip("\r").rpartition("\r")[2]
    return one_line(re.sub(r"\x1b\[[0-9;]*m", "", last))


def _harmless(character: str) -> bool:
    if character.isprintable():
        return True
    kind = unicodedata.category(character)
    return kind in ("Zs", "Cn") or character in "\u200c\u200d"  # joiners that scripts need


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()


def nearby(path: Path) -> str:
    """``path`` as a person here would write it: relative when it is below this folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def size(count: float) -> str:
    """Bytes in a person's units: ``1.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("not reached")


def counted(number: int, thing: str) -> str:
    """``1 frame``, ``48 frames``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """Seconds as ``0:42``, ``12:07`` or ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def width_of(text: str) -> int:
    """Terminal cells that ``text`` takes: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, ended by ``…`` when something is missing."""
    if width_of(text) <= width:
        return text
    used, kept = 1, []
    for character in text:
        used += _cells(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def folded(line: str, width: int) -> list[str]:
    """``line`` broken between words, hanging by six, or below its value where it is a name and a
    value in columns; an indented one is a command and stays whole, so that it can be copied."""
    columns = re.match(r" *\S+(?: \S+)* {2,}(?=\S)", line[:26])
    hanging = " " * (columns.end() if columns else 6)
    command = re.match(r"(hint: | {6})?  \S", line)
    if command or width < 30:
        return [line]
    return textwrap.wrap(
        line, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=False,
    ) or [line]  # fmt: skip


def screen_width() -> int:
    """Columns of the terminal; 80 when there is none and COLUMNS does not say."""
    return shutil.get_terminal_size((80, 24)).columns


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """A table as lines of at most ``width`` cells (when the columns leave any choice).

    Two spaces between columns; where it is too wide, the widest column wraps between words, and
    words are broken only when that is not enough.
    """
    cells = [[one_line(cell) for cell in row] for row in (columns, *rows)]
    sizes = [max(width_of(row[i]) for row in cells) for i in range(len(columns))]
    room = width - 2 * (len(columns) - 1)
    _shrink(sizes, room, [max(_longest_word(row[i]) for row in cells) for i in range(len(sizes))])
    _shrink(sizes, room, [max(_longest_word(name), 8) for name in cells[0]])
    return [line for row in cells for line in _row(row, sizes)]


def _shrink(sizes: list[int], room: int, least: Sequence[int]) -> None:
    """Take from the widest column that has more than its least, until all fit or none has."""
    while sum(sizes) > room:
        able = [i for i, cells in enumerate(sizes) if cells > least[i]]
        if not able:
            return
        sizes[max(able, key=lambda i: sizes[i])] -= 1


def _longest_word(text: str) -> int:
    return max((width_of(word) for word in text.split()), default=1)


def _row(cells: Sequence[str], sizes: Sequence[int]) -> list[str]:
    folded = [_fold(cell, limit) for cell, limit in zip(cells, sizes, strict=True)]
    lines = []
    for number in range(max(len(parts) for parts in folded)):
        parts = [parts[number] if number < len(parts) else "" for parts in folded]
        padded = (p + " " * (n - width_of(p)) for p, n in zip(parts, sizes, strict=True))
        lines.append("  ".join(padded).rstrip())
    return lines


def _fold(text: str, limit: int) -> list[str]:
    if width_of(text) <= limit:
        return [text]
    if width_of(text) == len(text):
        whole = textwrap.wrap(text, limit, break_on_hyphens=False, break_long_words=False)
        return [line[at : at + limit] for line in whole for at in range(0, len(line), limit)] or [
            ""
        ]
    lines, line, used = [], "", 0
    for character in text:
        if used + _cells(character) > limit:
            lines.append(line)
            line, used = "", 0
        line += character
        used += _cells(character)
    return [*lines, line]
