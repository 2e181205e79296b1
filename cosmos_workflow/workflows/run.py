"""``cosmos run`` as a straight line: plan, store, stage, submit, follow, fetch.

Everything after ``store`` can be left at any instant and taken up again by ``carry_on``, in this
process or another one: it looks at the run's recorded events and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from cosmos_workflow.config import secrets
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import CosmosError, HostUnreachable, SubmissionRejected
from cosmos_workflow.events import (
    Cancelled,
    Cancelling,
    Event,
    ExecutionStatus,
    Failed,
    Staged,
    Submitted,
)
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.job import CommandJob, Job
from cosmos_workflow.execution.narrate import narrate
from cosmos_workflow.execution.target import Handle, Target
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import Member, RunFolder, RunInUse
from cosmos_workflow.workflows import match
from cosmos_workflow.workflows.after import held_by
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.derive import fix_inputs
from cosmos_workflow.workflows.finish import finish
from cosmos_workflow.workflows.record import Told, recorded
from cosmos_workflow.workflows.request import How, build_request
from cosmos_workflow.workflows.retry import persistently

Say = Callable[[str], None]


@dataclass(frozen=True)
class Started:
    """Which run to carry on with, and why it is this one (empty: it is new)."""

    folder: RunFolder
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """The job as plain data, what the engine says of it (sizes, frames, chunks), and from what
    it was made."""

    job: Job
    facts: tuple[str, ...]
    request: RunRequest


def plan(
    bench: Bench, run: RunSpec, prompt: PromptSpec, how: How, run_id: str, job_name: str
) -> Plan:
    """What ``--dry-run`` prints.  Raises SpecError; nothing is opened but the specs' own files.

    Where the plan depends on which model a service has, the service is asked.
    """
    job, requests = plan_together(bench, [Member(run_id, run, prompt)], how, job_name)
    return Plan(job, tuple(bench.engine.facts(requests[0])), requests[0])


def plan_together(
    bench: Bench, members: Sequence[Member], how: How, job_name: str
) -> tuple[Job, list[RunRequest]]:
    """One job for runs that may share a loaded model, and what it was made from; as ``plan``."""
    requests = []
    for one in members:
        run = settle(bench.engine, one.run, one.prompt)
        if wants := bench.engine.needs(run).dialect:  # told before any file is read
            match.check(bench.settings, bench.engine.name, wants, bench.target.name)
        request = build_request(
            bench.settings, bench.engine, run, one.prompt, how, one.run_id, job_name
        )
        if bench.engine.asks_service(run):
            request = replace(request, service=_service(bench.target))
        requests.append(request)
    job = bench.engine.plan(requests)
    names = bench.settings.all_targets()[bench.target.name].secrets
    bench.target.check(job)
    job = replace(job, secrets=tuple(dict.fromkeys((*job.secrets, *names))))
    held = held_by(bench, how.after)
    if isinstance(job, CommandJob) and held:
        job = replace(job, after=held)
    return job, requests


def fixed(bench: Bench, job: Job, say: Say) -> Job:
    """The job with its inputs made and known by content."""
    return fix_inputs(job, bench.settings.root / ".cosmos" / "derived", say)


def _service(target: Target) -> ServiceFacts | None:
    """What the service says of itself; None of a machine, which ``Target.check`` refuses."""
    said = target.facts().service
    if said and not said.ready:
        raise HostUnreachable(
            f"{target.name} does not say what it is: {said.message}",
            hint=f"does it run, and is its url right? cosmos status --target {target.name}",
        )
    return said


def start(
    bench: Bench, run: RunSpec, prompt: PromptSpec, how: How, *, again: bool = False, say: Say
) -> Started:
    """The run to carry on with: the live attempt, the one that succeeded, or a new one.

    A success counts only while its inputs are still the same bytes.  Who starts the same RunSpec
    at the same time waits here, and then finds the run that the first one made.
    Raises SubmissionRejected where the live attempt is on another target: only that one knows it.
    """
    with bench.store.starting(run.id):
        return _start(bench, run, prompt, how, again, say)


def _start(
    bench: Bench, run: RunSpec, prompt: PromptSpec, how: How, again: bool, say: Say
) -> Started:

    def planned(run_id: str, job_name: str) -> Job:
        return fixed(bench, plan(bench, run, prompt, how, run_id, job_name).job, say)

    attempts = bench.store.attempts(run.id)
    last = attempts[-1] if attempts else None
    if last and not again:
        status = last.run().status
        if elsewhere(bench, run):
            there = last.run().target
            raise SubmissionRejected(
                f"{last.id} is {status.lower()} on {there} already, not on {bench.target.name}",
                hint=f"cosmos run {run.id} --target {there} goes on with it, cosmos cancel "
                f"{last.id} ends it; --again starts another one",
            )
        if not status.final:
            return Started(last, f"{last.id} is {status.lower()} already; going on with it")
        if status is ExecutionStatus.SUCCESS:
            if _inputs(planned(last.id, "x")) == _inputs(last.job()):
                return Started(last, f"{last.id} has succeeded already; --again runs it once more")
            say(f"the inputs changed since {last.id}: running again")
    return Started(bench.store.create(run, prompt, planned, bench.target.name))


def elsewhere(bench: Bench, run: RunSpec) -> RunFolder | None:
    """The live attempt of it, where that is on another target than this bench's."""
    last = next(reversed(bench.store.attempts(run.id)), None)
    found = last.run() if last else None
    on_another = found and not found.status.final and found.target != bench.target.name
    return last if on_another else None


