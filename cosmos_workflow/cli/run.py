"""``run``, ``follow``, ``logs``, ``cancel``: from a RunSpec to a video, and what comes between."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.arguments import RunId, RunSpecs
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.planned import tell, tell_sum
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import clean
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import CosmosError, JobError, SpecError
from cosmos_workflow.events import ExecutionStatus, Log
from cosmos_workflow.execution.target import Target
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.store import RunFolder, RunInUse
from cosmos_workflow.workflows import assemble, collect, mirror
from cosmos_workflow.workflows import run as line
from cosmos_workflow.workflows.assemble import Bench
from cosmos_workflow.workflows.compare import in_a_line, of_run
from cosmos_workflow.workflows.finish import catch_up
from cosmos_workflow.workflows.plan import Drawn, draw
from cosmos_workflow.workflows.request import How

TargetName = Annotated[
    str, typer.Option("--target", "-t", help="Where to run.", autocompletion=completion.targets)
]
NumGpu = Annotated[int, typer.Option(min=0, help="GPUs; 0: as many as devices.")]
CudaDevices = Annotated[str, typer.Option(help='Which GPUs, like "0,1".')]
TimeLimit = Annotated[
    int, typer.Option(min=-1, help="Seconds it may run; 0: no limit; -1: as configured.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Leave once it runs on its own.")]
After = Annotated[
    str,
    typer.Option(
        "--after",
        metavar="RUN",
        help="Begin once that run has succeeded.",
        autocompletion=completion.runs,
    ),
]
Again = Annotated[bool, typer.Option("--again", help="Also if it succeeded before.")]


@dataclass(frozen=True)
class Manner:
    """How far to go, and how to speak of it."""

    dry_run: bool
    detach: bool
    again: bool
    json: bool
    verbose: bool


def run(
    run_spec: RunSpecs,
    target: TargetName = "",
    num_gpu: NumGpu = 0,
    cuda_devices: CudaDevices = "",
    time_limit: TimeLimit = -1,
    dry_run: DryRun = False,
    detach: Detach = False,
    again: Again = False,
    after: After = "",
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run RunSpecs and bring the videos home.

    The run lives on its target: Ctrl-C, a closed lid or a lost network leave it running, and
    cosmos follow goes on where you left. A RunSpec that has succeeded is not run twice.
    """
    settings = load()
    specs = [collect.specs(settings, name) for name in _named(run_spec)]
    how = how_to(settings, num_gpu, cuda_devices, time_limit, after)
    run_all(settings, specs, target, how, Manner(dry_run, detach, again, as_json, verbose))


def dry_run(
    run_spec: list[str],
    target: str,
    num_gpu: int,
    cuda_devices: str,
    time_limit: int,
    as_json: bool,
) -> None:
    """``cosmos plan``: the run up to where it would begin."""
    manner = Manner(dry_run=True, detach=False, again=False, json=as_json, verbose=False)
    settings = load()
    specs = [collect.specs(settings, name) for name in _named(run_spec)]
    run_all(settings, specs, target, how_to(settings, num_gpu, cuda_devices, time_limit), manner)


def how_to(
    settings: Settings, num_gpu: int, cuda_devices: str, time_limit: int, after: str = ""
) -> How:
    """What the flags say of GPUs and time, completed."""
    return How(
        gpus=num_gpu or len([word for word in cuda_devices.split(",") if word.strip()]) or 1,
        cuda_devices=cuda_devices,
        time_limit=settings.defaults.time_limit if time_limit < 0 else time_limit,
        after=collect.find_run(settings, after).id if after else "",
    )


