"""A real Docker engine for the lab: the one that runs, or one of our own, shared and ended by pid.

Containers of our own engine have no network.  Several test processes may use it at once; the last
one out ends it.  Its images stay on disk, so that the next session does not make them again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import images
import pytest
from need import missing, need, need_root

READY_S = 30.0
FOLDER = Path(tempfile.gettempdir()) / f"cosmos-lab-{os.getuid() if hasattr(os, 'getuid') else 0}"


@dataclass(frozen=True)
class Docker:
    """The ``docker`` program with an engine behind it."""

    program: str

    def __call__(self, *args: str, check: bool = True, timeout: float = 120) -> str:
        """Standard output of ``docker ARGS``, stripped."""
        done = subprocess.run(
            [self.program, *args], capture_output=True, text=True, timeout=timeout
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def answers(self) -> bool:
        """True when the engine behind it is up."""
        return bool(self("info", "-f", "{{.ServerVersion}}", check=False))

    def inspect(self, container: str, what: str) -> str:
        """One template of ``docker inspect``."""
        return self("inspect", "-f", what, container)

    def remove(self, *containers: str) -> None:
        """Remove containers, running or not, or not there."""
        self("rm", "-f", *containers, check=False)


@contextmanager
def engine() -> Iterator[Docker]:
    """An engine on the default socket (or DOCKER_HOST), so that SSH sessions reach it as well."""
    client = Docker(need("docker"))
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "users.lock").open("w") as users:
        with alone():
            fcntl.flock(users, fcntl.LOCK_SH)
            if not client.answers():
                start(client)
        try:
            yield client
        finally:
            with alone():
                end_if_last(users)


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time starts or ends the engine."""
    with (FOLDER / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(client: Docker) -> None:
    """Start an engine of our own below a temporary folder, and wait until it answers."""
    need_root()
    program = need("dockerd")
    state = FOLDER / "docker"
    state.mkdir(exist_ok=True)
    (FOLDER / "dockerd.pid").unlink(missing_ok=True)
    with (FOLDER / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program, "--data-root", str(state / "data"), "--exec-root", str(state / "exec"),
                "--pidfile", str(FOLDER / "dockerd.pid"), "-H", "unix:///var/run/docker.sock",
                "--iptables=false", "--bridge=none", "--shutdown-timeout=2",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + READY_S
    while not client.answers():
        if process.poll() is not None or time.monotonic() > until:
            said = (FOLDER / "dockerd.log").read_text(errors="replace")[-2000:]
            missing(f"no Docker engine can be started here: {said}")
        time.sleep(0.1)


def end_if_last(users: TextIO) -> None:
    """End the engine, if it is ours, once nobody else uses it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    pid_file = FOLDER / "dockerd.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    if b"dockerd" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        return
    os.kill(pid, signal.SIGTERM)
    while pid_file.exists() and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue  # another session started it


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """An engine for the whole session."""
    with engine() as client:
        yield client


@pytest.fixture(scope="session")
def plain_image(docker: Docker) -> str:
    """The name of a 2 MB image with busybox and nothing else."""
    return images.plain(docker)


@pytest.fixture(scope="session")
def model_image(docker: Docker) -> str:
    """The name of the stand-in model's image."""
    return images.model(docker)
