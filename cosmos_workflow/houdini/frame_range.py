"""Frame ranges as artists write them: ``1001-1240``, ``1001-1240x2``, ``1,5,9-12``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cosmos_workflow.errors import MediaError

_PART = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9})(?:\s*x\s*([1-9]\d{0,5}))?)?")
_MOST = 1_000_000


@dataclass(frozen=True)
class FrameRange:
    """Frame numbers, ascending, each once."""

    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read ``1001-1240x2``; several parts are joined by commas.  Raises MediaError."""
        numbers: set[int] = set()
        for part in text.split(","):
            found = _PART.fullmatch(part.strip())
            if not found:
                raise MediaError(
                    f"{text!r} is not a frame range",
                    hint="like 1001-1240, 1001-1240x2 (every second), or 1001,1005,1010-1020",
                )
            first, last = int(found[1]), int(found[2] or found[1])
            if last < first:
                raise MediaError(f"the frame range {part.strip()} ends before it begins")
            if last - first >= _MOST:
                raise MediaError(f"the frame range {part.strip()} is longer than {_MOST:,} frames")
            numbers.update(range(first, last + 1, int(found[3] or 1)))
        return cls(tuple(sorted(numbers)))

    def with_handles(self, handles: int) -> FrameRange:
        """The same with ``handles`` more frames at each end, in its own step; none below 0."""
        if not handles:
            return self
        step = self.step or 1
        before = (self.numbers[0] - step * n for n in range(1, handles + 1))
        after = (self.numbers[-1] + step * n for n in range(1, handles + 1))
        return FrameRange(tuple(sorted({*self.numbers, *after, *(n for n in before if n >= 0)})))

    @property
    def step(self) -> int:
        """From one frame to the next; 0 when that is not always the same."""
        steps = {b - a for a, b in zip(self.numbers, self.numbers[1:], strict=False)}
        return steps.pop() if len(steps) == 1 else (0 if steps else 1)


def ranges(numbers: Iterable[int]) -> str:
    """``{1, 2, 3, 7}`` -> ``"1-3, 7"``; every second frame of many -> ``"1-9x2"``."""
    runs: list[list[int]] = []
    ordered = sorted(numbers)
    step = FrameRange(tuple(ordered)).step
    if step > 1 and len(ordered) > 2:
        return f"{ordered[0]}-{ordered[-1]}x{step}"
    for number in ordered:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
