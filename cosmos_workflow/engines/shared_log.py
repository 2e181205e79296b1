"""The log of a job that several runs share: which lines are about which run, and what the job's end
says of each.  So that no run is judged by the refusal or the traceback of another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cosmos_workflow.events import Failed, JobEnded, Progress

Said = tuple[str | None, str]
"""The run that the model turns to with a line (empty: it is done with one), and the line."""


@dataclass(frozen=True)
class SharedLog:
    """``of_all``: what was said before any run was begun.  ``about``: the lines of each, in the
    order in which they were begun.  ``inside``: the run that the model was at when the log ends,
    empty for none."""

    of_all: tuple[str, ...]
    about: Mapping[str, tuple[str, ...]]
    inside: str


def read(said: Iterable[Said]) -> SharedLog:
    """The log by runs.  What is said later of one that was begun before is not its second turn."""
    of_all: list[str] = []
    about: dict[str, list[str]] = {}
    current, inside = None, ""
    for run, line in said:
        if run:
            current = run
            if run not in about:
                about[run], inside = [], run
        if current is None:
            of_all.append(line)
        elif current:
            about[current].append(line)
        if run == "":
            current = inside = ""
    return SharedLog(tuple(of_all), {run: tuple(lines) for run, lines in about.items()}, inside)


def lines_of(log: SharedLog, run_id: str) -> tuple[str, ...]:
    """The lines that a run may be judged by: those about all runs, and its own."""
    return (*log.of_all, *log.about.get(run_id, ()))


def had_not_begun(log: SharedLog, run_id: str) -> bool:
    """Whether the model turned to others and not to this one."""
    return bool(log.about) and run_id not in log.about


def end_of(log: SharedLog, run_id: str, ended: JobEnded) -> JobEnded:
    """The job's end as it concerns the run: how it came to it is about the one that it was at; the
    model had got through with the others."""
    passed = run_id in log.about and run_id != log.inside
    return replace(ended, exit_code=0) if passed else ended


def not_begun(run_id: str, ended: JobEnded, why: str) -> Failed:
    """It was not this run's turn yet.  ``why``: what ended the job."""
    said = f"another run of the same job ended it before this one began: {why}"
    if ended.exit_code == 0:
        said = "the job ended before its turn came"
    return Failed("not_begun", said, hint=f"cosmos run {run_id.partition('.')[0]} tries again")


# -- logs whose lines have a number before them ---------------------------------------------------

_NUMBERED = re.compile(r"^run (\d{1,6})/(\d{1,6}): (.*)$", re.DOTALL)
_NAMED = re.compile(r"^(?:[a-z0-9]+\.sh: )?run (\d{1,6})/\d{1,6} is (rs_\S+)$")


def split(line: str) -> tuple[int, int, str]:
    """Number of the run that the line is about, of how many, and the line; 0 of 0: of no one."""
    found = _NUMBERED.match(line)
    return (int(found[1]), int(found[2]), found[3]) if found else (0, 0, line)


def runs(lines: Sequence[str]) -> Mapping[str, int]:
    """The number of each run, from 1; empty for a job with one run."""
    return {found[2]: int(found[1]) for line in lines if (found := _NAMED.match(line.strip()))}


def numbered(lines: Sequence[str]) -> Iterator[Said]:
    """Lines with numbers before them, as ``read`` takes them."""
    names = {number: run for run, number in runs(lines).items()}
    for line in lines:
        number, _, text = split(line)
        yield names.get(number), text


def of_job(said: Progress | None, number: int, of: int) -> Progress | None:
    """The progress of one run as that of its job."""
    if said is None or not 1 <= number <= of:
        return said
    detail = ", ".join(filter(None, (said.detail, f"run {number} of {of}")))
    fraction = said.fraction
    if fraction is not None:
        fraction = round((number - 1 + fraction) / of, 4)
    return replace(said, fraction=fraction, detail=detail)
