"""Passes a model's words on, with its bars turned into lines that say the chunk and the sample.

    model 2>&1 | python3 steps.py 'Generating samples'
    model 2>&1 | python3 steps.py Sampling 3

A bar is drawn over itself and says how many steps of one chunk are done.  Which chunk it is, and
of which sample, is said by other lines; where none says it, the number of chunks is given, and
each bar that begins anew is the next one.  One line a step has it all:
``steps.py: sample 1/2 chunk 3/4 step 17/35``.  It is told once, though several processes draw it.
"""

from __future__ import annotations

import os
import re
import sys

SAMPLE = re.compile(rb"\] \[(\d+)/(\d+)\] Processing sample ")
CHUNK = re.compile(rb"\] Generating chunk (\d+)/(\d+)\s*$")


class Steps:
    """What the lines have said so far.  ``chunks``: bars that follow each other; 0: not known."""

    def __init__(self, bar: str, chunks: int = 0) -> None:
        name = re.escape(bar.encode())
        self._bar = re.compile(rb"^\s*" + name + rb":\s+\d+%\|[^|]*\| (\d+)/(\d+) \[[^\]]*\]\s*$")
        self._counted = chunks > 0
        self._sample, self._chunk = (1, 1), (1, max(chunks, 1))
        self._told = (0, 0, -1)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What to pass on of what was heard: whole lines, and bars before they end."""
        *lines, rest = re.split(rb"\r\n|[\r\n]", self._rest + data)
        if self._bar.match(rest):
            lines.append(rest)
            rest = b""
        self._rest = rest
        return b"".join(self._line(line) for line in lines if line)

    def end(self) -> bytes:
        """What is left of a last line that does not end."""
        return self._line(self._rest) if self._rest else b""

    def _line(self, line: bytes) -> bytes:
        bar = self._bar.match(line)
        if bar is None:
            self._sample = _pair(SAMPLE.search(line)) or self._sample
            self._chunk = _pair(CHUNK.search(line)) or self._chunk
            return line + b"\n"
        step, steps = int(bar[1]), int(bar[2])
        number, count = self._chunk
        if self._counted and step < self._told[2] and number < count:
            self._chunk = (number + 1, count)
        now = (self._sample[0], self._chunk[0], step)
        if now <= self._told:
            return b""
        self._told = now
        shown = (*self._sample, *self._chunk, step, steps)
        return b"steps.py: sample %d/%d chunk %d/%d step %d/%d\n" % shown


def _pair(match: re.Match[bytes] | None) -> tuple[int, int] | None:
    return (int(match[1]), int(match[2])) if match else None


def main() -> None:
    """From standard input to standard output, at once."""
    steps = Steps(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    out = sys.stdout.buffer
    while data := os.read(0, 65536):
        out.write(steps.feed(data))
        out.flush()
    out.write(steps.end())


if __name__ == "__main__":
    main()
