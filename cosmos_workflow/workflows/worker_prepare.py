"""What is done for claimed items before their slot is free: one job is planned, its inputs made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cosmos_workflow.errors import ConfigError, CosmosError, SpecError
from cosmos_workflow.events import ExecutionStatus, Staged
from cosmos_workflow.execution.job import Job
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import resolve
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Claim, Lane
from cosmos_workflow.runs.queue import Item, Queue, State
from cosmos_workflow.runs.store import Member, RunFolder, RunInUse, job_name, next_id
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.after import NotYet, held_by, met
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.request import How, prompt_of

HELD_PAUSE_S = 5.0
"""Seconds between two looks at a run that an item is to run after."""

LIVE_ATTEMPT_PAUSE_S = 15.0
"""Seconds until an item whose RunSpec somebody else is running is looked at again."""


@dataclass(frozen=True)
class Ready:
    """A claim whose job is planned, its inputs known by content.

    ``staged``: how its files came to the target, and when, by a clock that only goes on.
    """

    claim: Claim
    members: tuple[Member, ...]
    job: Job
    staged: Staged | None = None
    at: float = 0.0

    @property
    def runs(self) -> dict[int, str]:
        """The run that will be made for each item."""
        ids = (member.run_id for member in self.members)
        return dict(zip((item.id for item in self.claim.items), ids, strict=True))


Adopt = Callable[[Item, RunFolder], None]
"""Follow a run of the item's RunSpec that lives already, though nobody follows it."""


@dataclass(frozen=True)
class Desk:
    """What to do with items that need no job.  ``tell``: how one was settled, and why."""

    queue: Queue
    adopt: Adopt
    tell: Callable[[Item, State, str], None]

    def settle(
        self, item: Item, state: State, run: str = "", *, cause: str = "", message: str = ""
    ) -> None:
        """It is over without a job of ours."""
        claims.settle(self.queue, item.id, state, run, cause=cause, message=message)
        self.tell(item, state, message)


def prepare(
    desk: Desk, bench: Bench, claim: Claim, attempts: Mapping[str, RunFolder], pinned: bool
) -> Ready | None:
    """The claim's job, or None when nothing of it is left to run.

    An item that cannot be run is settled, with the reason; the others go on without it.
    ``attempts``: the latest at each RunSpec that was ever run.
    """
    to_start = [item for item in claim.items if not _lives(desk, item, attempts.get(item.spec))]
    found = [
        (item, specs)
        for item in _let_go(desk, bench, to_start)
        if (specs := _specs_of(desk, bench, item))
    ]
    while found:
        claim = replace(claim, items=tuple(item for item, _ in found))
        ids = [next_id(item.spec, attempts.get(item.spec)) for item in claim.items]
        members = tuple(
            Member(run_id, *specs) for run_id, (_, specs) in zip(ids, found, strict=True)
        )
        try:
            return Ready(claim, members, _planned(bench, claim, members, pinned))
        except (SpecError, ConfigError):
            kept = _kept(desk, bench, claim, members, pinned)
            found = [one for one, keep in zip(found, kept, strict=True) if keep]
    return None


def how_of(lane: Lane, item: Item, pinned: bool) -> How:
    """GPUs of the lane's slot, as many as the item wants, and its seconds."""
    first = lane.slot * lane.gpus
    devices = ",".join(str(first + n) for n in range(item.gpus)) if pinned else ""
    return How(item.gpus, devices, item.time_limit, item.after)


def _planned(bench: Bench, claim: Claim, members: Sequence[Member], pinned: bool) -> Job:
    how = how_of(claim.lane, claim.items[0], pinned)
    job, _ = line.plan_together(bench, members, how, job_name(members[0].run_id))
    return line.fixed(bench, job, lambda text: None)


def _kept(
    desk: Desk, bench: Bench, claim: Claim, members: Sequence[Member], pinned: bool
) -> list[bool]:
    """Which of the members to keep: those that cannot be planned even alone are settled.  If all
    can, they cannot share a job, and all but the first wait for one of their own."""
    kept = []
    for item, member in zip(claim.items, members, strict=True):
        try:
            _planned(bench, claim, [member], pinned)
            kept.append(True)
        except (SpecError, ConfigError) as error:
            _refuse(desk, item, error)
            kept.append(False)
    if all(kept):
        for item in claim.items[1:]:
            claims.wait_again(desk.queue, item.id, pause=0, counts=True)
        kept = [number == 0 and len(kept) > 1 for number in range(len(kept))]
    return kept


def _refuse(desk: Desk, item: Item, error: CosmosError, cause: str = "") -> None:
    message = "\n".join(filter(None, (error.message, error.hint)))
    cause = cause or ("config" if isinstance(error, ConfigError) else "spec")
    desk.settle(item, State.FAILED, cause=cause, message=message)


def _lives(desk: Desk, item: Item, last: RunFolder | None) -> bool:
    """Whether there is nothing to start: it has succeeded already, or a run of it goes on."""
    run = last.run() if last else None
    if last is None or run is None or (run.status.final and not run.outputs):
        return False
    if run.status is ExecutionStatus.SUCCESS:
        if not item.again:
            desk.settle(item, State.DONE, run.id, message="had succeeded already")
        return not item.again
    try:
        with last.held():
            pass
    except RunInUse:
        said = f"{run.id} is being run by another process"
        claims.wait_again(
            desk.queue, item.id, pause=LIVE_ATTEMPT_PAUSE_S, counts=True, message=said
        )
    else:
        desk.adopt(item, last)
    return True


def _let_go(desk: Desk, bench: Bench, items: Sequence[Item]) -> list[Item]:
    """The items, with the run that all of a claim are to run after; none while that goes on, or if
    it did not succeed."""
    after = items[0].after if items else ""
    try:
        run = met(desk.queue, bench.store, after)
        held_by(bench, run)
    except NotYet:
        said = f"waits for {after}"
        for item in items:
            claims.wait_again(desk.queue, item.id, pause=HELD_PAUSE_S, counts=False, message=said)
    except SpecError as error:
        for item in items:
            _refuse(desk, item, error, "dependency")
    else:
        return [replace(item, after=run) for item in items]
    return []


def _specs_of(desk: Desk, bench: Bench, item: Item) -> tuple[RunSpec, PromptSpec] | None:
    """The item's specs; None when they are gone, or were edited: then it is settled."""
    try:
        run = RunSpec.load(resolve(item.path, bench.settings))
        if run.id != item.spec:
            raise SpecError(f"{item.path} is {run.id} now, not {item.spec}", hint="add it anew")
        return run, prompt_of(bench.settings, run)
    except SpecError as error:
        _refuse(desk, item, error)
        return None
