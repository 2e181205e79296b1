"""``upscale``: the same line as ``run``, with the upscaler as its engine."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.run import TargetName, run_all
from cosmos_workflow.config.load import load
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.upscale import upscale_specs


def upscale(
    run_or_video: Annotated[
        str,
        typer.Argument(help="A run, or any video file.", autocompletion=completion.runs),
    ],
    upscale_weight: Annotated[
        float, typer.Option(help="How closely the result keeps to the video, 0 to 1.")
    ] = 0.7,
    target: TargetName = "",
    num_gpu: Annotated[int, typer.Option(min=1, help="GPUs.")] = 1,
    cuda_devices: Annotated[str, typer.Option(help='Which GPUs, like "0,1".')] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave once it runs on its own.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also if it succeeded before.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a 4K video of a run's result or any video, with the Cosmos Transfer1 upscaler."""
    settings = load()
    specs = upscale_specs(settings, run_or_video, upscale_weight, save=not dry_run)
    how = How(num_gpu, cuda_devices, settings.defaults.time_limit)
    run_all(
        settings, [specs], target, how,
        dry_run=dry_run, detach=detach, again=again, json=json, verbose=verbose,
    )  # fmt: skip
