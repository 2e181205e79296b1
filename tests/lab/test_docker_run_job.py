"""run-job.sh under every shell that an image or a host may have."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from need import need

import cosmos_workflow.scripts

SCRIPT = Path(cosmos_workflow.scripts.__path__[0]) / "run-job.sh"
SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash-as-sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    program, *rest = SHELLS[request.param]
    return [need(program), *rest]


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(shell: list[str], tmp_path: Path) -> Start:
    def one(*argv: str, limit: int = 0, secrets: int = 0, **env: str) -> subprocess.Popen[bytes]:
        given = [str(tmp_path), str(limit), str(secrets), "--", *argv]
        return subprocess.Popen(
            [*shell, str(SCRIPT), *given], env={**os.environ, **env}, start_new_session=True
        )

    return one


def log(folder: Path) -> str:
    file = folder / "job.log"
    return file.read_text() if file.exists() else ""


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 1, 126, 129, 137, 143, 255])
def test_the_exit_code_is_the_jobs(start: Start, tmp_path: Path, code: int) -> None:
    assert start("sh", "-c", f"echo out; echo err >&2; exit {code}").wait(20) == code
    assert (tmp_path / "exit_code").read_text() == f"{code}\n"
    assert log(tmp_path) == "out\nerr\n"


def test_a_job_that_a_signal_ended(start: Start, tmp_path: Path) -> None:
    assert start("sh", "-c", "kill -SEGV $$").wait(20) == 139
    assert (tmp_path / "exit_code").read_text() == "139\n"
    assert not (tmp_path / "stopped").exists()


def test_output_is_there_before_the_end(start: Start, tmp_path: Path) -> None:
    python = need("python3")
    process = start(python, "-c", "print('now'); import time; time.sleep(60)")
    until(lambda: log(tmp_path) == "now\n")
    process.terminate()
    assert process.wait(20) == 143


def test_a_tree_whose_members_ignore_term_is_killed(tmp_path: Path) -> None:
    """Also a child in a session of its own, as torchrun starts its workers."""
    stubborn = "trap '' TERM; while :; do sleep 1; done"
    argv = ["sh", "-c", f'setsid sh -c "{stubborn}" & echo $! on; {stubborn}']
    runs = {}
    for name, words in SHELLS.items():
        folder = tmp_path / name
        folder.mkdir()
        runs[folder] = subprocess.Popen([*words, str(SCRIPT), str(folder), "0", "0", "--", *argv])
    for folder, process in runs.items():
        until(lambda folder=folder: "on" in log(folder))  # type: ignore[misc]
        process.terminate()
    began = time.monotonic()
    assert [process.wait(20) for process in runs.values()] == [143] * len(runs)
    assert 5 < time.monotonic() - began < 9.9, "after a grace, within docker stop's 10 s"
    for worker in (int(log(folder).split()[0]) for folder in runs):
        until(lambda worker=worker: " Z " in _stat(worker))  # type: ignore[misc]


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return " Z "


def test_a_worker_that_outlives_its_parent_is_ended(start: Start, tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 1.5; echo too late"
    process = start("sh", "-c", f'setsid sh -c "{script}" & echo on; sleep 60')
    until(lambda: "on" in log(tmp_path))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert (tmp_path / "stopped").exists()


def test_secrets(start: Start, tmp_path: Path) -> None:
    values = {
        "A": "plain",
        "B_2": "two\nlines\n\n",
        "C": "",
        "D": "ünï '\" $(id) \\ = !",
        "E": "x" * 9000,
    }
    os.mkfifo(tmp_path / "secrets", 0o600)
    show = """import os, sys
