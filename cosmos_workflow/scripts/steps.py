"""Passes a model's words on, with its bars turned into lines that say the chunk and the sample.

    model 2>&1 | python3 steps.py

A bar is drawn over itself and says how many steps of one chunk are done.  Which chunk it is, and
of which sample, is said by other lines.  One line a step has it all:
``steps.py: sample 1/2 chunk 3/4 step 17/35``.  It is told once, though several
processes draw the same bar.
"""

from __future__ import annotations

import os
import re
import sys

BAR = re.compile(rb"^\s*Generating samples:\s+\d+%\|.*\| (\d+)/(\d+) \[[^\]]*\]\s*$")
SAMPLE = re.compile(rb"\] \[(\d+)/(\d+)\] Processing sample ")
CHUNK = re.compile(rb"\] Generating chunk (\d+)/(\d+)\s*$")


class Steps:
    """What the lines have said so far."""

    def __init__(self) -> None:
        self.sample = self.chunk = (1, 1)
        self.told = (0, 0, -1)

    def hear(self, line: bytes) -> bytes:
        """The line to pass on, empty for a bar that says nothing new."""
        bar = BAR.match(line)
        if bar is None:
            self.sample = _pair(SAMPLE.search(line)) or self.sample
            self.chunk = _pair(CHUNK.search(line)) or self.chunk
            return line + b"\n"
        step, steps = int(bar[1]), int(bar[2])
        now = (self.sample[0], self.chunk[0], step)
        if now <= self.told:
            return b""
        self.told = now
        shown = (*self.sample, *self.chunk, step, steps)
        return b"steps.py: sample %d/%d chunk %d/%d step %d/%d\n" % shown


def _pair(match: re.Match[bytes] | None) -> tuple[int, int] | None:
    return (int(match[1]), int(match[2])) if match else None


def main() -> None:
    """From standard input to standard output, without waiting for a line to end where it can."""
    steps, rest = Steps(), b""
    while data := os.read(0, 65536):
        *lines, rest = re.split(rb"\r\n|[\r\n]", rest + data)
        if BAR.match(rest):
            lines.append(rest)
            rest = b""
        for line in lines:
            if line:
                sys.stdout.buffer.write(steps.hear(line))
        sys.stdout.buffer.flush()
    if rest:
        sys.stdout.buffer.write(steps.hear(rest))


if __name__ == "__main__":
    main()
