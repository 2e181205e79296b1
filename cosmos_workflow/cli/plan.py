"""``plan``: what a run would do, send, take and cost; ``run --dry-run`` is the same."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.run import CudaDevices, NumGpu, TargetName, TimeLimit, dry_run


def plan(
    run_spec: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_SPEC...",
            help="RunSpecs: path, glob, id, start of an id, or name.",
            autocompletion=completion.run_specs,
        ),
    ],
    target: TargetName = "",
    num_gpu: NumGpu = 0,
    cuda_devices: CudaDevices = "",
    time_limit: TimeLimit = -1,
    as_json: Json = False,
) -> None:
    """Print what a run would do, send, take and cost, and do none of it.

    The exact command or request, each file and its size, GPU seconds by the makers' figures or
    by your own past runs, and the cost with price_per_hour of the target.

    Example: cosmos plan atrium --target lab
    """
    dry_run(run_spec, target, num_gpu, cuda_devices, time_limit, as_json)
