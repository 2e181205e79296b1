"""The queue over two hosts, one of which is not as it should be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from batches import QUICK, items, queue, right, spec
from dockerd import Docker
from need import need_root
from project import Project, remote_config
from scene import FINAL, counted, until
from sshd import Sshd

from cosmos_workflow.runs.queue import State
from cosmos_workflow.runs.store import RunFolder


@dataclass(frozen=True)
class Pair:
    """A project with two hosts, ``gpu`` and ``other``; the second one's server may be spoiled."""

    project: Project
    other: Sshd
    hosts: dict[str, Path]
    docker: Docker
    image: str
    first: Sshd

    def configure(self, *, gpu: str = "", other: str = "") -> None:
        """Write config.toml, with more lines for either host."""
        text = remote_config(self.first, self.hosts["gpu"], self.image, more=gpu)
        second = remote_config(self.other, self.hosts["other"], self.image, more=other)
        second = second.partition("[targets.gpu]")[2]
        self.project.configure(f"{text}\n[targets.other]{second}{QUICK}")

    def where(self, spec_id: str) -> str:
        """On which target its last run was."""
        return (
            RunFolder(self.project.root / "outputs" / items(self.project)[spec_id].run).run().target
        )

    def all_right(self, specs: list[str]) -> None:
        """Every item is done with its own video, and every run has ended once."""
        for one in specs:
            right(self.project, one)
        for folder in self.project.store.folders():
            kinds = counted(folder)
            assert sum(kinds[kind] for kind in FINAL) == 1, (folder.id, kinds)

    def worked_on(self, spec_id: str) -> int:
        """How many attempts at it have had a GPU."""
        attempts = self.project.store.attempts(spec_id)
        return sum(one.run().used is not None for one in attempts)


@pytest.fixture
def pair(
    project: Project,
    shared_sshd: Sshd,
    sshd: Sshd,
    docker: Docker,
    transfer25_image: str,
    tmp_path: Path,
) -> Pair:
    hosts = {name: tmp_path / f"{name} dir" for name in ("gpu", "other")}
    made = Pair(project, sshd, hosts, docker, transfer25_image, shared_sshd)
    made.configure()
    return made


def some(project: Project, count: int, words: str = "") -> list[str]:
    """RunSpecs with one batch key, and as many with another."""
    return [
        spec(project, f"street {n} {words}", n, control)
        for n in range(count)
        for control in ("depth=0.4", "edge=1")
    ]


BOTH = ("--targets", "gpu,other")


def test_two_workers_on_one_queue(pair: Pair) -> None:
    specs = some(pair.project, 4, "[[slow=0.5]]")
    pair.project.cosmos("queue", "add", *specs, *BOTH)
    workers = [pair.project.begin("queue", "work", *BOTH, "--idle-stop", "2s") for _ in range(2)]
    for worker in workers:
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0, out
    pair.all_right(specs)
    assert {pair.worked_on(one) for one in specs} == {1}


def test_a_host_that_is_not_there_is_left_alone(pair: Pair) -> None:
    pair.other.stop()
    specs = some(pair.project, 3)
    said = pair.project.cosmos("batch", *specs, *BOTH)
    pair.all_right(specs)
    assert {pair.where(one) for one in specs} == {"gpu"}
    assert "warning" in said.stderr


def test_a_host_that_is_rebooted_in_the_middle(pair: Pair) -> None:
    specs = [spec(pair.project, f"street {n} [[slow=1.5]]", n) for n in range(4)]
    pair.project.cosmos("queue", "add", *specs, "--targets", "other")
    worker = pair.project.begin("queue", "work", "--targets", "other", "--idle-stop", "3s")
    first = pair.project.run(specs[0])
    until(lambda: first.path.exists() and first.run().status.final, "the first result is home")
    job = first.job().name
    pair.other.kill_sessions()
    pair.other.stop()
    pair.docker.remove(*pair.docker("ps", "-aq", "--filter", f"label=cosmos.job={job}").split())
    pair.other.restart()
    out, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, out
    pair.all_right(specs)
    assert pair.worked_on(specs[0]) == 1, "what was home stays"
    assert items(pair.project)[specs[0]].run == f"{specs[0]}.1"


def test_a_full_disk_on_one_host(pair: Pair) -> None:
    with small_disk(pair.hosts["other"]):
        specs = some(pair.project, 4, "[[slow=0.3]]")
        pair.project.cosmos("batch", *specs, *BOTH, code=None)
        pair.all_right(specs)
        assert {pair.where(one) for one in specs} == {"gpu"}


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A real file system without room for a video."""
    need_root()
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


SKEWED = """#!/bin/sh
case $1 in
  -r) echo $(($(/bin/date -r "$2" +%s) + 7200)) ;;
  *) exec /bin/date -d "@$(($(/bin/date +%s) + 7200))" "$@" ;;
esac
"""


def test_a_host_whose_clock_is_wrong(pair: Pair) -> None:
    folder = pair.other.folder / "skew"
    folder.mkdir()
    (folder / "date").write_text(SKEWED)
    (folder / "date").chmod(0o755)
    pair.other.options = [f"SetEnv PATH={folder}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
    pair.other.restart()
    specs = some(pair.project, 2)
    pair.project.cosmos("batch", *specs, "--targets", "other")
    pair.all_right(specs)
    for one in specs:
        used = right(pair.project, one).used
        assert used is not None and 0 <= used.gpu_seconds < 60


def test_a_host_ten_times_slower_takes_less(pair: Pair) -> None:
    slow = pair.hosts["other"].parent / "slow weights"
    slow.mkdir()
    (slow / "fault.txt").write_text("[[slow=3]]")
    pair.configure(other=f'checkpoints = "{slow}"')
    specs = [spec(pair.project, f"street {n}", n) for n in range(12)]
    pair.project.cosmos("batch", *specs, *BOTH)
    places = [pair.where(one) for one in specs]
    pair.all_right(specs)
    assert places.count("gpu") >= places.count("other") > 0
    more = [spec(pair.project, f"avenue {n}", n) for n in range(12)]
    pair.project.cosmos("batch", *more, *BOTH)
    assert [pair.where(one) for one in more].count("gpu") > 9, "it has learned"


def test_what_always_ends_with_its_host_is_set_aside(pair: Pair) -> None:
    poison = spec(pair.project, "a [[hang]] street", 1)
    good = spec(pair.project, "a street", 2)
    pair.project.cosmos("queue", "add", good, poison, "--targets", "gpu")
    worker = pair.project.begin("queue", "work", "--targets", "gpu", "--idle-stop", "2s")
    for attempt in (1, 2, 3):
        folder = pair.project.run(poison, attempt)
        until(lambda folder=folder: "Submitted" in counted(folder), f"{folder.id} runs")
        until(lambda: items(pair.project)[good].state is State.DONE, "the good one is done")
        job = folder.job().name
        pair.docker("kill", *pair.docker("ps", "-q", "--filter", f"label=cosmos.job={job}").split())
    out, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, out
    item = items(pair.project)[poison]
    assert (item.state, item.tries, item.cause) == (State.SET_ASIDE, 3, "killed")
    assert queue(pair.project).counts()[State.DONE] == 1
