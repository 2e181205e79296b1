"""What a run's end was: the engine's verdict, or why its job was cut short; and its result home."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from cosmos_workflow.errors import JobFailed, MediaError
from cosmos_workflow.events import (
    Blocked,
    Cancelled,
    Event,
    Failed,
    JobEnded,
    Output,
    RemoteFile,
    Succeeded,
    Used,
    Verdict,
)
from cosmos_workflow.execution.job import CommandJob, Job, RequestJob
from cosmos_workflow.execution.target import Handle
from cosmos_workflow.ids import sha256_file, slug
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import verify
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.retry import persistently


def conclude(bench: Bench, folder: RunFolder, handle: Handle, ended: JobEnded) -> Iterator[Event]:
    """What a run's end was, once its job is over, its result home if there is one."""
    job = folder.job()
    held = isinstance(job, CommandJob) and bool(job.after)
    if ended.reason == "cancelled" and held and not ended.began and not folder.run().cancelling:
        # One of an array that its cluster has given up is only gone from the queue.
        ended = replace(ended, reason="dependency")
    no_trace = ended.reason in ("gone", "server_gone")
    if ended.reason == "cancelled" or (no_trace and folder.run().cancelling):
        yield from used(bench, folder, ended, "")
        yield Cancelled("on request")
        return
    log = folder.log_lines()
    verdict = _verdict(bench, folder, ended, log)
    if not _is_not_begun(verdict):
        yield from used(bench, folder, ended, _result_of(verdict))
    if not isinstance(verdict, Succeeded):
        yield verdict
        return
    yield from bring_home(bench, folder, handle, ended, verdict)


def _verdict(bench: Bench, folder: RunFolder, ended: JobEnded, log: Sequence[str]) -> Verdict:
    """A job that was cut short may have made or refused some of its runs before."""
    if ended.reason == "server_gone":
        return _server_gone(bench, folder)
    refused = _refused(folder, ended, log) or _never_began(folder, ended, log)
    if refused or ended.reason == "gone":
        return refused or _cut_short(bench, folder, ended)
    verdict = bench.engine.verdict(folder.id, ended, log)
    settled = isinstance(verdict, Succeeded | Blocked) or _is_not_begun(verdict)
    if ended.reason == "exited" or settled:
        return verdict
    return _cut_short(bench, folder, ended)


def _was_not_first(bench: Bench, folder: RunFolder) -> bool:
    """Whether another run of its job has had some of the job's time."""
    mates = (bench.store.folder(run_id) for run_id in folder.job().outputs if run_id != folder.id)
    return any(mate.run().used for mate in mates)


def _is_not_begun(verdict: Verdict) -> bool:
    return isinstance(verdict, Failed) and verdict.cause == "not_begun"


def _result_of(verdict: Verdict) -> str:
    return verdict.outputs[0].path if isinstance(verdict, Succeeded) else ""


def bring_home(
    bench: Bench, folder: RunFolder, handle: Handle, ended: JobEnded, verdict: Succeeded
) -> Iterator[Event]:
    """Fetch and verify what the engine calls a success; the last event is the run's end."""
    job = folder.job()
    unlike = strange(job, folder.id, ended.files)
    if unlike:
        yield Failed(
            "bad_output",
            f"the model's result is another run's: {unlike} is not what was sent",
            f"cosmos run {folder.id.partition('.')[0]} tries again; cosmos logs {folder.id}",
        )
        return
    patterns = job.outputs[folder.id]
    files = _results(ended.files, [output.path for output in verdict.outputs], patterns)
    try:
        yield from persistently(lambda: bench.target.fetch(handle, files, folder.arriving))
    except JobFailed as error:
        yield Failed("expired", error.message, error.hint)
        return
    media = verdict.outputs[0].media
    try:
        seconds = verify.CHECKS[media](folder.arriving / files[0].path)
    except MediaError as error:
        yield Failed(
            "bad_output",
            f"the job succeeded but its {media} cannot be read: {error.message}",
            f"it is kept at {folder.arriving / files[0].path}; cosmos logs {folder.id}",
        )
        return
    first, *rest = _landed(folder, files)
    yield Succeeded((replace(first, media=media, seconds=round(seconds, 3)), *rest))


