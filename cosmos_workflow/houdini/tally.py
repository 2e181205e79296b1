"""Counting files for a fault: the first few by name, the rest as a number."""

from __future__ import annotations

from dataclasses import dataclass, field

_NAMED = 6


@dataclass
class Tally:
    """Some files: how many, and the names of the first; as text ``a.png, b.png and 3 more``."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One file more."""
        self.count += 1
        if len(self.names) < _NAMED:
            self.names.append(name)

    def plus(self, other: Tally) -> Tally:
        """The files of both."""
        return Tally(self.count + other.count, [*self.names, *other.names][:_NAMED])

    def __str__(self) -> str:
        rest = self.count - len(self.names)
        return ", ".join(self.names) + (f" and {rest} more" if rest else "")


def counted(count: int) -> str:
    """``"1 file"``, ``"2 files"``."""
    return "1 file" if count == 1 else f"{count} files"
