"""``list`` and ``show``: what there is, and everything about one of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import duration, grid, screen_width
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.together import inputs_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Event, Exchanged, ExecutionStatus
from cosmos_workflow.execution.job import Job, RequestJob
from cosmos_workflow.execution.launcher import attempts
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.sweep import Sweep
from cosmos_workflow.runs import index
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder, Store
from cosmos_workflow.workflows import compare, sweep


class Kind(StrEnum):
    """What can be listed."""

    PROMPTS = "prompts"
    RUNS = "runs"
    SWEEPS = "sweeps"


def list_(
    kind: Annotated[Kind, typer.Argument(help="prompts, runs or sweeps.")] = Kind.RUNS,
    status: Annotated[
        str, typer.Option(help="Only runs of this status.", autocompletion=completion.statuses)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List prompts, runs or sweeps, newest first."""
    settings = load()
    with open_screen(json=as_json) as screen:
        if kind is Kind.PROMPTS:
            _list_prompts(screen, settings, limit)
        elif kind is Kind.SWEEPS:
            _list_sweeps(screen, settings, limit)
        else:
            _list_runs(screen, settings, _status(status), limit)


def _status(text: str) -> ExecutionStatus | None:
    if not text:
        return None
    try:
        return ExecutionStatus(text.upper())
    except ValueError as error:
        known = ", ".join(status.lower() for status in ExecutionStatus)
        raise SpecError(f"there is no status {text!r}", hint=f"known: {known}") from error


def _list_prompts(screen: Screen, settings: Settings, limit: int) -> None:
    entries = library.all_prompts(settings)
    rows = []
    for entry in entries[:limit]:
        rows.append([entry.id, entry.name, short_moment(_time(entry.stamp))])
        screen.data({"id": entry.id, "name": entry.name, "path": str(entry.path)})
    if not rows:
        screen.say('none yet: cosmos create-spec NAME "PROMPT" makes one')
        return
    screen.table(["id", "name", "created"], rows)
    _more(screen, len(entries), limit)


def _list_sweeps(screen: Screen, settings: Settings, limit: int) -> None:
    entries = library.all_sweeps(settings)
    rows = []
    for entry in entries[:limit]:
        sweep = Sweep.load(entry.path)
        many = len(sweep.runs)
        created = short_moment(_time(entry.stamp))
        rows.append([sweep.id, entry.name, sweep.engine, f"{many:,}", created])
        screen.data({
            "id": sweep.id, "name": entry.name, "engine": sweep.engine, "runs": many,
            "path": str(entry.path),
        })  # fmt: skip
    if not rows:
        screen.say("none yet: cosmos sweep PROMPT_SPEC --vary seed=1..20 makes one")
        return
    screen.table(["id", "name", "engine", "runs", "created"], rows)
    _more(screen, len(entries), limit)


def _time(stamp: str) -> float:
    return datetime.strptime(stamp, "%Y%m%d_%H%M%S").timestamp()


def _list_runs(
    screen: Screen, settings: Settings, status: ExecutionStatus | None, limit: int
) -> None:
    """Runs, and the RunSpecs that were never run: those are PENDING too."""
    page = index.page(Store(settings.outputs_dir), status=status, limit=limit)
    waiting = []
    if status in (None, ExecutionStatus.PENDING):
        waiting = [one for one in library.all_runs(settings) if one.id not in page.specs]
    found = [*page.rows, *(_never_run(one) for one in waiting[:limit])]
    found.sort(key=lambda row: (row.created, row.id), reverse=True)
    rows = []
    for row in found[:limit]:
        took = duration(row.seconds) if row.seconds is not None else ""
        rows.append(
            [row.id, row.name, row.engine, row.target, row.status, short_moment(row.created), took]
        )
        screen.data(vars(row))
    if not rows:
        if status:
            screen.say(f"no run is {status}; cosmos list shows them all")
        else:
            screen.say("none yet: cosmos create-run makes one, cosmos run runs it")
        return
    screen.table(["run", "name", "engine", "target", "status", "created", "took"], rows)
    _more(screen, page.total + len(waiting), limit)
    if any(row.status is ExecutionStatus.RUNNING for row in found[:limit]):
        screen.say(
            "RUNNING as last heard; cosmos follow ID asks again, and fetches the video", "dim"
        )


