"""What a machine says of itself, as plain facts that status and doctor judge by."""

from __future__ import annotations

from dataclasses import dataclass
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
class ServiceFacts:
    """What a service says of itself.  ``message``: its own words, or why it did not answer."""

    ready: bool
    message: str = ""
    version: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """Everything ``cosmos status`` and ``cosmos doctor`` judge by.

    ``programs`` are those that ``probe.PROBE`` asks for and finds.  ``clock`` is its time in
    seconds since the epoch.  ``docker`` is None when it was not asked for or is not installed.
    ``checkpoints_folder`` is None when the site names none, else whether it is there.
    ``service`` is None for a machine; for a service it is all there is.
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
    service: ServiceFacts | None = None
