"""``enhance``: the same line as ``run``, and a new PromptSpec at its end."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose, takes_several
from cosmos_workflow.cli.run import (
    Again,
    CudaDevices,
    DryRun,
    Manner,
    TargetName,
    TimeLimit,
    how_to,
    run_all,
)
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import nearby
from cosmos_workflow.config.load import load
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.enhance import Enhanced, Wishes, enhance_specs, enhanced


@takes_several(option="key=value")
def enhance(
    prompt_spec: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT_SPEC",
            help="Path, id, start of an id, or name.",
            autocompletion=completion.prompts,
        ),
    ],
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="enhance (Transfer1's upsampler) or chat.  "
            "[default: chat where there is such a service]",
        ),
    ] = "",
    target: TargetName = "",
    structured: Annotated[
        bool, typer.Option("--structured", help="A structured caption for Cosmos 3, by chat.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="chat: another number, other words.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An engine's own option; cosmos engines show NAME."),
    ] = None,
    cuda_devices: CudaDevices = "",
    time_limit: TimeLimit = -1,
    dry_run: DryRun = False,
    again: Again = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have a model write richer words for a prompt, and save them as a new PromptSpec.

    Video and controls stay, and it names the one that it came from. The same prompt with the same
    settings is not asked for twice.

    Example: cosmos enhance atrium --engine chat --option frames=0
    """
    settings = load()
    wishes = Wishes(engine, target, structured, seed, option or ())
    asked = enhance_specs(settings, prompt_spec, wishes, save=not dry_run)
    how = how_to(settings, 1, cuda_devices, time_limit)
    manner = Manner(dry_run, False, again, as_json, verbose)
    run_all(settings, [(asked.run, asked.prompt)], asked.target, how, manner)
    if dry_run:
        return
    folder = assemble.store(settings).attempts(asked.run.id)[-1]
    if folder.run().status is ExecutionStatus.SUCCESS:  # else it was left running
        made = enhanced(settings, folder)
        with open_screen(json=as_json, verbose=verbose) as screen:
            _tell(screen, asked.prompt, made)


def _tell(screen: Screen, before: PromptSpec, made: Enhanced) -> None:
    """Before and after, the new spec, and what to do with it."""
    prompt = made.prompt
    screen.data({**prompt.model_dump(mode="json"), "path": str(made.path), "notes": made.notes})
    screen.say()
    screen.say(f"before  {_short(before.prompt)}", "dim")
    screen.say(f"after   {_short(prompt.prompt)}")
    for note in made.notes:
        screen.say(note, "yellow")
    screen.say()
    screen.say(f"{prompt.id}  {prompt.name}", "bold")
    screen.say(nearby(made.path))
    screen.say(f"next: cosmos create-run {prompt.id}", "cyan")


def _short(text: str) -> str:
    """Prose as it is; of a caption, what it tells."""
    if not captions.is_caption(text):
        return text
    return f"(a structured caption, {len(text)} characters) {captions.summary(text)}"