def _never_run(entry: library.Entry) -> index.Row:
    spec = RunSpec.load(entry.path)
    return index.Row(
        id=entry.id, name=spec.name, engine=spec.engine, target="",
        status=ExecutionStatus.PENDING, created=_time(entry.stamp), ended=None, seconds=None,
        message="never run",
    )  # fmt: skip


def _more(screen: Screen, number: int, limit: int) -> None:
    if number > limit:
        screen.say(f"{number - limit} more: --limit {number}", "dim")


def show(
    text: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Prompt, RunSpec, sweep or run.", autocompletion=completion.ids
        ),
    ],
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show all about a prompt, a RunSpec, a sweep or a run; with -v a run's calls to a service."""
    settings = load()
    store = Store(settings.outputs_dir)
    with open_screen(json=as_json) as screen:
        if text.startswith("ps_"):
            facts = _prompt_facts(settings, text)
        elif _is_sweep(settings, text):
            facts = _sweep_facts(settings, text)
        elif "." in text and RUN_ID.match(text):
            facts = _run_facts(settings, store.find(text))
        else:
            facts = _spec_facts(settings, store, text)
        screen.data(facts)
        _print(screen, facts if verbose else {**facts, "calls": []})


def _prompt_facts(settings: Settings, text: str) -> dict[str, Any]:
    path = library.find(settings, "prompt", text)
    return {**PromptSpec.load(path).model_dump(mode="json"), "path": str(path)}


def _is_sweep(settings: Settings, text: str) -> bool:
    """By its id or path, or by a name that nothing else has."""
    if text.lower().startswith("sw_") or re.search(r"_sw_[0-9a-f]{8}\.json$", text):
        return True
    others = any(library.fits(settings, kind, text) for kind in ("run", "prompt"))
    return not others and library.fits(settings, "sweep", text)


def _sweep_facts(settings: Settings, text: str) -> dict[str, Any]:
    """What was asked, and how far it is; its RunSpecs only as a number."""
    path = sweep.find_sweep(settings, text)
    one = Sweep.load(path)
    return {
        **one.model_dump(mode="json"),
        "runs": len(one.runs),
        "so_far": sweep.standing(settings, one),
        "run_specs": one.runs,
        "path": str(path),
    }


def _spec_facts(settings: Settings, store: Store, text: str) -> dict[str, Any]:
    """A RunSpec, or the latest run of it; a prompt when no RunSpec is meant."""
    try:
        spec = RunSpec.load(library.find(settings, "run", text))
    except SpecError as error:
        try:
            return _prompt_facts(settings, text)
        except SpecError:
            if library.fits(settings, "prompt", text) and not library.fits(settings, "run", text):
                raise
            raise error from None
    attempts = store.attempts(spec.id)
    if attempts:
        return _run_facts(settings, attempts[-1])
    facts = spec.model_dump(mode="json")
    facts["parameters"] = spec.parameters.model_dump(mode="json", exclude_none=True)
    return {**facts, "execution_status": "PENDING (never run)"}


def _run_facts(settings: Settings, folder: RunFolder) -> dict[str, Any]:
    run, spec, prompt = folder.run(), folder.spec(), folder.prompt()
    events, job = list(folder.events()), folder.job()
    return {
        "run": run.id,
        "execution_status": run.status,
        "cause": run.cause,
        "refused": _refused(events),
        "message": run.message,
        "hint": run.hint,
        "name": spec.name,
        "prompt_spec": spec.prompt_spec_id,
        "prompt": prompt.prompt,
        "negative_prompt": prompt.negative_prompt,
        "engine": spec.engine,
        "target": run.target,
        "control_weights": dict(spec.control_weights),
        "parent": spec.parent,
        "origin": spec.origin.model_dump(mode="json") if spec.origin else None,
        "parameters": spec.parameters.model_dump(mode="json", exclude_none=True),
        "compared": [vars(row) for row in compare.of_run(folder, settings)],
        "options": dict(spec.options),
        "inputs": {key: f"sha256 {item.sha256}" for key, item in inputs_of(job, folder.id).items()},
        "same_job": [one for one in job.outputs if one != folder.id],
        "created": moment(run.created) if run.created else None,
        "seconds": run.seconds,
        "stage": run.stage if not run.status.final else None,
        "cluster_attempts": begun if (begun := attempts(folder.log_lines())) > 1 else None,
        "fraction": run.fraction if not run.status.final else None,
        "uploaded_bytes": _uploaded(run, job),
        "handle": run.handle.to_json() if run.handle else None,
        "outputs": [str(folder.path / output.path) for output in run.outputs],
        "folder": str(folder.path),
        "calls": [_call(event, at) for event, at in events if isinstance(event, Exchanged)],
    }


