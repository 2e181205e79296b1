"""``clean``: what old jobs have left on a target is shown, and goes once somebody says so."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import is_terminal, size
from cosmos_workflow.config.load import load
from cosmos_workflow.execution.clean import Cleaned
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows import clean as room


def clean(
    target: Annotated[
        str,
        typer.Option("--target", "-t", help="Which target.", autocompletion=completion.targets),
    ] = "",
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Unchanged for so long, like 12h or 7d.")
    ] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what old jobs have left on a target.

    That is: workspaces of jobs that are over, their containers, and inputs that no other job
    there uses. Jobs of other projects on the target count as well, fetched or not. What is
    at home stays, and so does every run of this project that is not home yet.

    Without --yes it asks; where nobody can be asked it only shows, as --dry-run does.
    """
    settings, older = load(), room.age(older_than)
    name = target or settings.default_target
    store, place = assemble.store(settings), assemble.target(settings, name, ask)
    with open_screen(json=as_json) as screen, closing(place):
        at_once = yes and not dry_run
        found = room.clean(store, place, older, dry=not at_once)
        if not at_once:
            _show(screen, name, older_than, found, removed=False)
            if dry_run or not _agreed(screen, found):
                return
            found = room.clean(store, place, older, dry=False)
        _show(screen, name, older_than, found, removed=True)


def _agreed(screen: Screen, found: tuple[Cleaned, int]) -> bool:
    """Whether a person says yes; where there is none, nothing is removed."""
    cleaned, folders = found
    if not (cleaned.workspaces or cleaned.containers or cleaned.inputs or folders):
        return False
    if screen.json or not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        screen.say("nothing was removed: --yes removes it")
        return False
    return typer.confirm("Remove this?")


def _show(
    screen: Screen, target: str, age: str, found: tuple[Cleaned, int], *, removed: bool
) -> None:
    cleaned, folders = found
    screen.data({
        "target": target, "removed": removed, **asdict(cleaned), "staging_folders": folders,
    })  # fmt: skip
    word = "removed from" if removed else "can go from"
    screen.say(f"{word} {target}, unchanged for {age}:", "bold")
    kinds = {
        "workspaces": cleaned.workspaces,
        "containers": cleaned.containers,
        "inputs": cleaned.inputs,
    }
    rows = [
        [kind, str(len(things)), size(sum(thing.size for thing in things))]
        for kind, things in kinds.items()
    ]
    if folders:
        rows.append(["left here by killed processes", str(folders), ""])
    screen.table(["", "number", "size"], rows)
    for job in cleaned.away:
        run_id = job.rpartition("-")[0]
        screen.warn(f"{job} stays, as its result is not home yet: cosmos follow {run_id}")
    if cleaned.unsure:
        screen.warn(
            f"all inputs stay: {len(cleaned.unsure)} of the workspaces that stay do not say which "
            "they use (they are from an older version, or nothing was started in them yet)"
        )
    for name, why in cleaned.stuck:
        screen.warn(f"{name} could not be removed: {why}")
