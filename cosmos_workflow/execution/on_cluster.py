"""The driver for a machine with a cluster behind it: many jobs go there at once, and wait there."""

from __future__ import annotations

import time
from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from cosmos_workflow.connection.host import Host
from cosmos_workflow.errors import HostUnreachable
from cosmos_workflow.events import Alive, JobOver, Progress, Staged, Transferring
from cosmos_workflow.execution.host_scripts import SUBMIT_ALL, UNPACK
from cosmos_workflow.execution.job import CommandJob
from cosmos_workflow.execution.launcher import Queuing, Site
from cosmos_workflow.execution.narrate import narrate
from cosmos_workflow.execution.on_host import OnHost, coded, distinct, sources
from cosmos_workflow.execution.target import Handle, InVain, Made, Seen
from cosmos_workflow.transfer.archive import archive
from cosmos_workflow.transfer.transfer import Moved, Transfer

MISSED = 2
"""Looks at the queue that a job may be missing from, before it counts as over."""

RUNNING = "at work on the cluster"


class OnCluster(OnHost):
    """A target whose launcher queues: what is done there for one job, for many at once.

    The number of commands on the machine is the same for any number of jobs that are alike.
    """

    def __init__(
        self,
        name: str,
        host: Host,
        transfer: Transfer,
        launcher: Queuing,
        site: Site,
        *,
        silence: float = 20.0,
        far: bool = False,
    ) -> None:
        super().__init__(name, host, transfer, launcher, site, silence=silence, far=far)
        self._queuing = launcher

    @property
    def queue(self) -> OnCluster:
        """The cluster's own."""
        return self

    @property
    def most(self) -> int:
        """How many jobs one array may have."""
        return self._site.cluster.array

    @property
    def patience(self) -> float:
        """Seconds for which a job may wait in vain; 0: for ever."""
        return self._site.cluster.patience

    def stage_all(self, jobs: Sequence[CommandJob]) -> Generator[Transferring | Staged, None, None]:
        """As ``stage``: the last event is Staged, and tells of all."""
        inputs = [item for job in jobs for item in job.inputs]
        site, there = self._resolved(), self._look(inputs)
        files = {key: path for job in jobs for key, path in sources(job).items()}
        new = {key: path for key, path in files.items() if key not in there}
        moved: Moved = yield from narrate(
            "up", lambda report: self._transfer.push(new, site.root, report=report, new=True)
        )
        total = sum(path.stat().st_size for path in files.values())
        packed = archive(text for job in jobs for text in self._notes(job, site).items())
        start = time.monotonic()
        done = self.host.run(["sh", "-c", UNPACK, "sh", site.root], stdin=packed, check=False)
        if done.exit_code:
            raise self._refusal(replace(done, exit_code=73), jobs[0])
        seconds = moved.seconds + time.monotonic() - start
        yield Staged(moved.sent + len(packed), total + len(packed), round(seconds, 3))

    def _notes(self, job: CommandJob, site: Site) -> Mapping[str, bytes]:
        """The small files of a workspace, and which inputs it needs, so that they stay."""
        names = "".join(f"{item.sha256}\n" for item in distinct(job.inputs)).encode()
        place = f"runs/{job.name}"
        return {**self._texts(job, site), f"{place}/inputs": names, f"{place}/outputs/": b""}

    def submit_all(
        self, jobs: Sequence[CommandJob], secrets: Mapping[str, str]
    ) -> Iterator[Mapping[str, Handle]]:
        """As ``submit``, in as few pieces as can be: jobs that are alike go together."""
        site = self._resolved()
        self._verify(distinct([item for job in jobs for item in job.inputs]), site)
        kinds: dict[Hashable, list[CommandJob]] = {}
        for job in jobs:
            kinds.setdefault(self._queuing.alike(job, site), []).append(job)
        for same in kinds.values():
            for start in range(0, len(same), self.most):
                yield self._submit_alike(same[start : start + self.most], secrets, site)

    def _submit_alike(
        self, jobs: Sequence[CommandJob], secrets: Mapping[str, str], site: Site
    ) -> Mapping[str, Handle]:
        argv = [
            "sh", "-c", SUBMIT_ALL, "sh", site.root, str(len(jobs[0].secrets)), str(len(jobs)),
            *(job.name for job in jobs), *self._queuing.start_all(jobs, site),
        ]  # fmt: skip
        done = self.host.run(argv, stdin=coded(jobs[0].secrets, secrets), check=False)
        if done.exit_code:
            raise self._refusal(done, jobs[0])
        refs = self._queuing.refs(done.stdout)
        return {
            job.name: Handle(self.name, job.name, ref) for job, ref in zip(jobs, refs, strict=True)
        }

    def watch(self, handles: Sequence[Handle]) -> Iterator[tuple[str, Seen]]:
        """What changes of submitted jobs: why one waits, that it runs, that there is more in its
        outputs, that it is over; and each time which of them wait in vain.

        Ends when all are over.  Of a job that the queue knows no more it says that it is over, too:
        ``follow`` knows how.
        """
        site = self._resolved()
        lines = "".join(f"{one.job} {one.ref}\n" for one in handles).encode()
        look = _Look(self._queuing, handles)
        pending = b""
        argv = self._queuing.watch(site)
        for chunk in self.host.stream(argv, stdin=lines, idle_timeout=self._silence):
            if chunk.source == "err":
                yield "", Alive()
            elif chunk.source == "out":
                *whole, pending = (pending + chunk.data).split(b"\n")
                for line in whole:
                    yield from look.read(line.decode("utf-8", "replace"))
        if look.open:
            raise HostUnreachable(f"the connection to {self.name} ended while following")


class _Look:
    """What was seen so far of the jobs that are open."""

    def __init__(self, launcher: Queuing, handles: Sequence[Handle]) -> None:
        self.open = {one.job: one.ref for one in handles}
        self._launcher = launcher
        self._stages: dict[str, str] = {}
        self._missed: dict[str, int] = {}
        self._lines: list[str] | None = None

    def read(self, line: str) -> Iterator[tuple[str, Seen]]:
        word, _, name = line.partition(" ")
        if word == "@over":
            yield from self._over(name)
        elif word == "@made":
            yield name, Made()
        elif word == "@queue":
            self._lines = []
        elif word == "@end":
            lines, self._lines = self._lines, None
            yield from self._queue(lines or [])
        elif self._lines is not None:
            self._lines.append(line)

    def _over(self, name: str) -> Iterator[tuple[str, Seen]]:
        if self.open.pop(name, None) is not None:
            yield name, JobOver()

    def _queue(self, lines: Sequence[str]) -> Iterator[tuple[str, Seen]]:
        states = self._launcher.read_queue(lines)
        for name, ref in list(self.open.items()):
            state = states.get(ref)
            if state is None:
                self._missed[name] = self._missed.get(name, 0) + 1
                if self._missed[name] >= MISSED:
                    yield from self._over(name)
                continue
            self._missed.pop(name, None)
            stage = self._launcher.waits(state) or RUNNING
            if self._stages.get(name) != stage:
                self._stages[name] = stage
                yield name, Progress(stage)
            if why := self._launcher.hopeless(state):
                yield name, InVain(why)