def carry_on(bench: Bench, folder: RunFolder, *, detach: bool = False) -> Iterator[Event]:
    """Everything that is still to happen to the run, recorded before it is yielded.

    With ``detach`` it stops once the job runs on its own.  Raises what is not an answer of the
    job itself: HostUnreachable, TransferError, RunInUse.  The run can then be carried on later.
    """
    for _, event in carry_on_together(bench, [folder], detach=detach):
        yield event


def carry_on_together(
    bench: Bench,
    folders: Sequence[RunFolder],
    *,
    detach: bool = False,
    to_the_end: bool = False,
    staged: Staged | None = None,
) -> Iterator[Told]:
    """The same for runs that share a job: each event with the run it is of, None for all of them.

    With ``to_the_end`` it goes on until the job is over, not only the runs.  ``staged``: all was
    brought to the target a moment ago, as this tells.
    """
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(folder.held())
        pending = [one for one in folders if one.run().status is ExecutionStatus.PENDING]
        if pending:
            yield from recorded(pending, _launch(bench, pending, staged))
        running = [one for one in folders if one.run().status is ExecutionStatus.RUNNING]
        if running and not detach:
            yield from finish(bench, running, to_the_end=to_the_end)


def cancel(bench: Bench, folder: RunFolder) -> Run:
    """End the run, wherever it is, and say what it is now.  A final run stays as it is.

    The job of several runs ends with the last of them.
    """
    run = folder.run()
    if run.status.final:
        return run
    if any(not one.run().status.final for one in others(bench, folder)):
        folder.record(Cancelled("its job goes on for the other runs that share it"))
    elif run.handle is not None:
        folder.record(Cancelling())
        _end(bench, folder, run.handle)
        for _ in _until_told(bench, folder):
            pass
    else:
        if run.sent is not None:
            # All was in place: it may have been started by a process that died before it said so.
            job = folder.job()
            try:
                found = bench.target.find(job, *run.asked) if run.asked else None
            except SubmissionRejected as error:
                folder.record(Cancelled(error.message))
                return folder.run()
            _end(bench, folder, found or Handle(bench.target.name, job.name, ""))
        folder.record(Cancelled("before it was submitted"))
    return folder.run()


def _end(bench: Bench, folder: RunFolder, handle: Handle) -> None:
    try:
        bench.target.cancel(handle)
    finally:
        for event in bench.target.told():
            folder.record(event)


def _until_told(bench: Bench, folder: RunFolder) -> Iterator[None]:
    """Until the end is recorded: by the process that follows the run, else by us."""
    while not folder.run().status.final:
        try:
            for _ in carry_on(bench, folder):
                yield
        except RunInUse:
            time.sleep(0.2)
            yield


def others(bench: Bench, folder: RunFolder) -> list[RunFolder]:
    """The runs that share the job of this one."""
    ids = [run_id for run_id in folder.job().outputs if run_id != folder.id]
    return [one for run_id in ids if (one := bench.store.folder(run_id)).path.is_dir()]


def _launch(bench: Bench, folders: Sequence[RunFolder], staged: Staged | None) -> Iterator[Told]:
    job = folders[0].job()
    known = [one.run().handle for one in others(bench, folders[0])]
    handle = next((one for one in known if one), None)
    if handle:  # a process that died had told the others already
        yield None, Submitted(handle.to_json())
        return
    values = secrets.values(job.secrets)
    known_there = [staged] if staged else []
    try:
        # As one step: an input that the host found damaged is removed there and has to go up again.
        for event in persistently(lambda: _arrive(bench, folders, job, values, known_there)):
            yield None, event
    except SubmissionRejected as error:
        yield None, Failed("submission", error.message, error.hint)


def _arrive(
    bench: Bench,
    folders: Sequence[RunFolder],
    job: Job,
    values: dict[str, str],
    staged: list[Staged],
) -> Generator[Event, None, None]:
    """Stage and submit; runs that were all cancelled meanwhile, by another process, are not left.

    Where a service may have taken the request of an earlier try, its job is looked for first.
    ``staged`` is believed once: the host itself checks what is there, and a second try stages.
    """
    asked = folders[0].run().asked
    handle = bench.target.find(job, *asked) if asked else None
    if handle is None:
        if staged:
            yield staged.pop()
        else:
            yield from bench.target.stage(job)
        if _all_over(folders):
            return
        try:
            handle = yield from narrate(
                "up", lambda report: bench.target.submit(job, values, report), bench.target.told
            )
        except CosmosError:
            yield from bench.target.told()
            raise
        except (KeyboardInterrupt, GeneratorExit):
            for event in bench.target.told():
                for folder in folders:
                    folder.record(event)
            raise
    if _all_over(folders):
        bench.target.cancel(handle)
        return
    yield Submitted(handle.to_json())
    yield from bench.target.told()


def _all_over(folders: Sequence[RunFolder]) -> bool:
    return all(folder.run().status.final for folder in folders)


def _inputs(job: Job) -> dict[str, str]:
    return {item.key: item.sha256 for item in job.inputs}