def fetch_together(
    bench: Bench, folders: Sequence[RunFolder], handle: Handle, ended: JobEnded
) -> Iterator[tuple[RunFolder | None, Event]]:
    """What several runs of a job have made, moved at once: where ``bring_home`` looks for it.

    The way to a host costs more than a small video.
    """
    here, outputs = folders[0].arriving / "together", folders[0].job().outputs
    wanted = {
        file.path: (file, folder)
        for folder in folders
        for file in _results(ended.files, (), outputs[folder.id])
    }
    for event in bench.target.fetch(handle, [file for file, _ in wanted.values()], here):
        yield None, event
    for path, (_, folder) in wanted.items():
        there = folder.arriving / path
        there.parent.mkdir(parents=True, exist_ok=True)
        (here / path).replace(there)


def used(bench: Bench, folder: RunFolder, ended: JobEnded, result: str) -> Iterator[Used]:
    """What of its job's time the run accounts for: since the run before it in the job was done.

    ``result``: its file, whose last change ends it; empty: the end of the job does.  A service does
    not tell when it worked: then it is from the submission until now.
    """
    run, job = folder.run(), folder.job()
    shared = len(job.outputs) > 1
    began = ended.began or (run.submitted if isinstance(job, RequestJob) else None)
    if not began:
        return  # it never began to work, or there is no trace of it
    made = next((file.made for file in ended.files if file.path == result), 0.0)
    until = (made if shared else 0.0) or ended.over or time.time()
    marks = [began]
    for run_id in job.outputs if shared else ():
        earlier = bench.store.folder(run_id).run().used
        if earlier and earlier.until <= until:
            marks.append(earlier.until)
    devices = job.cuda_devices if isinstance(job, CommandJob) else ""
    yield Used(
        slot=":".join(filter(None, (run.target, devices))),
        since=max(marks),
        until=max(until, *marks),
        gpus=job.gpus if isinstance(job, CommandJob) else 1,
        price_per_hour=bench.settings.all_targets()[bench.target.name].price_per_hour,
    )


def strange(job: Job, run_id: str, files: Sequence[RemoteFile]) -> str:
    """The file that shows that a result is not this run's; empty: there is none."""
    proofs = job.proofs.get(run_id, {}) if isinstance(job, CommandJob) else {}
    known = {file.path: file.sha256 for file in files}
    return next((path for path, sha in proofs.items() if known.get(path) != sha), "")


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


def _never_began(folder: RunFolder, ended: JobEnded, log: Sequence[str]) -> Failed | None:
    """Of a job that ended before run-job.sh began: what should have started it has said why."""
    if ended.reason != "killed" or ended.began or not log:
        return None
    return Failed(
        "submission",
        f"the job did not begin: {log[-1]}",
        f"cosmos logs {folder.id} has all of it; cosmos run {folder.id.partition('.')[0]} tries "
        "again",
    )


def _cut_short(bench: Bench, folder: RunFolder, ended: JobEnded) -> Failed:
    code = "" if ended.exit_code is None else f" (exit code {ended.exit_code})"
    again = f"cosmos run {folder.id.partition('.')[0]} tries again"
    match ended.reason:
        case "preempted" | "node_failed":
            return Failed(
                ended.reason,
                "the cluster took the job off its node for another one"
                if ended.reason == "preempted"
                else f"the node of the job failed{code}",
                f"nothing is wrong with the run; {again}",
            )
        case "dependency":
            return Failed(
                "dependency",
                "the run that it was to run after did not succeed",
                f"see to that one first; then {again}",
            )
        case "timeout":
            limit = folder.job().time_limit
            return Failed(
                "timeout",
                f"the job ran longer than its limit of {limit} s and was ended",
                "raise --time-limit or [defaults] time_limit if it was not stuck; "
                f"cosmos logs {folder.id} shows where it stood",
            )
        case "limit" if _was_not_first(bench, folder):
            return Failed(
                "killed",
                "the cluster allows its job no more time, and other runs had some of it",
                f"nothing is wrong with the run; {again}",
            )
        case "limit":
            return Failed(
                "timeout",
                "the cluster allows the job no more time and ended it",
                "another partition or qos, or less to do; "
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


def _server_gone(bench: Bench, folder: RunFolder) -> Failed:
    """A server that cosmos serve started ended with what it was at: how to start one again."""
    run = folder.run()
    service = bench.settings.services[run.target]
    port = urlsplit(service.url).port or 80
    start = (
        f"cosmos serve start --target {service.via} --engine {folder.spec().engine} "
        f"--name {run.target} --port {port}"
    )
    return Failed(
        "lost",
        f"the server of {run.target} on {service.via} does not run any more, and the job was in "
        "its memory",
        f"{start}, then cosmos run {folder.id.partition('.')[0]}",
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
