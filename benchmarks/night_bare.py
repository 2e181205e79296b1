"""The same jobs without us: the model's program in its container, its own times from its files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean

from benchmarks.night_ground import Ground, Span
from cosmos_workflow.execution.docker import INPUTS, WORKSPACE, DockerLauncher
from cosmos_workflow.execution.job import CommandJob, fill
from cosmos_workflow.execution.launcher import Site

PROGRAM = r"""
: > /cosmos/run/began
cd /workspace && PYTHONPATH=$PWD python examples/inference.py "$@" > /cosmos/run/said 2>&1
code=$?
: > /cosmos/run/over
exit $code
"""
"""What a person types in the container; the two empty files are its clock."""


@dataclass(frozen=True)
class Bare:
    """What a job took.  ``load``: all that is not sampling; ``docker``: around the program."""

    runs: int
    load: float
    sample: float
    docker: float

    @property
    def seconds(self) -> float:
        """Of the program."""
        return self.load + self.runs * self.sample


def bare(ground: Ground, host: str, spans: Sequence[Span], at_once: int = 1) -> list[Bare]:
    """The program of these jobs once more, ``at_once`` of them at the same time."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda span: _once_more(ground, host, span), spans))


def workspace(ground: Ground, host: str, span: Span) -> tuple[Path, list[str]]:
    """A fresh workspace with the files of the job, and docker's arguments to run its program."""
    job = _job_of(ground, span)
    there = ground.remote(host)
    folder = ground.folder / f"bare {span.job}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(there / "runs" / span.job, folder, ignore=shutil.ignore_patterns("outputs"))
    (folder / "outputs").mkdir()
    launcher, site = DockerLauncher(), Site(str(there), image=ground.image)
    argv = [str(arg) for arg in fill(job.argv, lambda place: launcher.place(job, site, place))]
    flags = argv[argv.index("--input-files") :]
    return folder, [
        "run", "--rm", "--init", "--ipc=host", "--mount",
        f"type=bind,source={folder},target={WORKSPACE}", "--mount",
        f"type=bind,source={there}/inputs,target={INPUTS},readonly", ground.image,
        "sh", "-c", PROGRAM, "sh", *flags,
    ]  # fmt: skip


def _job_of(ground: Ground, span: Span) -> CommandJob:
    job = ground.project.run(span.runs[0].partition(".")[0]).job()
    assert isinstance(job, CommandJob)
    return job


def _once_more(ground: Ground, host: str, span: Span) -> Bare:
    folder, argv = workspace(ground, host, span)
    began = _now(folder, "start")
    subprocess.run(["docker", *argv], check=True, stdout=subprocess.DEVNULL)
    return _told(folder, _job_of(ground, span), span.runs, _now(folder, "end") - began)


def _now(folder: Path, name: str) -> float:
    """The clock that the files have."""
    (folder / name).write_text("")
    return (folder / name).stat().st_mtime


def _told(folder: Path, job: CommandJob, runs: Sequence[str], whole: float) -> Bare:
    made = sorted((folder / job.outputs[run][0]).stat().st_mtime for run in runs)
    took = _mtime(folder, "over") - _mtime(folder, "began")
    sample = mean(b - a for a, b in pairwise(made)) if made[1:] else 0.0
    return Bare(len(runs), took - len(runs) * sample, sample, whole - took)


def _mtime(folder: Path, name: str) -> float:
    return (folder / name).stat().st_mtime
