"""``queue add``: RunSpecs put into the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli.arguments import RunSpecs, Targets
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.run import After, Again, NumGpu, TimeLimit, how_to
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.cli.words import counted
from cosmos_workflow.config.load import load
from cosmos_workflow.runs.queue import queue_of
from cosmos_workflow.workflows.after import named
from cosmos_workflow.workflows.enqueue import Where, files_of, targets_of, wishes

Label = Annotated[str, typer.Option(help="A name for what is added together.")]
Priority = Annotated[int, typer.Option(help="The highest goes first.")]

ALREADY = "{} in the queue already: not added again"


def add(
    run_spec: RunSpecs,
    targets: Targets = "",
    num_gpu: NumGpu = 0,
    time_limit: TimeLimit = -1,
    priority: Priority = 0,
    first: Annotated[bool, typer.Option("--first", help="In front of those that wait.")] = False,
    label: Label = "",
    again: Again = False,
    after: After = "",
    as_json: Json = False,
) -> None:
    """Put RunSpecs into the queue, in order.

    Also sweeps, globs, and .txt or .jsonl files that name a RunSpec on each line. All are checked
    before the first is added. One that waits or runs already is not added twice.
    """
    settings = load()
    how = how_to(settings, num_gpu, "", time_limit)
    before = named(settings, queue_of(settings), after)
    where = Where(targets_of(settings, targets, how), how, label, priority, again, before)
    with open_screen(json=as_json) as screen:
        files = files_of(settings, run_spec)
        found = list(wishes(settings, files, where))
        ids, already = queue_of(settings).add(found, first=first)
        screen.data({"added": ids, "already": already, "targets": where.targets})
        if ids:
            numbers = f"{ids[0]}" if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"
            places = ", ".join(where.targets)
            screen.say(f"added {counted(len(ids), 'item')}, {numbers}, for {places}")
        if already:
            screen.say(ALREADY.format(counted(len(already), "RunSpec")))
        screen.say("next: cosmos queue work", "cyan")
