"""What a machine says of itself, as plain facts that status and doctor judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi sees it; memory in MiB, use in percent; None where it does not say."""

    index: int
    name: str
    memory_total: int | None
    memory_used: int | None
    memory_free: int | None
    utilization: int | None


@dataclass(frozen=True)
class DockerEngine:
    """The Docker engine.  ``server`` is empty when it does not answer, and ``error`` says why.

    ``nvidia``: it can give GPUs to containers.
    """

    client: str
    server: str
    runtimes: tuple[str, ...]
    nvidia: bool
    error: str = ""


@dataclass(frozen=True)
class Image:
    """A container image by the name it was asked for; ``id`` is empty when it is not there."""

    name: str
    id: str = ""
    size: int = 0
    digests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Container:
    """A container of ours that runs now."""

    name: str
    run: str
    job: str
    status: str


@dataclass(frozen=True)
class Partition:
    """A partition of a cluster: its nodes by what they do, and what each of them has."""

    name: str
    up: bool
    idle: int = 0
    mixed: int = 0
    allocated: int = 0
    down: int = 0
    gres: str = ""

    @property
    def nodes(self) -> int:
        """All of them."""
        return self.idle + self.mixed + self.allocated + self.down


@dataclass(frozen=True)
class ClusterJob:
    """Jobs of ours in a cluster's queue: one, or those of an array that are in the same state.

    ``reason``: why they wait; empty for those that run.
    """

    number: str
    name: str
    state: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Cluster:
    """What a cluster says of itself; ``error``: why it does not."""

    partitions: tuple[Partition, ...] = ()
    jobs: tuple[ClusterJob, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Disk:
    """The file system that holds ``path``, the root or its nearest folder that exists; bytes."""

    path: str
    total: int
    free: int
    writable: bool


@dataclass(frozen=True)
class Checkpoint:
    """A file of model weights, relative to the checkpoint folder; a pointer is git-LFS's stub."""

    path: str
    kind: Literal["file", "folder", "pointer", "missing"]
    size: int = 0


@dataclass(frozen=True)
class Setup:
    """What a machine is meant to be, by its settings: what it has to have depends on that.

    ``far``: files go to it over a line.  ``launcher``: how jobs run there; ``programs``: what that
    needs, and what each is a part of.  ``gpus``: they get GPUs of it.  ``checkpoints``: the folder
    of weights, ``partition``: the one of the cluster; empty when none is named.
    """

    far: bool
    launcher: str
    gpus: bool
    checkpoints: str
    partition: str = ""
    programs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceFacts:
    """What a service says of itself.  ``message``: its own words, or why it did not answer.

    ``token``: the variable whose value it was asked with; empty when it was asked without one.
    """

    ready: bool
    message: str = ""
    version: str = ""
    models: tuple[str, ...] = ()
    token: str = ""


@dataclass(frozen=True)
class HostFacts:
    """Everything ``cosmos status`` and ``cosmos doctor`` judge by.

    ``programs`` are those that ``probe.PROBE`` asks for and finds.  ``clock`` is its time in
    seconds since the epoch.  ``docker`` is None when it was not asked for or is not installed.
    ``checkpoints_folder`` is None when the site names none, else whether it is there.
    ``setup`` is None for a service; ``service`` is None for a machine, and all there is of a
    service.
    """

    system: str = ""
    hostname: str = ""
    cpus: int = 0
    memory: int = 0
    clock: float | None = None
    python: str = ""
    rsync: str = ""
    programs: frozenset[str] = frozenset()
    disk: Disk | None = None
    docker: DockerEngine | None = None
    images: tuple[Image, ...] = ()
    containers: tuple[Container, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    gpu_error: str = ""
    checkpoints_folder: bool | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    setup: Setup | None = None
    service: ServiceFacts | None = None
    cluster: Cluster | None = None
