"""What one call of ``cosmos`` leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """What one call left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output as JSON; fails when one is not."""
        return [json.loads(line) for line in self.out.splitlines()]


Cosmos = Callable[..., Said]
