"""Counting names for a fault: the first few are told, the rest is a number."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """How many, and the names of the first; as text ``a.png, b.png and 3 more``."""

    count: int = 0
    names: list[str] = field(default_factory=list)
    most: int = 6

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.names) < self.most:
            self.names.append(name)

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.count + other.count, [*self.names, *other.names][: self.most])

    def __str__(self) -> str:
        rest = self.count - len(self.names)
        return ", ".join(self.names) + (f" and {rest} more" if rest else "")


def counted(count: int) -> str:
    """``"1 file"``, ``"2 files"``."""
    return "1 file" if count == 1 else f"{count} files"
