"""No room here, no room there: it is said, and after making some the same command goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from need import missing, need, need_root
from project import Project
from scene import Scene, pad
from servers.nim import nim_server

from cosmos_workflow.events import ExecutionStatus


@dataclass(frozen=True)
class Disk:
    """A small file system of its own, at a folder."""

    folder: Path

    def grow(self) -> None:
        """Make room."""
        _run("mount", "-o", "remount,size=200m", str(self.folder))

    def fill(self) -> None:
        """Take all room that is left."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return


def _run(*argv: str) -> bool:
    return subprocess.run([need(argv[0]), *argv[1:]], capture_output=True).returncode == 0


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    need_root()
    folder.mkdir(parents=True, exist_ok=True)
    if not _run("mount", "-t", "tmpfs", "-o", f"size={size}", "lab", str(folder)):
        missing("no small file system can be mounted here")
    try:
        yield Disk(folder)
    finally:
        _run("umount", "-l", str(folder))


@pytest.mark.parametrize("size", [3, 18])
def test_full_here_during_the_download(scene: Scene, size: int) -> None:
    with disk(scene.project.root / "outputs", f"{size * 9 // 10}m") as here:
        spec = scene.project.spec(f"a wet street [[big={size}]]")
        done = scene.project.cosmos("run", spec, code=5)
        assert "The disk of this machine is full" in done.stderr
        assert f"cosmos follow {spec}.1" in done.stderr
        assert scene.project.run(spec).run().status is ExecutionStatus.RUNNING
        here.grow()
        scene.project.cosmos("follow", spec)
        scene.came_home(spec)


def test_full_here_while_the_log_grows(scene: Scene) -> None:
    with disk(scene.project.root / "outputs", "400k") as here:
        spec = scene.project.spec("a wet street [[lines=60000]]")
        done = scene.project.cosmos("run", spec, code=1)
        assert "No space left on device" in done.stderr
        assert f"make room, then: cosmos follow {spec}.1" in done.stderr
        assert scene.project.run(spec).run().status is ExecutionStatus.RUNNING
        here.grow()
        scene.project.cosmos("run", spec)
        scene.came_home(spec)


@pytest.mark.parametrize("folder", ["outputs", ".cosmos"])
def test_full_here_from_the_start(scene: Scene, folder: str) -> None:
    with disk(scene.project.root / folder, "64k") as here:
        spec = scene.project.spec("a wet street")
        here.fill()
        done = scene.project.cosmos("run", spec, code=1)
        assert "No space left on device" in done.stderr and "make room" in done.stderr
        assert not scene.project.store.attempts(spec)
        here.grow()
        scene.project.cosmos("run", spec)
        scene.came_home(spec)


@pytest.mark.parametrize("size", [3, 18])
def test_full_there_during_the_upload(scene: Scene, size: int) -> None:
    pad(scene.project.root / "shot" / "color.mp4", size)
    spec = scene.project.spec("a wet street")
    with disk(scene.host, f"{size * 9 // 10}m") as there:
        done = scene.project.cosmos("run", spec, code=5)
        assert "The disk of gpu is full" in done.stderr
        assert f"cosmos run {spec} goes on where this stopped" in done.stderr
        assert scene.project.run(spec).run().status is ExecutionStatus.PENDING
        there.grow()
        scene.project.cosmos("run", spec)
        scene.came_home(spec)


def test_full_there_from_the_start(scene: Scene) -> None:
    spec = scene.project.spec("a wet street")
    with disk(scene.host, "64k") as there:
        there.fill()
        done = scene.project.cosmos("run", spec, code=5)
        assert "gpu" in done.stderr and "full" in done.stderr
        there.grow()
        scene.project.cosmos("run", spec)
        scene.came_home(spec)


def test_full_there_while_the_job_runs(scene: Scene) -> None:
    """Its log and its exit code have no room: the run ends all the same, and says why."""
    spec = scene.project.spec("a wet street [[load=2]] [[lines=3000]]")
    with disk(scene.host, "1m") as there:
        scene.project.cosmos("run", spec, "--detach")
        there.fill()
        scene.project.cosmos("follow", spec, code=6)
        run = scene.ended(spec, ExecutionStatus.FAILED, "host_disk")
        assert run.message == "the disk of the host is full"


def test_no_room_here_for_the_answer_of_a_service(project: Project) -> None:
    """The request is held on this machine: it is this one that is full."""
    with nim_server() as nim, disk(project.root / ".cosmos", "600k") as here:
        nim.be.ballast = 3_000_000
        env = {"COSMOS_BASE_URL": nim.url}
        spec = project.json("create-spec", "street", "a wet street")[-1]["id"]
        run = str(project.json("create-run", spec, "--engine", "nim")[-1]["id"])
        done = project.cosmos("run", run, "--target", "nim", code=6, env=env)
        assert "the disk of this machine is full" in done.stderr
        assert "cosmos clean --target nim" in done.stderr
        here.grow()
        project.cosmos("run", run, "--target", "nim", env=env)
        assert project.run(run, 2).run().status is ExecutionStatus.SUCCESS


def test_no_room_for_the_record_of_a_smoke_test(project: Project) -> None:
    """Told before a video is paid."""
    with nim_server() as nim, disk(project.root / "full", "64k") as there:
        there.fill()
        env = {"COSMOS_BASE_URL": nim.url}
        done = project.cosmos("smoke", "nim", "--output", "full/x.mp4", code=7, env=env)
        assert "--output full/x.mp4 cannot be written: No space left" in done.stderr
        assert nim.asked == []
