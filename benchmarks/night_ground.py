"""Where nights are measured: two hosts behind SSH with Docker, and 60 runs of three keys."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dockerd
from project import Project, command, environment, remote_config, video
from sshd import Sshd, start_sshd

from benchmarks.lab import compile_all
from benchmarks.night_image import quick
from cosmos_workflow.config.load import load
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows.compose_runs import Knobs, make_runs

LOAD_S, SAMPLE_S, SEEDS = 5.0, 1.0, 20
KEYS = (("depth=0.4", ()), ("edge=1", ()), ("depth=0.4", ("offload_guardrail_models=false",)))
"""A control and options each: runs with different ones do not share a loaded model."""

WORDS = f"a wet street [[load={LOAD_S:g}]][[slow={SAMPLE_S / 2:g}]]"
"""The stand-in waits after each step and once before the first; it is asked for one step."""
HOSTS = ("gpu", "other")


@dataclass(frozen=True)
class Took:
    """A command: from when until when, and seconds of processors, ffmpeg included.

    ``busy``: the share of its time that all processors of the machine worked, for whomever.
    """

    began: float
    over: float
    processor: float
    busy: float

    @property
    def seconds(self) -> float:
        return self.over - self.began


@dataclass(frozen=True)
class Ground:
    """A project, and two hosts with an sshd of their own; Docker's engine is one for both."""

    folder: Path
    project: Project
    servers: dict[str, Sshd]
    docker: dockerd.Docker
    image: str
    prompt: str

    def remote(self, host: str) -> Path:
        """Where a host keeps its files."""
        return self.folder / f"host {host}"

    def configure(self, slots: int) -> None:
        """Write config.toml: both hosts, each with as many slots."""
        text = ""
        for name in HOSTS:
            config = remote_config(
                self.servers[name], self.remote(name), self.image, more=f"slots = {slots}"
            )
            head, _, table = config.partition("[targets.gpu]")
            text += (head if not text else "") + f"[targets.{name}]{table}"
        self.project.configure(text)

    def specs(self, seeds: Sequence[int]) -> list[str]:
        """Ids of RunSpecs: each seed with each set of controls."""
        settings = load(self.project.root)
        wanted = [
            Knobs("transfer25", None, [control], {"seed": seed, "num_steps": 1}, options)
            for control, options in KEYS
            for seed in seeds
        ]
        return [made.run.id for one in wanted for made in make_runs(settings, [self.prompt], one)]

    def night(self, specs: Sequence[str], hosts: Sequence[str]) -> Took:
        """``cosmos batch`` from its start to its end: all results are home."""
        names = self.folder / "night.txt"
        names.write_text("\n".join(specs) + "\n")
        argv = command(("batch", str(names), "--targets", ",".join(hosts), "--json"))
        before, began, machine = os.times(), time.time(), _machine()
        with (self.folder / "night.jsonl").open("wb") as said:
            subprocess.run(
                argv, cwd=self.project.root, env=environment(None), check=True, stdout=said
            )
        after, over = os.times(), time.time()
        worked, idle = (b - a for a, b in zip(machine, _machine(), strict=True))
        spent = after.children_user + after.children_system
        spent -= before.children_user + before.children_system
        return Took(began, over, spent, worked / (worked + idle))

    def run(self, spec: str) -> RunFolder:
        """The first attempt at a RunSpec."""
        return self.project.run(spec)


def _machine() -> tuple[int, int]:
    """Ticks that its processors have worked, and idled."""
    user, nice, system, idle, wait, *more = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return user + nice + system + sum(more[:3]), idle + wait


@dataclass(frozen=True)
class Span:
    """One job by its host's own clock, and the runs it had."""

    job: str
    lane: str
    began: float
    over: float
    runs: tuple[str, ...]


def spans(ground: Ground, specs: Sequence[str]) -> list[Span]:
    """The jobs of these runs, in the order of their beginning; by what run-job.sh has left."""
    found: dict[str, Span] = {}
    for spec in specs:
        folder = ground.run(spec)
        job, host = folder.job(), folder.run().target
        if job.name not in found:
            left = ground.remote(host) / "runs" / job.name
            began, over = ((left / name).stat().st_mtime for name in ("started", "exit_code"))
            found[job.name] = Span(job.name, host, began, over, tuple(job.outputs))
    return sorted(found.values(), key=lambda one: one.began)


@contextmanager
def ground() -> Iterator[Ground]:
    """Two hosts, an image whose model loads for LOAD_S and samples for SAMPLE_S, and a project."""
    compile_all()
    with (
        dockerd.engine() as docker,
        tempfile.TemporaryDirectory(prefix="cosmos-night-") as name,
    ):
        folder = Path(name)
        servers = {host: start_sshd(folder / f"sshd-{host}") for host in HOSTS}
        try:
            yield _made(folder, servers, docker)
        finally:
            for server in servers.values():
                server.stop()


def _made(folder: Path, servers: dict[str, Sshd], docker: dockerd.Docker) -> Ground:
    project = Project(folder / "project")
    video(project.root / "shot" / "color.mp4", "testsrc2")
    video(project.root / "shot" / "depth.mp4", "gradients")
    made = Ground(folder, project, servers, docker, quick(docker), "")
    made.configure(1)
    controls = ("--input-video", "shot/color.mp4", "--control-inputs", "depth:shot/depth.mp4")
    prompt = project.json("create-spec", "street", WORDS, *controls)[-1]["id"]
    return Ground(folder, project, servers, docker, made.image, str(prompt))