def run_all(
    settings: Settings,
    specs: Sequence[tuple[RunSpec, PromptSpec]],
    target: str,
    how: How,
    manner: Manner,
) -> None:
    """One after the other over one connection.  A run that does not succeed costs only itself."""
    faults: list[JobError] = []
    screen = open_screen(json=manner.json, verbose=manner.verbose)
    with screen, _target(settings, target) as place:
        if manner.dry_run:
            _plan_all(screen, settings, specs, place, how)
            return
        place.approach()  # the plan is made while the connection is
        for spec, prompt in specs:
            engine = assemble.engine(spec.engine, settings)
            bench = Bench(settings, engine, place, assemble.store(settings))
            try:
                there = None if target or manner.again else line.elsewhere(bench, spec)
                if there is not None:
                    _go_on_there(screen, settings, there, detach=manner.detach)
                    continue
                started = line.start(bench, spec, prompt, how, again=manner.again, say=screen.say)
                screen.begin(started.folder.id)
                if started.note:
                    screen.say(started.note)
                else:
                    screen.events(event for event, _ in started.folder.events())
                _watch(screen, bench, started.folder, detach=manner.detach)
            except JobError as error:
                if len(specs) == 1:
                    raise
                screen.warn("\n".join(filter(None, [error.message, error.hint])))
                faults.append(error)
    if faults:
        raise JobError(
            f"{len(faults)} of {len(specs)} runs did not succeed",
            hint="cosmos list runs shows which, cosmos show ID why",
        )


def _go_on_there(screen: Screen, settings: Settings, folder: RunFolder, *, detach: bool) -> None:
    """Nobody said which target: the one that the run is on already."""
    run = folder.run()
    screen.say(f"{run.id} is {run.status.lower()} on {run.target} already; going on with it")
    with _bench(settings, folder) as bench:
        _watch(screen, bench, folder, detach=detach)


def _plan_all(
    screen: Screen,
    settings: Settings,
    specs: Sequence[tuple[RunSpec, PromptSpec]],
    place: Target,
    how: How,
) -> None:
    """Each as it would be, and a stop: nothing is made, sent or started."""
    planned: list[Drawn] = []
    for spec, prompt in specs:
        engine = assemble.engine(spec.engine, settings)
        bench = Bench(settings, engine, place, assemble.store(settings))
        planned.append(draw(bench, spec, prompt, how))
        tell(screen, settings, planned[-1])
        screen.say()
    if len(planned) > 1:
        tell_sum(screen, planned)
    screen.say("a dry run: nothing was made, sent or started", "dim")


def follow(run_id: RunId, as_json: Json = False, verbose: Verbose = False) -> None:
    """Go on watching a run, and fetch its result."""
    settings = load()
    folder = collect.find_run(settings, run_id)
    with open_screen(json=as_json, verbose=verbose) as screen, _bench(settings, folder) as bench:
        _watch(screen, bench, folder)


def logs(
    run_id: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
) -> None:
    """Print what the job of a run has written.

    Of a run that is over, it is the copy in the run's folder: it is there after the host is gone.
    With -f it goes on as the log grows, and Ctrl-C leaves the run alone.
    """
    settings = load()
    folder = collect.find_run(settings, run_id)
    over = folder.run().status.final
    printed = _print_log(folder, 0)
    if not over:
        with _left_running(folder), _bench(settings, folder) as bench:
            catch_up(bench, folder)
            printed = _print_log(folder, printed)
            if follow:
                for event in mirror.follow(bench, folder):
                    if isinstance(event, Log):
                        _write(event.text.encode("utf-8", "surrogateescape"))
    if not follow and not printed:
        raise SpecError(
            f"{folder.id} ({folder.run().status.lower()}) has no log",
            hint="its job has written nothing"
            if over
            else f"cosmos logs {folder.id} -f waits for its first words",
        )


def _print_log(folder: RunFolder, offset: int) -> int:
    """Print the copy from a byte offset; where it ends."""
    if not folder.log_file.exists():
        return offset
    data = folder.log_file.read_bytes()
    _write(data[offset:])
    return len(data)


