"""Array tasks of no work: our time over that of a bare sbatch, on one cluster of the lab.

``COSMOS_BENCH_TASKS`` takes fewer of them, for a quick look.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import slurm
from sshd import Sshd, start_sshd

from benchmarks.lab import compile_all
from benchmarks.table import Row
from cosmos_workflow.connection.ssh import SshAddress, SshHost
from cosmos_workflow.events import JobOver
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.launcher import ClusterSite, Site
from cosmos_workflow.execution.on_cluster import OnCluster
from cosmos_workflow.execution.slurm import SlurmLauncher
from cosmos_workflow.transfer.choose import transfer_for

TASKS, ROUNDS, GOAL, AT_ONCE = 1_000, 3, 1.2, 24
SMALL = ("--mem=10",)
"""Without it a task takes all the memory of a node, on a cluster without accounting."""


def measure() -> Iterator[Row]:
    """A row for all of it, and one for what is ours alone: before the cluster has them."""
    compile_all()
    tasks = int(os.environ.get("COSMOS_BENCH_TASKS", TASKS))
    with ground() as (cluster, target, folder):
        task = folder / "task.sh"
        task.write_text("#!/bin/sh\ntrue\n")
        took, least, before = [], [], []
        for _ in range(ROUNDS):
            least.append(bare(cluster, task, tasks))
            whole, sent = ours(target, tasks)
            took.append(whole)
            before.append(sent)
    ratio = min(took) / min(least)
    yield Row(
        f"Slurm: {tasks:,} array tasks of no work, over bare sbatch", f"{ratio:.2f}",
        f"{GOAL} or less", ratio <= GOAL, f"{min(took):.1f} s; sbatch alone {min(least):.1f} s",
    )  # fmt: skip
    yield Row(
        f"  of it until the cluster has all {tasks:,}", f"{min(before):.1f} s",
        compared="workspaces over SSH, one sbatch",
    )  # fmt: skip


@contextmanager
def ground() -> Iterator[tuple[slurm.Slurm, OnCluster, Path]]:
    """A cluster, and a target whose login node it is."""
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        folder = Path(name)
        cluster = slurm.make(folder / "c")
        try:
            server = start_sshd(folder / "login", [f"SetEnv SLURM_CONF={cluster.conf}"])
            try:
                yield cluster, target_on(server, folder / "shared"), folder
            finally:
                server.stop()
        finally:
            cluster.stop()


def target_on(server: Sshd, root: Path) -> OnCluster:
    """The driver as a project's settings would make it."""
    login = SshAddress(
        host=server.host, user=server.user, port=server.port, ssh_key=str(server.key),
        ssh_config=str(server.config), known_hosts=str(server.known_hosts),
    )  # fmt: skip
    host = SshHost("cluster", login)
    site = Site(str(root), cluster=ClusterSite(at_once=AT_ONCE, extra=SMALL))
    return OnCluster("cluster", host, transfer_for(host), SlurmLauncher(), site, far=True)


def bare(cluster: slurm.Slurm, task: Path, tasks: int) -> float:
    """Seconds until an array of nothing has left the queue."""
    start = time.perf_counter()
    number = cluster(
        "sbatch", "--parsable", *SMALL, f"--array=0-{tasks - 1}%{AT_ONCE}", "--output=/dev/null",
        str(task),
    )  # fmt: skip
    while cluster("squeue", "-h", "-j", number, check=False):
        time.sleep(0.5)
    return time.perf_counter() - start


def ours(target: OnCluster, tasks: int) -> tuple[float, float]:
    """Seconds until as many jobs of the product are known to be over, and until they were sent."""
    jobs = [
        CommandJob(f"rs_{n:08x}.1-{uuid4().hex[:6]}", "any", ("true",), {f"rs_{n:08x}.1": ("x",)})
        for n in range(tasks)
    ]
    start = time.perf_counter()
    for _ in target.stage_all(jobs):
        pass
    handles = [one for some in target.submit_all(jobs, {}) for one in some.values()]
    sent = time.perf_counter() - start
    over = sum(isinstance(event, JobOver) for _, event in target.watch(handles))
    took = time.perf_counter() - start
    if over != tasks:
        raise AssertionError(f"{over} of {tasks} jobs ended")
    return took, sent