print(repr([os.environ[n] for n in 'A B_2 C D E'.split()]), file=open(sys.argv[1], 'w'))"""
    there = str(tmp_path / "there")
    process = start(need("python3"), "-c", show, there, secrets=len(values), PYTHONUTF8="1")
    with (tmp_path / "secrets").open("w") as pipe:
        for name, value in values.items():
            pipe.write(f"{name}={base64.b64encode(value.encode()).decode()}\n")
    assert process.wait(20) == 0
    assert Path(there).read_text() == f"{list(values.values())}\n"
    assert not (tmp_path / "secrets").exists()


def give(folder: Path, **values: str) -> None:
    with (folder / "secrets").open("w") as pipe:
        for name, value in values.items():
            pipe.write(f"{name}={base64.b64encode(value.encode()).decode()}\n")


@pytest.mark.parametrize("program", ["python3", "awk", "busybox awk"])
def test_a_secret_that_the_job_prints_is_not_in_the_log(
    start: Start, tmp_path: Path, program: str
) -> None:
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    (tmp_path / "bin").mkdir()
    if program != "python3":
        (tmp_path / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / "python3").chmod(0o755)
    if program == "busybox awk":
        (tmp_path / "bin" / "awk").symlink_to(need("busybox"))
    os.mkfifo(tmp_path / "secrets", 0o600)
    says = 'printf "%s-%s\\n" "a $A $B" "$A$A"; printf "late $B" >&2; exit 7'
    process = start("sh", "-c", says, secrets=2, PATH=path)
    give(tmp_path, A="s3cr", B="s3cret.*ü\\")
    assert process.wait(20) == 7
    assert log(tmp_path).rstrip("\n") == f"a **** {'*' * 11}-********\nlate {'*' * 11}"
    assert (tmp_path / "exit_code").read_text() == "7\n"
    assert not (tmp_path / "said").exists()


def test_with_a_secret_output_is_still_there_before_the_end(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secrets", 0o600)
    process = start("sh", "-c", 'echo "now $A"; exec sleep 60', secrets=1)
    give(tmp_path, A="s3cret")
    until(lambda: log(tmp_path) == "now ******\n")
    process.terminate()
    assert process.wait(20) == 143
    assert (tmp_path / "exit_code").read_text() == "143\n"


def test_a_left_over_process_does_not_hold_up_the_end(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secrets", 0o600)
    process = start("sh", "-c", "setsid sleep 30 & echo $!", secrets=1)
    give(tmp_path, A="s3cret")
    began = time.monotonic()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 9
    os.kill(int(log(tmp_path)), signal.SIGKILL)


@pytest.mark.parametrize("line", ["A=b*d", "1A=YQ==", "A B=YQ==", "PATH'=YQ=="])
def test_a_line_that_is_no_secret_ends_the_job_and_is_not_shown(
    start: Start, tmp_path: Path, line: str
) -> None:
    os.mkfifo(tmp_path / "secrets", 0o600)
    process = start("echo", "ran", secrets=1)
    with (tmp_path / "secrets").open("w") as pipe:
        pipe.write(line + "\n")
    assert process.wait(20) == 125
    assert log(tmp_path).startswith("run-job: ") and line not in log(tmp_path)


def test_a_client_lost_in_the_middle_of_a_secret(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secrets", 0o600)
    process = start("echo", "ran", secrets=1, COSMOS_SECRETS_WAIT="1")
    with (tmp_path / "secrets").open("w") as pipe:
        pipe.write("A=c2Vjc")
    assert process.wait(20) == 125
    assert "never came" in log(tmp_path)


def test_no_pipe_makes_no_file_that_a_secret_could_be_left_in(start: Start, tmp_path: Path) -> None:
    assert start("echo", "ran", secrets=1).wait(20) == 125
    assert not (tmp_path / "secrets").exists()


def test_nothing_is_left_behind_after_the_end(start: Start, tmp_path: Path) -> None:
    """The watchdog of the time limit goes with the job."""
    assert start("true", limit=7654321).wait(20) == 0
    here = str(tmp_path).encode()
    until(lambda: here not in subprocess.check_output(["ps", "-A", "-ww", "-o", "args="]))


def test_nothing_is_left_behind_when_it_is_killed(start: Start, tmp_path: Path) -> None:
    process = start("sleep", "2", limit=7654321)
    until(lambda: (tmp_path / "started").exists())
    process.kill()
    process.wait(20)
    here = str(tmp_path).encode()
    until(lambda: here not in subprocess.check_output(["ps", "-A", "-ww", "-o", "args="]))


def test_a_second_run_in_the_same_workspace_is_refused(start: Start, tmp_path: Path) -> None:
    assert start("sh", "-c", "echo ran; exit 3").wait(20) == 3
    assert start("sh", "-c", "echo ran; exit 4").wait(20) == 125
    assert log(tmp_path) == "ran\n"
    assert (tmp_path / "exit_code").read_text() == "3\n"