def cancel(
    run_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs: id, start of an id, folder, or the name of the RunSpec.",
            autocompletion=completion.runs,
        ),
    ],
    as_json: Json = False,
) -> None:
    """End a run on its target. A run that is over stays as it is."""
    settings = load()
    with open_screen(json=as_json) as screen:
        for text in run_ids:
            folder = collect.find_run(settings, text)
            over = folder.run().status.final
            with _bench(settings, folder) as bench:
                after = line.cancel(bench, folder)
            word = "was already" if over else "is"
            screen.say(f"{after.id} {word} {after.status}")
            screen.data({"run": after.id, "status": after.status})


def _watch(screen: Screen, bench: Bench, folder: RunFolder, *, detach: bool = False) -> None:
    """Show a run to its end, or until it runs on its own; raise how it ended if not well."""
    screen.begin(folder.id)
    with _left_running(folder):
        if detach:
            _leave(screen, bench, folder)
        elif not folder.run().status.final:
            screen.events(mirror.follow(bench, folder))
    run = folder.run()
    if not run.status.final:
        screen.say(f"left running: cosmos follow {run.id}")
        screen.data({"run": run.id, "status": run.status})
        return
    result = collect.main_output(folder)
    media = run.outputs[0].media if run.outputs else "video"
    if result is not None:
        screen.picture(result, media)
    other = [row for row in of_run(folder, bench.settings) if result and row.differs]
    screen.data({
        "run": run.id, "status": run.status, media: str(result) if result else None,
        "differences": [vars(row) for row in other],
    })  # fmt: skip
    collect.success(folder)
    if other:
        screen.say(f"not as it was asked: {in_a_line(other)}; cosmos show {run.id}", "yellow")
    if media == "video":
        screen.say(f"next: cosmos sheet {run.id}", "cyan")


def _leave(screen: Screen, bench: Bench, folder: RunFolder) -> None:
    """See that the run runs on its own, by our hand or another's."""
    try:
        if folder.run().status is ExecutionStatus.PENDING:
            screen.events(line.carry_on(bench, folder, detach=True))
    except RunInUse:
        screen.say("another process on this machine is starting it")


@contextmanager
def _left_running(folder: RunFolder) -> Iterator[None]:
    """Ctrl-C and errors say what became of the run and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(folder)) from None
    except CosmosError as error:
        if not isinstance(error, JobError):
            error.hint = "\n".join(filter(None, [error.hint, _how_to_go_on(folder)]))
        raise


def _how_to_go_on(folder: RunFolder) -> str:
    run = folder.run()
    if run.status is ExecutionStatus.PENDING:
        return f"nothing was started; cosmos run {run.spec_id} goes on where this stopped"
    if run.status is ExecutionStatus.RUNNING:
        return f"the run goes on; cosmos follow {run.id} comes back, cosmos cancel {run.id} ends it"
    return f"the run is over; cosmos show {run.id}"


@contextmanager
def _bench(settings: Settings, folder: RunFolder) -> Iterator[Bench]:
    """The engine and target that the run was started with."""
    run = folder.run()
    with _target(settings, run.target) as place:
        engine = assemble.engine(folder.spec().engine, settings)
        yield Bench(settings, engine, place, assemble.store(settings))


@contextmanager
def _target(settings: Settings, name: str) -> Iterator[Target]:
    place = assemble.target(settings, name or settings.default_target, ask)
    try:
        yield place
    finally:
        place.close()


def _named(texts: list[str]) -> list[str]:
    """The words of the command line, globs that no shell has expanded included."""
    names: list[str] = []
    for text in texts:
        pattern = Path(text)
        base = Path(pattern.anchor) if pattern.is_absolute() else Path()
        found = base.glob(str(pattern.relative_to(base))) if any(m in text for m in "*?[") else ()
        names += sorted(str(path) for path in found) or [text]
    return names


REDRAWN = re.compile(r"\n?\r+\n?")
"""Where a progress bar starts its line anew: a line each, in a copy that nobody redraws."""


def _write(data: bytes) -> None:
    text = REDRAWN.sub("\n", data.decode("utf-8", "replace"))
    sys.stdout.write(clean(text))
    sys.stdout.flush()
