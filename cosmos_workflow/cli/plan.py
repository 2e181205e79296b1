"""``plan``: what a run would do, send, take and cost; ``run --dry-run`` is the same."""

from __future__ import annotations

from cosmos_workflow.cli.arguments import RunSpecs
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.run import CudaDevices, NumGpu, TargetName, TimeLimit, dry_run


def plan(
    run_spec: RunSpecs,
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
