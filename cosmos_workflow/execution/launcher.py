"""How a machine starts, watches and stops a detached command: pure functions, argv in, text out.

A launcher opens nothing.  It says which command to run; the driver (``on_host.py``) runs it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cosmos_workflow.errors import SubmissionRejected
from cosmos_workflow.events import Reason
from cosmos_workflow.execution.facts import HostFacts
from cosmos_workflow.execution.job import CommandJob, Place

_ATTEMPT = re.compile(r"^\S+: attempt (\d+), on ")


def attempts(log: Sequence[str]) -> int:
    """How often a job was begun, by its log: once more each time that its node was taken away.

    Where that may happen, the first line of an attempt is ``NAME: attempt N, on NODE``.
    """
    return max((int(found[1]) for line in log if (found := _ATTEMPT.match(line))), default=1)


@dataclass(frozen=True)
class ClusterSite:
    """How jobs are submitted to a cluster: options of sbatch, and what they run in.

    ``gres``: "{gpus}" stands for their number.  ``container``: pyxis, apptainer or none.
    ``array``: how many jobs one array may have; ``at_once``: how many of them may run at once.
    ``patience``: seconds after which a job that waits in vain is taken back; 0: never.
    """

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    gres: str = "gpu:{gpus}"
    container: str = "none"
    modules: tuple[str, ...] = ()
    array: int = 1000
    patience: int = 600
    at_once: int = 1
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """What a launcher has to know of the machine: folders on it, and how containers are run there.

    ``root`` holds ``inputs/<sha256>/name`` and ``runs/<job>/``.  ``checkpoints``, ``hf_cache`` and
    ``repo`` are folders on the host, empty when there is none.  ``images``: image by engine, which
    wins over ``image``, which wins over the engine's own.
    """

    root: str
    python: str = "python3"
    image: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    gpu_enabled: bool = True
    shm_size: str = ""
    checkpoints: str = ""
    hf_cache: str = ""
    repo: str = ""
    user: str = ""
    cluster: ClusterSite = ClusterSite()

    def workspace(self, job_name: str) -> str:
        """The job's folder on the host."""
        return f"{self.root}/runs/{job_name}"


@dataclass(frozen=True)
class State:
    """What the launcher knows of a job: alive, or how it went.

    ``why``: the place ended it, and says why.
    """

    phase: Literal["running", "exited", "gone"]
    exit_code: int | None = None
    oom: bool = False
    why: Reason | None = None


class Launcher(Protocol):
    """Start, find, watch and stop one detached command.

    The driver lays ``run-job.sh`` into every workspace; ``start`` must run
    ``sh {workspace}/run-job.sh {workspace} LIMIT SECRETS -- argv`` detached, in a new session,
    with the workspace as ``place`` shows it to the job.  run-job.sh writes ``job.log`` and
    ``exit_code`` and reads ``SECRETS`` lines ``NAME=value`` from ``secrets``: a named pipe, or,
    where a job may wait for hours before it reads them, a file that nobody else can read and that
    goes with the job.  ``secrets`` says which.
    """

    name: str
    secrets: str
    programs: Mapping[str, str]
    """What the machine must have for it, and what that is a part of."""
    elsewhere: bool
    """Jobs run on other machines than the one that they are started on."""
    queues: bool
    """Jobs wait there for their turn, by themselves: it is a Queuing launcher."""

    def place(self, job: CommandJob, site: Site, place: Place) -> str:
        """Where the job will see ``place`` (for a container: the path inside it)."""

    def files(self, job: CommandJob, site: Site) -> Mapping[str, bytes]:
        """What the launcher itself needs in the workspace, beside run-job.sh, by path."""

    def start(self, job: CommandJob, site: Site) -> Sequence[str]:
        """The command that starts the job and prints its reference; refuses a second start."""

    def ref(self, stdout: str) -> str:
        """The reference printed by ``start``: container id, process id, job number."""

    def state(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """The command that prints what ``read_state`` reads; exits 0 only while it is alive."""

    def read_state(self, stdout: str) -> State:
        """What ``state`` printed."""

    def waits(self, stdout: str) -> str:
        """Why a job that was started does not run yet, from what ``state`` printed; else empty.

        It begins with ``waiting.WAITING``.
        """

    def stop(self, job_name: str, ref: str, site: Site) -> Sequence[str]:
        """The command that ends the job; a job already over is no error."""

    def remains(self) -> str:
        """The script that looks after what is left of a job: ``sh -c SCRIPT sh VERB FOLDER``.

        - ``alive WORKSPACE`` exits 0 unless the job is surely not running.
        - ``sizes WORKSPACE`` prints the bytes of each thing that is kept outside of it.
        - ``forget WORKSPACE`` removes it and those things, or says why not and exits non-zero; a
          job that runs is left alone.
        - ``strays RUNS`` prints workspaces below the folder that are gone, but not all of the rest.
        """

    def rejection(self, stderr: str, exit_code: int) -> SubmissionRejected:
        """Why ``start`` refused, in a person's words, with what to do."""

    def probe(self, site: Site, files: Sequence[str] = (), image: str = "") -> Sequence[str]:
        """The one command that prints what ``read_probe`` reads; ``files`` below checkpoints."""

    def read_probe(self, stdout: str) -> HostFacts:
        """What the machine says of itself."""


class Queuing(Launcher, Protocol):
    """A launcher whose place has a queue of its own: it takes many jobs with one command."""

    def alike(self, job: CommandJob, site: Site) -> Hashable:
        """Jobs for which this is the same can be started together."""

    def start_all(self, jobs: Sequence[CommandJob], site: Site) -> Sequence[str]:
        """As ``start``, for many: none is started twice, whoever was here before."""

    def refs(self, stdout: str) -> Sequence[str]:
        """What ``start_all`` printed: the reference of each job, in their order."""

    def watch(self, site: Site) -> Sequence[str]:
        """The command that reads lines NAME REFERENCE and says of these jobs what changes.

        It prints ``@over NAME`` when one is over, ``@made NAME`` when there is more in its outputs,
        and from time to time, between ``@queue`` and ``@end``, what ``read_queue`` reads; it ends
        with the last of them.
        """

    def read_queue(self, lines: Sequence[str]) -> Mapping[str, str]:
        """What the queue says, by reference, as ``waits`` reads it."""

    def hopeless(self, stdout: str) -> str:
        """Why a job waits in vain, and what to do, from what ``state`` printed; else empty."""
