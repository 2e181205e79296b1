"""What the scripts that look at a job on its host have said, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cosmos_workflow.events import RemoteFile


def said_in(trailer: str) -> dict[str, list[str]]:
    """What a job's scripts say of it: lines ``@WORD REST``, the rests by word."""
    said: dict[str, list[str]] = {}
    for line in trailer.splitlines():
        line = line.lstrip(".")  # a beat may fall between two lines
        if line.startswith("@"):
            word, _, rest = line[1:].partition(" ")
            said.setdefault(word, []).append(rest)
    return said


def files_of(lines: Sequence[str]) -> tuple[RemoteFile, ...]:
    split = (line.split(" ", 3) for line in lines)
    return tuple(RemoteFile(path, int(size), sha, _at(made)) for sha, size, made, path in split)


def times_of(said: Mapping[str, Sequence[str]]) -> tuple[float, float]:
    """When the job began and was over, by the host's clock; 0 where it does not say."""
    began, _, over = said.get("times", ["0 0"])[0].partition(" ")
    return _at(began), _at(over)


def _at(text: str) -> float:
    """A time as ``date`` prints it; not all of them know parts of seconds.  0 for anything else."""
    match = re.match(r"\d+(\.\d+)?", text)
    return float(match[0]) if match else 0.0
