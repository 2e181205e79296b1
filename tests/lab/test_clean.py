"""``cosmos clean`` as people use it: on a host behind SSH with Docker, and in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest
from project import Project, command, environment
from scene import Scene

from cosmos_workflow.events import ExecutionStatus


def age(folder: Path, days: float) -> None:
    """Let everything below a folder be that old."""
    then = time.time() - days * 86400
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (then, then))


def in_a_terminal(project: Project, answer: str, *args: str) -> str:
    """What a command says to somebody who types ``answer``."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(args), cwd=project.root, env=environment(None), stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, answer.encode() + b"\n")
    said = b""
    try:
        while data := os.read(ours, 4096):
            said += data
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0, said
    return said.decode()


def test_old_jobs_go_and_the_next_run_stages_again(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "own"))  # what others leave in /tmp is not counted
    old, new = scene.project.spec("a wet street"), scene.project.spec("a dry street")
    scene.project.cosmos("run", old)
    workspace = scene.workspace(old)
    age(scene.host, 30)
    scene.project.cosmos("run", new)
    shown = scene.project.json("clean", "--dry-run")[-1]
    assert not shown["removed"] and workspace.exists() and scene.containers(old)
    done = scene.project.cosmos("clean")
    assert done.stdout.endswith("nothing was removed: --yes removes it\n") and workspace.exists()

    removed = scene.project.json("clean", "--yes")[-1]
    assert removed == {**shown, "removed": True}
    assert [left["name"] for left in removed["workspaces"]] == [workspace.name]
    assert len(removed["containers"]) == 1 and removed["inputs"] == []
    assert not workspace.exists() and not scene.containers(old)
    assert scene.workspace(new).exists() and scene.containers(new)
    assert scene.project.run(old).run().status is ExecutionStatus.SUCCESS
    assert list(scene.project.run(old).path.glob("*.mp4")), "what is at home stays"

    age(scene.host, 30)
    removed = scene.project.json("clean", "--yes", "--older-than", "12h")[-1]
    assert len(removed["workspaces"]) == len(removed["containers"]) == 1
    assert len(removed["inputs"]) == 2
    assert not list(scene.host.glob("*/*"))
    scene.project.cosmos("run", new, "--again")
    scene.came_home(new, attempt=2)


def test_a_result_that_is_not_home_yet_stays(scene: Scene) -> None:
    spec = scene.project.spec("a wet street")
    scene.project.cosmos("run", spec, "--detach")
    scene.until_over(spec)
    age(scene.host, 30)
    done = scene.project.cosmos("clean", "--yes")
    assert f"its result is not home yet: cosmos follow {spec}.1" in done.stderr
    assert scene.workspace(spec).exists()
    scene.project.cosmos("follow", spec)
    scene.came_home(spec)


def test_in_a_terminal_it_asks(project: Project) -> None:
    spec = project.spec("a wet street", engine="preview")
    project.cosmos("run", spec)
    age(project.root / ".cosmos", 30)
    runs = project.root / ".cosmos" / "runs"
    said = in_a_terminal(project, "n", "clean")
    assert "Remove this? [y/N]" in said and "removed from" not in said
    assert len(list(runs.iterdir())) == 1
    assert "removed from local" in in_a_terminal(project, "y", "clean")
    assert not list(runs.iterdir())
    assert "Remove" not in in_a_terminal(project, "", "clean"), "there is nothing to ask for"


def test_staging_folders_of_killed_processes(project: Project, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    dead = subprocess.Popen(["true"])
    dead.wait()
    names = {
        "gone": f"cosmos-stage-{dead.pid}-a1", "nameless": "cosmos-stage-b2c3",
        "live": f"cosmos-stage-{os.getpid()}-a1", "young": f"cosmos-stage-{dead.pid}-b2",
        "other": "cosmos-lab",
    }  # fmt: skip
    for name in names.values():
        (temp / name / "runs").mkdir(parents=True)
    age(temp, 1)
    os.utime(temp / names["young"])
    env = {"TMPDIR": str(temp)}
    assert "2" in project.cosmos("clean", "--dry-run", env=env).stdout.splitlines()[-1]
    assert len(list(temp.iterdir())) == 5
    project.cosmos("clean", "--yes", env=env)
    left = {path.name for path in temp.iterdir()}
    assert left == {names["live"], names["young"], names["other"]}
