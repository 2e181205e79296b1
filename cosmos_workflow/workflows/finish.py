"""From a job that runs to results at home: follow it, and conclude each of its runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

from cosmos_workflow.config import secrets
from cosmos_workflow.errors import CosmosError, HostUnreachable
from cosmos_workflow.events import Alive, Disconnected, ExecutionStatus, JobEnded, Log
from cosmos_workflow.execution.job import Job
from cosmos_workflow.execution.target import Handle
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.conclude import conclude
from cosmos_workflow.workflows.home import Home
from cosmos_workflow.workflows.record import Told, recorded

PATIENCE = 3600.0
"""Seconds without the host after which following gives up; the run goes on without us."""

_LONGEST_PAUSE = 30.0


def finish(
    bench: Bench, folders: Sequence[RunFolder], *, to_the_end: bool = False
) -> Iterator[Told]:
    """The rest of submitted runs that share a job, recorded before it is yielded.

    A result comes home as soon as the log says that it is whole, while the job goes on.  Ends with
    the last of the runs, or of the job with ``to_the_end``.  Raises HostUnreachable when the host
    stays away too long.
    """
    job, handle = folders[0].job(), folders[0].run().handle
    assert handle is not None, "only a submitted run is finished"
    open_now = list(folders)
    ended = None
    with Home(bench, job, handle, folders) as home:
        for _, event in recorded(open_now, _follow(bench, open_now, handle, job)):
            if not isinstance(event, Alive):
                yield None, event
            if isinstance(event, JobEnded):
                ended = event
            if isinstance(event, Log):
                home.read(event.text)
            brought = list(home.told())
            yield from brought
            if brought or isinstance(event, Alive):
                open_now[:] = [one for one in open_now if not one.run().status.final]
            if not open_now and not to_the_end and len(job.outputs) > 1:
                return
        yield from home.rest()
    assert ended is not None, "a target's follow ends with JobEnded"
    for folder in (one for one in in_order(job, folders) if not one.run().status.final):
        told = ((folder, event) for event in conclude(bench, folder, handle, ended))
        yield from recorded([folder], told)


def gather(bench: Bench, folders: Sequence[RunFolder]) -> Iterator[Told]:
    """What a job that goes on has made by now, recorded before it is yielded: its log, and those of
    its results that the log says are whole.

    Raises RunInUse, when another process follows it, and CosmosError.
    """
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(folder.held())
        running = [one for one in folders if one.run().status is ExecutionStatus.RUNNING]
        handle = running[0].run().handle if running else None
        if handle is None:
            return
        job = running[0].job()
        yield from recorded(running, _news(bench, running, handle, job))
        with Home(bench, job, handle, running) as home:
            yield from home.rest()


def _news(bench: Bench, folders: Sequence[RunFolder], handle: Handle, job: Job) -> Iterator[Told]:
    """What the log says that is not here, and how far the job is by it."""
    log = _log_now(bench, handle, job, min(folder.log_size() for folder in folders))
    if log.text:
        yield None, log
        yield from list(_progress(bench, log.text))[-1:]


def _log_now(bench: Bench, handle: Handle, job: Job, offset: int) -> Log:
    log = bench.target.log_now(handle, offset)
    return Log(secrets.mask(log.text, secrets.present(job.secrets)), log.offset)


def catch_up(bench: Bench, folder: RunFolder) -> None:
    """Copy what the job has written by now, unless another process does so already.

    Raises HostUnreachable; nothing to do is no error.
    """
    handle = folder.run().handle
    if handle is None:
        return
    with suppress(RunInUse), folder.held():
        log = _log_now(bench, handle, folder.job(), folder.log_size())
        if log.text:
            folder.record(log)


def _follow(bench: Bench, folders: Sequence[RunFolder], handle: Handle, job: Job) -> Iterator[Told]:
    """Log, progress and the end, across lost connections: the offset is the log that is here.

    ``folders`` loses the runs that are over.
    """
    run_id, offset = folders[0].id, 0
    values = secrets.present(job.secrets)
    pause, away_since = 1.0, None
    while True:
        try:
            offset = min((folder.log_size() for folder in folders), default=offset)
            for event in bench.target.follow(handle, offset, job.time_limit):
                pause, away_since = 1.0, None
                if isinstance(event, Log):
                    offset = event.offset
                    text = secrets.mask(event.text, values)
                    yield None, Log(text, offset)
                    yield from _progress(bench, text)
                    continue
                yield None, event
                if isinstance(event, JobEnded):
                    return
        except CosmosError as error:
            if not error.transient:
                raise
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > PATIENCE:
                raise HostUnreachable(
                    f"{bench.target.name} has been away for {PATIENCE / 60:.0f} minutes: "
                    f"{error.message}",
                    hint=f"the run goes on without us; later: cosmos follow {run_id}",
                ) from error
            yield None, Disconnected(error.message, pause)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _progress(bench: Bench, text: str) -> Iterator[Told]:
    for line in re.split(r"[\r\n]+", text):
        if line and (progress := bench.engine.progress(line)):
            yield None, progress


def in_order(job: Job, folders: Sequence[RunFolder]) -> list[RunFolder]:
    """The runs as their job takes them."""
    place = {run_id: number for number, run_id in enumerate(job.outputs)}
    return sorted(folders, key=lambda folder: place[folder.id])