def _refused(events: Iterable[tuple[Event, float]]) -> str | None:
    """What a guardrail refused, and which one."""
    blocked = [event for event, _ in events if isinstance(event, Blocked)]
    return f"{blocked[-1].what}, by {blocked[-1].by}" if blocked else None


def _uploaded(run: Run, job: Job) -> int | None:
    """What was sent to the machine; what goes with a request is not counted."""
    return None if isinstance(job, RequestJob) and not run.sent else run.sent


def _call(event: Exchanged, at: float) -> str:
    """``07:05:12 create answered 201, 0.3 s, http://localhost:8000/v1/videos``."""
    when = datetime.fromtimestamp(at).strftime("%H:%M:%S")
    words = [event.operation, event.phase, str(event.http_status or "")]
    again = f"try {event.attempt}" if event.attempt > 1 else ""
    parts = [f"{event.seconds:.1f} s", again, event.target, event.reason]
    return ", ".join([f"{when} {' '.join(filter(None, words))}", *filter(None, parts)])


def short_moment(at: float) -> str:
    """Local time for a table, without this year: ``01-31 07:05``."""
    text = moment(at)
    return text[5:] if text.startswith(f"{datetime.now():%Y}-") else text


def moment(at: float) -> str:
    """Local time as ``2026-01-31 07:05``."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")


def _print(screen: Screen, facts: dict[str, Any]) -> None:
    """A fact a line; what has parts, a part a line."""
    for key, value in facts.items():
        if value in (None, "", [], {}):
            continue
        head = key.replace("_", " ")
        if key == "compared":
            _print_compared(screen, value)
        if key == "run_specs":
            continue  # ten thousand ids are for programs
        if key == "handle":
            value = {name: moment(one) if name == "since" and one else one
                     for name, one in value.items() if one}  # fmt: skip
        if key == "compared" or (key == "parameters" and facts.get("compared")):
            continue
        for line in _lines(value):
            screen.say(f"{head:<18}{line}")
            head = ""


def _print_compared(screen: Screen, rows: list[dict[str, Any]]) -> None:
    """Asked, sent and used side by side; what differs in colour, with a word."""
    head = ("parameter", "asked", "sent", "used", "")
    cells = [[*(_cell(row[key]) for key in ("name", "asked", "sent", "used")), row["differs"]]
             for row in rows]  # fmt: skip
    screen.say()
    lines = grid(head, cells, screen_width())
    alone = len(lines) == len(rows) + 1  # else some are folded, and a line is not a row
    screen.say(lines[0], "bold")
    for number, line in enumerate(lines[1:]):
        screen.say(line, "yellow" if alone and rows[number]["differs"] else "")
    if all(row["used"] is None for row in rows):
        screen.say("the model does not say what it used", "dim")
    screen.say()


def _cell(value: Any) -> str:
    return "-" if value is None else compare.shown(value)


def _part(value: Any) -> str:
    """One value in a line; a sha256 by its first digits, which is enough to compare by eye."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_part(item)}" for name, item in value.items())
    if isinstance(value, list):
        return " x ".join(map(_part, value)) if len(value) == 2 else ", ".join(map(_part, value))
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1...", str(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        width = max(len(str(name)) for name in value)
        return [f"{name!s:<{width}}  {_part(item)}" for name, item in value.items()]
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, float):
        return [f"{value:.1f}"]
    return str(value).splitlines()
