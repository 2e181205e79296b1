"""Says before each line of a model which run of its batch it is about: ``run 2/5: ...``.

    model 2>&1 | python3 runs.py 5

The model takes its runs one after the other, and begins each with "running preprocessor".  What it
says before the first one is passed on as it is.  A bar that is drawn over itself becomes lines.
"""

from __future__ import annotations

import os
import re
import sys

BEGINS = re.compile(rb"\] running preprocessor\s*$")
BAR = re.compile(rb"^\s*\d+%\|[^|]*\| \d+/\d+ \[[^\]]*\]\s*$")


class Runs:
    """What the lines have said so far, of so many runs."""

    def __init__(self, count: int) -> None:
        self._count, self._number = count, 0
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What to pass on of what was heard: whole lines, and bars before they end."""
        *lines, rest = re.split(rb"\r\n|[\r\n]", self._rest + data)
        if BAR.match(rest):
            lines.append(rest)
            rest = b""
        self._rest = rest
        return b"".join(self._line(line) for line in lines if line)

    def end(self) -> bytes:
        """What is left of a last line that does not end."""
        return self._line(self._rest) if self._rest else b""

    def _line(self, line: bytes) -> bytes:
        if BEGINS.search(line):
            self._number += 1
        whose = b"run %d/%d: " % (self._number, self._count) if self._number else b""
        return whose + line + b"\n"


def main() -> None:
    """From standard input to standard output, at once."""
    runs, out = Runs(int(sys.argv[1])), sys.stdout.buffer
    while data := os.read(0, 65536):
        out.write(runs.feed(data))
        out.flush()
    out.write(runs.end())


if __name__ == "__main__":
    main()
