"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "cosmos_workflow").rglob("*.md")]
)

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One fenced block: the words after the backticks, and the text."""

    info: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a console block that a person types, without the ``$``."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def name(page: Path) -> str:
    """A page as people call it: ``docs/python.md``."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *infos: str) -> list[Block]:
    """The blocks of a page whose info string is one of these, in order."""
    found = [
        Block(match["info"].strip(), match["text"])
        for match in _FENCE.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.info in infos]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
