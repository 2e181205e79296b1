"""From a job that runs to a result at home: follow, judge, fetch, verify."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from cosmos_workflow.config import secrets
from cosmos_workflow.errors import CosmosError, HostUnreachable, JobFailed, MediaError
from cosmos_workflow.events import (
    Cancelled,
    Disconnected,
    Event,
    Failed,
    JobEnded,
    Log,
    Output,
    Progress,
    RemoteFile,
    Succeeded,
)
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.execution.target import Handle
from cosmos_workflow.ids import sha256_file, slug
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows import verify
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.retry import persistently

PATIENCE = 3600.0
"""Seconds without the host after which following gives up; the run goes on without us."""

_LONGEST_PAUSE = 30.0


def finish(bench: Bench, folder: RunFolder) -> Iterator[Event]:
    """The rest of a submitted run.  Raises HostUnreachable when the host stays away too long."""
    handle = folder.run().handle
    assert handle is not None, "only a submitted run is finished"
    ended = None
    for event in _follow(bench, folder, handle):
        if isinstance(event, JobEnded):
            ended = event
        yield event
    assert ended is not None, "a target's follow ends with JobEnded"
    yield from _conclude(bench, folder, handle, ended)


def catch_up(bench: Bench, folder: RunFolder) -> None:
    """Copy what the job has written by now, unless another process does so already.

    Raises HostUnreachable; nothing to do is no error.
    """
    handle = folder.run().handle
    if handle is None:
        return
    with suppress(RunInUse), folder.held():
        log = bench.target.log_now(handle, folder.log_size())
        if log.text:
            values = secrets.present(folder.job().secrets)
            folder.record(Log(secrets.mask(log.text, values), log.offset))


def _follow(bench: Bench, folder: RunFolder, handle: Handle) -> Iterator[Event]:
    """Log, progress and the end, across lost connections: the offset is the log that is here."""
    job = folder.job()
    values = secrets.present(job.secrets)
    pause, away_since = 1.0, None
    while True:
        try:
            for event in bench.target.follow(handle, folder.log_size(), job.time_limit):
                pause, away_since = 1.0, None
                if isinstance(event, JobEnded):
                    yield event
                    return
                if not isinstance(event, Log):
                    yield event
                    continue
                text = secrets.mask(event.text, values)
                yield Log(text, event.offset)
                yield from _progress(bench, text)
        except CosmosError as error:
            if not error.transient:
                raise
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > PATIENCE:
                raise HostUnreachable(
                    f"{bench.target.name} has been away for {PATIENCE / 60:.0f} minutes: "
                    f"{error.message}",
                    hint=f"the run goes on without us; later: cosmos follow {folder.id}",
                ) from error
            yield Disconnected(error.message, pause)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _progress(bench: Bench, text: str) -> Iterator[Progress]:
    for line in re.split(r"[\r\n]+", text):
        if line and (progress := bench.engine.progress(line)):
            yield progress


def _conclude(bench: Bench, folder: RunFolder, handle: Handle, ended: JobEnded) -> Iterator[Event]:
    if ended.reason == "cancelled" or (ended.reason == "gone" and folder.run().cancelling):
        yield Cancelled("on request")
        return
    if ended.reason != "exited":
        yield _cut_short(folder, ended)
        return
    log = folder.log_lines()
    verdict = _refused(folder, ended, log) or bench.engine.verdict(folder.id, ended, log)
    if not isinstance(verdict, Succeeded):
        yield verdict
        return
    patterns = folder.job().outputs[folder.id]
    files = _results(ended.files, [output.path for output in verdict.outputs], patterns)
    try:
        yield from persistently(lambda: bench.target.fetch(handle, files, folder.arriving))
    except JobFailed as error:
        yield Failed("expired", error.message, error.hint)
        return
    media = verdict.outputs[0].media
    try:
        verify.CHECKS[media](folder.arriving / files[0].path)
    except MediaError as error:
        yield Failed(
            "bad_output",
            f"the job succeeded but its {media} cannot be read: {error.message}",
            f"it is kept at {folder.arriving / files[0].path}; cosmos logs {folder.id}",
        )
        return
    first, *rest = _landed(folder, files)
    yield Succeeded((replace(first, media=media), *rest))


def _refused(folder: RunFolder, ended: JobEnded, log: Sequence[str]) -> Failed | None:
    """What run-job.sh itself had to say, as its last word, of a job that did not succeed."""
    speaker, _, said = (log[-1] if log else "").partition(": ")
    if speaker != "run-job" or ended.exit_code == 0:
        return None
    again = f"cosmos run {folder.id.partition('.')[0]} tries again"
    if "disk" in said:
        target = folder.run().target
        room = f"make room there (cosmos status --target {target}); {again}"
        if isinstance(folder.job(), RequestJob):  # the request of a service is held here
            said = said.replace("the host", "this machine")
            room = f"make room here (cosmos clean --target {target} may help); {again}"
        return Failed("host_disk", said, room)
    return Failed("submission", f"the job was not started: {said}", again)


def _cut_short(folder: RunFolder, ended: JobEnded) -> Failed:
    code = "" if ended.exit_code is None else f" (exit code {ended.exit_code})"
    again = f"cosmos run {folder.id.partition('.')[0]} tries again"
    match ended.reason:
        case "timeout":
            limit = folder.job().time_limit
            return Failed(
                "timeout",
                f"the job ran longer than its limit of {limit} s and was ended",
                "raise --time-limit or [defaults] time_limit if it was not stuck; "
                f"cosmos logs {folder.id} shows where it stood",
            )
        case "oom":
            return Failed(
                "host_memory",
                f"the machine ran out of memory and ended the job{code}",
                "this is main memory, not GPU memory: fewer jobs at once, or a larger machine",
            )
        case "gone":
            return Failed(
                "lost",
                f"{folder.run().target} has no trace of the job any more",
                f"the service was restarted, or its folder or container was removed; {again}",
            )
    return Failed(
        "killed",
        f"the job was killed on its host{code}",
        f"a restart of the machine or of Docker, or somebody's docker kill; {again}",
    )


def _results(
    files: Sequence[RemoteFile], first: Sequence[str], patterns: Sequence[str]
) -> list[RemoteFile]:
    """The files to bring home, the result in front."""
    by_path = {file.path: file for file in files}
    more = [
        path
        for path in by_path
        if path not in first and any(fnmatchcase(path, pattern) for pattern in patterns)
    ]
    return [by_path[path] for path in (*first, *sorted(more))]


def _landed(folder: RunFolder, files: Sequence[RemoteFile]) -> tuple[Output, ...]:
    """Verified files under their final names: the result is named after the run."""
    name = slug(folder.spec().name)
    landed = []
    for number, file in enumerate(files):
        source = folder.arriving / file.path
        inside = Path(file.path).relative_to("outputs")
        if number == 0:
            inside = Path(f"{name}_{folder.id}{inside.suffix}")
        target = folder.path / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        sha256 = file.sha256 or sha256_file(target)
        landed.append(Output(inside.as_posix(), target.stat().st_size, sha256))
    shutil.rmtree(folder.arriving, ignore_errors=True)
    return tuple(landed)
