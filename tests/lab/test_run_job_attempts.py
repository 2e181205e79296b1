"""run-job.sh where a cluster may start a job again: an attempt that was given up leaves nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from scene import until


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    script = resources.files("cosmos_workflow.scripts") / "run-job.sh"
    (tmp_path / "run-job.sh").write_bytes(script.read_bytes())
    (tmp_path / "attempt").write_text("0\n")
    return tmp_path


@pytest.fixture
def first(workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The first attempt at a job that does not heed TERM, and would last."""
    argv = ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"]
    process = start(workspace, argv)
    until(lambda: said(workspace).strip().isdigit(), "the job speaks")
    yield process
    process.kill()
    process.wait()


def start(workspace: Path, argv: list[str]) -> subprocess.Popen[bytes]:
    line = ["sh", str(workspace / "run-job.sh"), str(workspace), "0", "0", "--", *argv]
    return subprocess.Popen(line, env={**os.environ, "COSMOS_ATTEMPT": "0"})


def said(workspace: Path) -> str:
    log = workspace / "job.log"
    return log.read_text() if log.exists() else ""


def give_up(workspace: Path) -> None:
    """As the batch script of the next attempt does."""
    (workspace / "attempt.new").write_text("1\n")
    (workspace / "attempt.new").replace(workspace / "attempt")


def test_it_ends_what_it_runs_within_seconds(
    workspace: Path, first: subprocess.Popen[bytes]
) -> None:
    job = int(said(workspace))
    give_up(workspace)
    assert first.wait(timeout=5) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)
    left = {path.name for path in workspace.iterdir()}
    assert left.isdisjoint({"exit_code", "superseded", "stopped"}), left


def test_one_that_is_ended_by_its_node_leaves_no_mark_either(
    workspace: Path, first: subprocess.Popen[bytes]
) -> None:
    give_up(workspace)
    first.terminate()
    assert first.wait(timeout=15) == 143
    assert not (workspace / "stopped").exists() and not (workspace / "exit_code").exists()


def test_one_that_ends_by_itself_records_no_code(workspace: Path) -> None:
    go_on = workspace / "go on"
    wait = 'echo "$$"; while [ ! -e "$1" ]; do sleep 0.05; done; exit 7'
    process = start(workspace, ["sh", "-c", wait, "sh", str(go_on)])
    until(lambda: said(workspace).strip().isdigit(), "the job speaks")
    give_up(workspace)
    go_on.touch()
    assert process.wait(timeout=5) == 143
    assert not (workspace / "exit_code").exists()


def test_a_node_that_ends_the_job_first_and_us_a_moment_later(workspace: Path) -> None:
    """So that the cluster starts it again: an exit code would say that it is over."""
    process = start(workspace, ["sh", "-c", "(sleep 0.1; kill -TERM $PPID) & kill -TERM $$"])
    assert process.wait(timeout=15) == 143
    assert (workspace / "stopped").exists() and not (workspace / "exit_code").exists()


def test_a_job_that_somebody_kills_is_over(workspace: Path) -> None:
    assert start(workspace, ["sh", "-c", "kill -KILL $$"]).wait(timeout=15) == 137
    assert (workspace / "exit_code").read_text() == "137\n"


def test_one_that_comes_late_does_not_begin(workspace: Path) -> None:
    give_up(workspace)
    assert start(workspace, ["echo", "hello"]).wait(timeout=5) == 143
    assert not (workspace / "started").exists() and not said(workspace)
