"""``batch``: many RunSpecs put into the queue and worked through, to the last one."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cosmos_workflow.cli.arguments import RunSpecs, Targets
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.queue_add import ALREADY
from cosmos_workflow.cli.queue_work import Budget, run_worker
from cosmos_workflow.cli.run import After, Again, NumGpu, TimeLimit, how_to
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.connection.detached import start
from cosmos_workflow.errors import JobError
from cosmos_workflow.ids import timestamp
from cosmos_workflow.runs.queue import State, queue_of
from cosmos_workflow.workflows.after import named
from cosmos_workflow.workflows.enqueue import Where, files_of, targets_of, wishes
from cosmos_workflow.workflows.worker import Terms

Detach = Annotated[
    bool, typer.Option("--detach", "-d", help="Leave it to a worker in the background.")
]


def batch(
    run_spec: RunSpecs,
    targets: Targets = "",
    num_gpu: NumGpu = 0,
    time_limit: TimeLimit = -1,
    label: Annotated[str, typer.Option(help="Its name in the queue; else the time of day.")] = "",
    budget: Budget = None,
    detach: Detach = False,
    again: Again = False,
    after: After = "",
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run many RunSpecs, on all GPUs of the targets, and bring the videos home as they are done.

    RunSpecs by path, glob, id, name or sweep, or files that name them. Those that can share a
    loaded model do. What a fault of the moment stopped is tried again; a blocked or failing run
    costs only itself. Ctrl-C leaves what runs running: cosmos queue work goes on.
    """
    settings = load()
    how = how_to(settings, num_gpu, "", time_limit)
    label = label or f"batch_{timestamp()}"
    queue = queue_of(settings)
    before = named(settings, queue, after)
    where = Where(targets_of(settings, targets, how), how, label, again=again, after=before)
    with open_screen(json=as_json, verbose=verbose) as screen:
        found = list(wishes(settings, files_of(settings, run_spec), where))
        ids, already = queue.add(found)
        screen.data({"label": label, "added": ids, "already": already})
        screen.say(f"{label}: {counted(len(ids), 'run')} on {', '.join(where.targets)}", "bold")
        if already:
            screen.say(ALREADY.format(counted(len(already), "RunSpec")))
        terms = Terms(where.targets, label, budget=budget)
        if detach:
            _leave(screen, settings, terms)
            return
        run_worker(screen, settings, terms)
    counts = queue.counts(label)
    bad = sum(counts[one] for one in State if one.over) - counts[State.DONE]
    if bad:
        raise JobError(
            f"{bad} of {len(ids)} runs did not succeed",
            hint=f"cosmos queue list --label {label} shows which and why; "
            "cosmos queue retry --failed tries them again",
        )


def _leave(screen: Screen, settings: Settings, terms: Terms) -> None:
    """Start a worker that outlives us; what it says goes into a file."""
    log = settings.outputs_dir / ".queue" / f"{terms.label}.log"
    argv = [sys.executable, "-m", "cosmos_workflow", "queue", "work"]
    argv += ["--targets", ",".join(terms.targets), "--label", terms.label]
    argv += [] if terms.budget is None else ["--budget", f"{terms.budget:g}"]
    pid = start(argv, settings.root, log)
    screen.data({"worker": pid, "log": str(log)})
    screen.say(f"left to worker {pid}, which writes {log}")
    screen.say(f"next: cosmos queue list --label {terms.label}", "cyan")
