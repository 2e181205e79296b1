"""Many RunSpecs from few words: drafted and checked, estimated, cut, and then saved together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import slug
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.run_spec import Origin, RunSpec
from cosmos_workflow.prompts.shelf import shelf
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.prompts.sweep import Sweep
from cosmos_workflow.runs import index
from cosmos_workflow.workflows import assemble, sweep_cut
from cosmos_workflow.workflows.compose_runs import Knobs
from cosmos_workflow.workflows.plan_estimate import Estimate, price_goes
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.sweep_draft import Drafts, Item, Wanted, draft
from cosmos_workflow.workflows.sweep_estimate import estimates

Step = Callable[[str, float], None]
"""Hears what is done now, and how much of it, 0..1."""


@dataclass(frozen=True)
class Bounds:
    """What may be spent: ``limit`` runs (0: any), money (None: any), a time of day ("": any)."""

    limit: int = 0
    budget: float | None = None
    until: str = ""


@dataclass(frozen=True)
class Outlook:
    """A sweep before anything of it is written.

        ``estimates`` has one for each kept item.  ``left_out`` says what was not kept and why,
    ``notes`` what else is worth knowing; a line each.  ``price_goes``: where the price of
        an hour is set, empty for a machine of one's own.  ``slots``: jobs at once on the target.
    """

    drafts: Drafts
    items: tuple[Item, ...]
    estimates: tuple[Estimate, ...]
    target: str
    price_goes: str
    slots: int
    now: datetime
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def gpu_seconds(self) -> float | None:
        """Of all runs whose time is known; None where none is."""
        known = [one.gpu_seconds for one in self.estimates if one.gpu_seconds is not None]
        return sum(known) if known else None

    @property
    def cost(self) -> float | None:
        """Of all of them; None where one is unknown."""
        costs = [one.cost for one in self.estimates if one.cost is not None]
        return sum(costs) if costs and len(costs) == len(self.estimates) else None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why the times of some are unknown, each reason once."""
        reasons = [one.origin for one in self.estimates if one.gpu_seconds is None]
        return tuple(dict.fromkeys(reasons))

    @property
    def done(self) -> datetime | None:
        """When all are done, if begun now and one after another in every slot."""
        seconds = [one.seconds for one in self.estimates if one.seconds is not None]
        if not seconds or len(seconds) < len(self.estimates):
            return None
        last = max(sweep_cut.ends(seconds, self.slots))
        try:
            return datetime.fromtimestamp(self.now.timestamp() + last)
        except (OverflowError, ValueError):  # after the year 9999
            return datetime.max - timedelta(days=1)


@dataclass(frozen=True)
class Swept:
    """A saved sweep, its file, and those of its RunSpecs in order; ``fresh`` were not there."""

    sweep: Sweep
    path: Path
    runs: tuple[Path, ...]
    fresh: int


def look_ahead(
    settings: Settings,
    wanted: Wanted,
    bounds: Bounds,
    target: str,
    gpus: int,
    now: datetime,
    step: Step = lambda *_: None,
) -> Outlook:
    """Everything about a sweep, checked; nothing is written.

    Raises SpecError naming the axis and the point, ConfigError for an engine or a target.
    """
    until = sweep_cut.moment(bounds.until, now) if bounds.until else None
    engine = assemble.engine(wanted.knobs.engine or settings.default_engine, settings)
    place = assemble.target(settings, target or settings.default_target)
    with closing(place):
        drafts = draft(settings, engine, wanted, bounds.limit, lambda part: step("checking", part))
        bench = assemble.Bench(settings, engine, place, assemble.store(settings))
        many = len(drafts.items)
        found = estimates(
            bench,
            ((item.run, item.prompt) for item in drafts.items),
            How(gpus=gpus),
            lambda number: step("estimating", number / many),
        )
    slots, left = _slots(settings, place.name), list(drafts.left_out)
    goes = price_goes(settings, place.name)
    if bounds.budget is not None:
        cut = sweep_cut.by_budget(found, bounds.budget, goes or f"[targets.{place.name}]")
        found, left = found[: cut.kept], [*left, *cut.left_out]
    if until is not None:
        cut = sweep_cut.by_clock(found, until, now, slots)
        found, left = found[: cut.kept], [*left, *cut.left_out]
    return Outlook(
        drafts, drafts.items[: len(found)], tuple(found), place.name, goes, slots, now, tuple(left),
        drafts.notes,
    )  # fmt: skip


