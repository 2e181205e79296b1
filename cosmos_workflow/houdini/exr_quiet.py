"""Keeps from the screen what the EXR library prints about a damaged file, and nothing else.

It prints a warning on Python's standard output, in the reading thread, and a line a fault on the
process's standard error.  Who asks for pixels gets a BrokenPicture instead.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, TextIO

_ITS_OWN = b"(EXR_ERR_"


class _Output:
    """Standard output for every thread but those that are reading."""

    def __init__(self, real: TextIO, readers: set[int]) -> None:
        self.real = real
        self.readers = readers

    def write(self, text: str) -> int:
        if threading.get_ident() in self.readers:
            return len(text)
        return self.real.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _Quiet:
    """What is put in place with the first reader and taken away with the last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers: set[int] = set()
        self.output: _Output | None = None
        self.errors = -1
        self.kept: IO[bytes] | None = None

    def enter(self) -> None:
        with self.lock:
            if not self.readers:
                self._begin()
            self.readers.add(threading.get_ident())

    def leave(self) -> None:
        with self.lock:
            self.readers.discard(threading.get_ident())
            if not self.readers:
                self._end()

    def _begin(self) -> None:
        if sys.stdout is not None and not isinstance(sys.stdout, _Output):
            self.output = _Output(sys.stdout, self.readers)
            sys.stdout = self.output
        try:
            if not self.kept:  # one for as long as the process lives
                self.kept = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            self.errors = os.dup(2)
        except OSError:  # a full disk, or a process without standard error: it may print
            return
        os.dup2(self.kept.fileno(), 2)

    def _end(self) -> None:
        if self.output and sys.stdout is self.output:
            sys.stdout = self.output.real
        if self.errors < 0 or not self.kept:
            return
        os.dup2(self.errors, 2)
        os.close(self.errors)
        self.errors = -1
        if self.kept.tell():
            self.kept.seek(0)
            others = [line for line in self.kept.readlines() if _ITS_OWN not in line]
            os.write(2, b"".join(others))
            self.kept.seek(0)
            self.kept.truncate()


_QUIET = _Quiet()


@contextmanager
def quiet() -> Iterator[None]:
    """The library may print meanwhile; what others print is shown, if later."""
    _QUIET.enter()
    try:
        yield
    finally:
        _QUIET.leave()
