"""Name -> ``"module:attribute"``, loaded when asked for.

A table of strings keeps start-up fast: naming every engine imports none of them.  Other
packages add rows through entry points; they add, they never replace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module, metadata
from typing import Any

from cosmos_workflow.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Registry:
    """A table of loadable things of one kind.

    ``kind`` is the word used in messages ("engine"); ``group`` the entry-point group.
    """

    kind: str
    group: str
    rows: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Every known name, ours first, then those of other packages."""
        return [*self.rows, *(n for n in self._entry_points() if n not in self.rows)]

    def load(self, name: str) -> Any:
        """The thing called ``name``.  Raises ConfigError, with the closest name, if unknown."""
        if name in self.rows:
            module, _, attribute = self.rows[name].partition(":")
            return getattr(import_module(module), attribute)
        points = self._entry_points()
        if name in points:
            return points[name].load()
        raise ConfigError(
            f"there is no {self.kind} named {name!r}",
            hint=f"{did_you_mean(name, self.names())}known: {', '.join(self.names())}",
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _entry_points(self) -> dict[str, metadata.EntryPoint]:
        return {point.name: point for point in metadata.entry_points(group=self.group)}
