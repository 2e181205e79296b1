"""``upscale``: the same line as ``run``, with the upscaler as its engine."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.run import (
    Again,
    CudaDevices,
    Detach,
    DryRun,
    Manner,
    NumGpu,
    TargetName,
    TimeLimit,
    how_to,
    run_all,
)
from cosmos_workflow.config.load import load
from cosmos_workflow.workflows.upscale import upscale_specs


def upscale(
    run_or_video: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_VIDEO",
            help="A run, or any video file.",
            autocompletion=completion.runs,
        ),
    ],
    upscale_weight: Annotated[
        float, typer.Option(help="How closely the result keeps to the video, 0 to 1.")
    ] = 0.7,
    target: TargetName = "",
    num_gpu: NumGpu = 0,
    cuda_devices: CudaDevices = "",
    time_limit: TimeLimit = -1,
    dry_run: DryRun = False,
    detach: Detach = False,
    again: Again = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a 4K video of a run's result or any video, with the Cosmos Transfer1 upscaler."""
    settings = load()
    specs = upscale_specs(settings, run_or_video, upscale_weight, save=not dry_run)
    how = how_to(settings, num_gpu, cuda_devices, time_limit)
    run_all(settings, [specs], target, how, Manner(dry_run, detach, again, json, verbose))