def _slots(settings: Settings, target: str) -> int:
    """Jobs that a target does at once.  This is the one place that knows of it."""
    return settings.all_targets()[target].slots


def save(settings: Settings, outlook: Outlook, step: Step = lambda *_: None) -> Swept:
    """Write the new PromptSpecs, the RunSpecs and the sweep; all of them or none.

    A RunSpec that is there already stays as it is, with the origin that it has.
    """
    items, wanted = outlook.items, outlook.drafts.wanted
    sweep = Sweep.made(
        name=wanted.name or f"{outlook.drafts.sources[0].name} sweep",
        engine=items[0].run.engine,
        sources=[source.id for source in outlook.drafts.sources],
        axes={axis.name: axis.text for axis in outlook.drafts.axes},
        prompts=outlook.drafts.prompts_file,
        fixed=_fixed(wanted.knobs),
        sample=wanted.sample,
        seed=wanted.seed,
        runs=[item.run.id for item in items],
    )
    many = len(items)
    with shelf() as saved:
        prompts = {item.prompt.id: item.prompt for item in items if not item.stored}
        files = saved.put(list(prompts.values()), settings.prompts_dir)
        stored = {key: portable(path, settings) for key, path in zip(prompts, files, strict=True)}
        runs = [_placed(item, stored, sweep.id, number) for number, item in enumerate(items, 1)]
        before = len(saved.made)
        files = saved.put(runs, settings.runs_dir, lambda done: step("saving", done / many))
        fresh = len(saved.made) - before
        (path,) = saved.put([sweep], settings.sweeps_dir)
    return Swept(sweep, path, tuple(files), fresh)


def _placed(item: Item, stored: dict[str, str], sweep: str, number: int) -> RunSpec:
    """The RunSpec with all that is no content: where it comes from, where its prompt lies."""
    place = item.stored or stored[item.prompt.id]
    origin = Origin(sweep=sweep, number=number, point=dict(item.point))
    return item.run.model_copy(update={"prompt_spec_path": place, "origin": origin})


def _fixed(knobs: Knobs) -> dict[str, Any]:
    """What was said for all of them, by the words of create-run."""
    given = {key: value for key, value in knobs.parameters.items() if value is not None}
    if knobs.weights:
        given["weights"] = list(knobs.weights)
    if knobs.named_weights:
        given["weight"] = list(knobs.named_weights)
    if knobs.options:
        given["option"] = list(knobs.options)
    return given


def find_sweep(settings: Settings, text: str) -> Path:
    """The file of the sweep that ``text`` names: a path, an id, the start of one, or a name.

    Of one sweep that was cut at different places (the same command, later in the night) it is the
    newest.  Raises SpecError where there is none, or different ones fit.
    """
    try:
        return library.find(settings, "sweep", text)
    except SpecError:
        named = [one for one in library.all_sweeps(settings) if one.name == slug(text)]
        wanted = [Sweep.load(one.path).model_dump(exclude={"id", "runs"}) for one in named]
        if not wanted or any(one != wanted[0] for one in wanted):
            raise
        return named[0].path


def run_specs_of(settings: Settings, text: str) -> list[Path]:
    """The RunSpec files of the sweep that ``text`` names, in order.

    A path, an id ``sw_...``, the start of one, or a name.  Raises SpecError where there is no such
    sweep, several fit, or a RunSpec of it is gone.
    """
    sweep = Sweep.load(find_sweep(settings, text))
    there = {entry.id: entry.path for entry in reversed(library.all_runs(settings))}
    gone = [one for one in sweep.runs if one not in there]
    if gone:
        raise SpecError(
            f"{len(gone)} of {len(sweep.runs)} RunSpecs of {sweep.id} are gone, {gone[0]} first",
            hint="the command that made the sweep makes them again, under the same ids",
        )
    return [there[one] for one in sweep.runs]


def standing(settings: Settings, sweep: Sweep) -> dict[ExecutionStatus, int]:
    """How many of its RunSpecs have succeeded, failed and so on; PENDING: never run.

    One that has succeeded once has succeeded; else its latest run counts.
    """
    wanted, latest = set(sweep.runs), dict[str, ExecutionStatus]()
    for row in index.page(assemble.store(settings)).rows:  # newest first
        spec = row.id.partition(".")[0]
        if spec in wanted and (spec not in latest or row.status is ExecutionStatus.SUCCESS):
            latest[spec] = row.status
    counts = Counter(latest.values())
    counts[ExecutionStatus.PENDING] += len(wanted) - len(latest)
    return {status: counts[status] for status in ExecutionStatus if counts[status]}
