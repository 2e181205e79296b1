"""Is a target fit for an engine: every check with what was found and, if it failed, its fix."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Needs
from cosmos_workflow.errors import ConfigError, CosmosError, MissingExtra
from cosmos_workflow.execution.facts import Cluster, HostFacts, ServiceFacts, Setup
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.workflows import assemble, match

GIB = 1024**3
LOW_DISK, NO_DISK = 20 * GIB, 2 * GIB
"""Free bytes below which a disk is worth a warning, and below which it is a failure."""

SKEW = 30.0
"""Seconds two clocks may differ before it is worth saying."""


@dataclass(frozen=True)
class Check:
    """One thing looked at.  ``fix`` says what to do when ``level`` is not ok."""

    name: str
    level: Literal["ok", "warn", "fail"]
    said: str
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """Everything found out about a target.  ``facts`` is None when it could not be reached.

    ``engine`` is empty where a service was looked at and no engine named.
    """

    target: str
    engine: str
    facts: HostFacts | None
    checks: tuple[Check, ...]
    seconds: float = 0.0

    @property
    def fit(self) -> bool:
        """True when nothing failed."""
        return all(check.level != "fail" for check in self.checks)


def examine(
    settings: Settings,
    target_name: str = "",
    engine_name: str = "",
    run: RunSpec | None = None,
    ask: Callable[[str], str] | None = None,
) -> Report:
    """Look at this machine and the target, in one connection and one command on it.

    With a RunSpec, for exactly what that run needs; a machine with nothing said, for the usual
    engine.
    """
    target_name = target_name or settings.default_target
    named = bool(run or engine_name)
    place = assemble.target(settings, target_name, ask)
    place.approach()
    service = bool(match.dialect_of(settings, target_name))
    if not named and service:
        engine_name, needs = "", Needs()  # the usual engine has nothing to do with it
    else:
        engine_name = run.engine if run else engine_name or settings.default_engine
        needs = assemble.engine(engine_name, settings).needs(run)
    options = settings.all_targets()[target_name]
    image = options.image_for(engine_name) or needs.image
    checks = [*_here(), *(_kind(settings, engine_name, needs, target_name) if named else ())]
    started = time.monotonic()
    facts = None
    try:
        before = time.time()
        facts = place.facts(needs.checkpoints, image)
        took = time.monotonic() - started
        checks.append(Check("reachable", "ok", f"{place.name}, {took:.1f} s"))
        checks += _there(facts, needs, image, before + took / 2)
    except CosmosError as error:
        checks.append(Check("reachable", "fail", error.message, error.hint))
    finally:
        place.close()
    return Report(target_name, engine_name, facts, tuple(checks), time.monotonic() - started)


def _kind(settings: Settings, engine: str, needs: Needs, target: str) -> Iterator[Check]:
    try:
        match.check(settings, engine, needs.dialect, target)
    except ConfigError as error:
        yield Check("engine", "fail", error.message, error.hint)


def _here() -> Iterator[Check]:
    try:
        yield Check("ffmpeg here", "ok", str(ffmpeg.executable()))
    except MissingExtra as error:
        yield Check("ffmpeg here", "fail", error.message, error.hint)


def _there(facts: HostFacts, needs: Needs, image: str, now: float) -> Iterator[Check]:
    """By what the target says of itself, and of what it is meant to be."""
    if facts.service is not None:
        yield from _service(facts.service)
    setup = facts.setup
    if setup is None:
        return
    yield from _programs(facts, setup)
    yield from _disk(facts)
    if facts.clock is not None:
        yield _clock(facts.clock - now)
    if setup.launcher == "docker":
        yield from _docker(facts, image, setup.gpus)
    if facts.cluster:
        yield from _cluster(facts.cluster, setup.partition)
    if needs.gpu_memory_gib and setup.gpus:
        yield from _gpus(facts, needs)
    if needs.checkpoints:
        yield from _checkpoints(facts, setup.checkpoints)


def _service(service: ServiceFacts) -> Iterator[Check]:
    if service.token:
        yield Check("token", "ok", f"{service.token} is set")
    if not service.ready:
        fix = "wait if it is starting; else see its own log, its url and its token"
        yield Check("service", "fail", service.message, fix)
        return
    yield Check("service", "ok", f"{service.message} {service.version}".strip())
    if service.models:
        yield Check("models", "ok", ", ".join(service.models))


def _programs(facts: HostFacts, setup: Setup) -> Iterator[Check]:
    need = {"mkfifo": "coreutils", "timeout": "coreutils", **setup.programs}
    missing = {name: package for name, package in need.items() if name not in facts.programs}
    if not {"sha256sum", "shasum"} & facts.programs:
        missing["sha256sum"] = "coreutils"
    for name, package in missing.items():
        yield Check(name, "fail", "not on the host", f"install {package} there")
    if setup.far and not shutil.which("rsync"):
        yield Check(
            "rsync here", "warn", "not installed: files go by SFTP, slower for many of them",
            "install rsync",
        )  # fmt: skip
    if setup.far:
        yield (
            Check("rsync", "ok", facts.rsync)
            if facts.rsync
            else Check("rsync", "warn", "not on the host: files go by SFTP", "install rsync there")
        )


def _disk(facts: HostFacts) -> Iterator[Check]:
    disk = facts.disk
    if disk is None:
        yield Check("disk", "warn", "the host does not say", "run df there")
        return
    said = f"{disk.free / GIB:.0f} of {disk.total / GIB:.0f} GiB free at {disk.path}"
    if not disk.writable:
        said = f"{disk.path} is not writable"
        yield Check("disk", "fail", said, "set remote_dir to a folder of yours")
    elif disk.free < NO_DISK:
        yield Check("disk", "fail", said, "cosmos clean removes what old jobs have left there")
    elif disk.free < LOW_DISK:
        yield Check("disk", "warn", said, "cosmos clean removes what old jobs have left there")
    else:
        yield Check("disk", "ok", said)


def _clock(skew: float) -> Check:
    if abs(skew) > SKEW:
        return Check(
            "clock", "warn", f"{skew:+.0f} s against ours", "start time synchronisation there"
        )
    return Check("clock", "ok", f"{abs(skew):.0f} s from ours")


def _docker(facts: HostFacts, wanted: str, gpus: bool) -> Iterator[Check]:
    engine = facts.docker
    if engine is None:
        yield Check("docker", "fail", "not installed on the host", "install Docker Engine there")
        return
    if not engine.server:
        yield Check(
            "docker", "fail", engine.error,
            "start it (sudo systemctl start docker), or let your user use it: "
            "sudo usermod -aG docker $USER, then log in again",
        )  # fmt: skip
        return
    yield Check("docker", "ok", engine.server)
    if gpus and engine.nvidia:
        yield Check("nvidia toolkit", "ok", "containers can have GPUs")
    elif gpus:
        yield Check(
            "nvidia toolkit", "fail", "Docker cannot give GPUs to containers",
            "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure "
            "--runtime=docker && sudo systemctl restart docker",
        )  # fmt: skip
    for image in (image for image in facts.images if image.name == wanted):
        if not image.id:
            yield Check(
                "image", "fail", f"{image.name} is not on the host",
                "docker pull or build it there, or set [docker] image to one that is",
            )  # fmt: skip
        elif "@sha256:" in image.name or image.digests:
            digest = (image.name if "@" in image.name else image.digests[0]).partition("@")[2]
            yield Check("image", "ok", f"{image.name} {digest[:19]}")
        else:
            yield Check("image", "ok", f"{image.name} {image.id[:19]}")


def _cluster(cluster: Cluster, wanted: str) -> Iterator[Check]:
    if cluster.error or not cluster.partitions:
        fix = "is slurmctld up? sinfo there says more; runs in its queue are not lost"
        yield Check("slurm", "fail", cluster.error or "it has no partitions", fix)
        return
    known = {one.name: one for one in cluster.partitions}
    if wanted and wanted not in known:
        yield Check(
            "partition", "fail", f"there is no {wanted}; there are {', '.join(known)}",
            "set partition below [targets.NAME.slurm]",
        )  # fmt: skip
    for one in [known[wanted]] if wanted in known else cluster.partitions:
        said = f"{one.name}: {one.nodes} nodes, {one.idle} idle, {one.down} down"
        if one.up and one.nodes > one.down:
            yield Check("partition", "ok", f"{said}, {one.gres or 'no gres'}")
        else:
            yield Check("partition", "warn", said, "jobs wait there until it is up again")
    running = sum(job.count for job in cluster.jobs if job.state == "running")
    waiting = sum(job.count for job in cluster.jobs) - running
    yield Check("our jobs", "ok", f"{running} running, {waiting} waiting")


def _gpus(facts: HostFacts, needs: Needs) -> Iterator[Check]:
    if not facts.gpus:
        yield Check(
            "gpu", "fail", facts.gpu_error or "nvidia-smi is not on the host",
            "install the NVIDIA driver there, or pick another target",
        )  # fmt: skip
        return
    for gpu in facts.gpus:
        free, total = (gpu.memory_free or 0) / 1024, (gpu.memory_total or 0) / 1024
        said = f"{gpu.name}, {free:.0f} of {total:.0f} GiB free"
        name = f"gpu {gpu.index}"
        if total < needs.gpu_memory_gib:
            yield Check(
                name, "warn", f"{said}; the engine wants {needs.gpu_memory_gib:.0f}",
                "turn on the offload options; GPUs do not pool their memory",
            )  # fmt: skip
        elif free < needs.gpu_memory_gib:
            yield Check(
                name, "warn", f"{said}; the engine wants {needs.gpu_memory_gib:.0f}",
                "something else is using it: cosmos status --verbose, nvidia-smi",
            )  # fmt: skip
        else:
            yield Check(name, "ok", said)


def _checkpoints(facts: HostFacts, folder: str) -> Iterator[Check]:
    if not folder:
        yield Check(
            "checkpoints", "warn", "no folder is configured: they must be in the image",
            "set checkpoints to the folder of model weights on the host",
        )  # fmt: skip
        return
    if not facts.checkpoints_folder:
        yield Check(
            "checkpoints", "fail", f"{folder} is not there",
            "correct checkpoints in config.toml, or run host-setup.sh on the host to fetch them",
        )  # fmt: skip
        return
    pointers = [file.path for file in facts.checkpoints if file.kind == "pointer"]
    missing = [file.path for file in facts.checkpoints if file.kind == "missing"]
    if pointers:
        yield Check(
            "checkpoints", "fail", "git-LFS pointers instead of files: " + ", ".join(pointers),
            f"git lfs pull in {folder}",
        )  # fmt: skip
    if missing:
        yield Check(
            "checkpoints", "fail", "missing: " + ", ".join(missing),
            "run host-setup.sh on the host once more: it fetches what is missing",
        )  # fmt: skip
    if not pointers and not missing:
        yield Check("checkpoints", "ok", f"{len(facts.checkpoints)} of {len(facts.checkpoints)}")
