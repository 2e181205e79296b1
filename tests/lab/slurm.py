"""A real Slurm on this machine: a controller and three nodes with two GPUs each that are none.

Everything listens on 127.0.0.1 below a temporary folder, and is ended by its pid.  Clients find it
by SLURM_CONF.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from need import missing, need, need_root
from sshd import Sshd, start_sshd

NODES = 3
READY_S = 40.0


@dataclass
class Slurm:
    """The cluster.  ``folder``: its files, and a folder that all nodes see."""

    folder: Path

    @property
    def conf(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    def __call__(self, *argv: str, check: bool = True) -> str:
        """Standard output of one of its clients."""
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, (argv, done.stderr)
        return done.stdout.strip()

    def start(self) -> None:
        """Munge, the controller, the nodes; until all are idle."""
        self._start_munge()
        self.start_controller()
        for number in range(1, NODES + 1):
            self.start_node(number)
        until = time.monotonic() + READY_S
        while True:
            idle = self("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).split()
            if len(set(idle)) == NODES:
                return
            if time.monotonic() > until:
                log = (self.folder / "slurmctld.log").read_text(errors="replace")[-1500:]
                missing(f"no Slurm can be started here: {log}")
            time.sleep(0.1)

    def start_controller(self) -> None:
        """slurmctld; also after ``stop_controller``: it knows what it knew."""
        self._run("slurmctld", "-f", str(self.conf))

    def stop_controller(self) -> None:
        self._end(self.folder / "slurmctld.pid")

    def start_node(self, number: int) -> None:
        self._run("slurmd", "-f", str(self.conf), "-N", f"gpu{number}")

    def stop_node(self, number: int) -> None:
        """As by a power cut: the node's daemon and all that it has started."""
        self.cut_off(number)
        while alive := [*self._daemons(number), *self.processes(number)]:
            for pid in alive:
                _kill(pid)

    def cut_off(self, number: int) -> None:
        """A node that the controller cannot reach any more: what runs there runs on."""
        _kill(int((self.folder / f"slurmd.gpu{number}.pid").read_text()))

    def processes(self, number: int) -> list[int]:
        """What the node's jobs have started, by its environment."""
        mine = {f"SLURM_CONF={self.conf}".encode(), f"SLURMD_NODENAME=gpu{number}".encode()}
        return [int(proc.name) for proc in _alive() if mine <= _environment(proc)]

    def _daemons(self, number: int) -> list[int]:
        """One a step; its environment is overwritten by its title, but it has a log open."""
        log = self.folder / f"slurmd.gpu{number}.log"
        return [int(proc.name) for proc in _alive() if log in _files_of_step(proc)]

    def stop(self) -> None:
        self("scancel", "-u", "root", check=False)
        for number in range(1, NODES + 1):
            self._end(self.folder / f"slurmd.gpu{number}.pid")
        self.stop_controller()
        self._end(self.folder / "munge" / "munged.pid")

    def _end(self, file: Path) -> None:
        if not file.exists():
            return
        pid = int(file.read_text())
        try:
            os.kill(pid, signal.SIGTERM)
            until = time.monotonic() + 15
            while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
                time.sleep(0.05)
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [need(program), *args], env=self.env, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            missing(f"{program} cannot be started here: {done.stderr.strip()}")

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        folder.mkdir(mode=0o700)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self._run(
            "munged", f"--key-file={key}", f"--socket={folder}/socket",
            f"--pid-file={folder}/munged.pid", f"--log-file={folder}/log",
            f"--seed-file={folder}/seed", "--force",
        )  # fmt: skip


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _alive() -> list[Path]:
    return [proc for proc in Path("/proc").iterdir() if proc.name.isdigit()]


def _environment(proc: Path) -> set[bytes]:
    try:
        return set((proc / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()


def _files_of_step(proc: Path) -> set[Path]:
    try:
        if not (proc / "cmdline").read_bytes().startswith(b"slurmstepd"):
            return set()
        return {file.readlink() for file in (proc / "fd").iterdir()}
    except OSError:
        return set()


CONF = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobcomp.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
MailProg=/bin/true
SlurmdParameters=config_overrides
GresTypes=gpu
MinJobAge={min_job_age}
KillWait=5
SlurmdTimeout=20
SchedulerParameters=defer,sched_interval=2,batch_sched_delay=0
MaxArraySize=2001
MaxJobCount=20000
{nodes}
PartitionName=gpu Nodes=ALL Default=YES MaxTime=1-0 State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL MaxTime=1-0 State=UP PriorityTier=9 PreemptMode=OFF
PartitionName=short Nodes=ALL MaxTime=7 State=UP PriorityTier=1 PreemptMode=REQUEUE
"""


def free_ports(count: int) -> list[int]:
    """So many at once: none is given out twice."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def make(folder: Path, min_job_age: int = 300) -> Slurm:
    """A cluster that is up, in a folder of its own."""
    need_root()
    for program in ("slurmctld", "slurmd", "munged", "sbatch"):
        need(program)
    host = socket.gethostname()
    (folder / "state").mkdir(parents=True)
    devices = folder / "dev"
    devices.mkdir()
    for number in range(2):
        os.mknod(devices / f"nvidia{number}", 0o666 | 0o020000, os.makedev(1, 3))
    controller, *ports = free_ports(NODES + 1)
    nodes = "\n".join(
        f"NodeName=gpu{n} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 "
        "RealMemory=8000 Gres=gpu:2"
        for n, port in enumerate(ports, 1)
    )
    text = CONF.format(
        folder=folder, host=host, port=controller, nodes=nodes, min_job_age=min_job_age
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text(
        f"NodeName=gpu[1-{NODES}] Name=gpu File={devices}/nvidia[0-1]\n"
    )
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    cluster = Slurm(folder)
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A cluster for the whole session, which tests leave as it is."""
    cluster = make(tmp_path_factory.mktemp("slurm") / "c")
    yield cluster
    cluster.stop()


@pytest.fixture
def fragile_slurm(tmp_path: Path) -> Iterator[Slurm]:
    """A cluster that the test may spoil."""
    cluster = make(tmp_path / "slurm")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def login_node(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server whose sessions are on the cluster."""
    server = start_sshd(tmp_path_factory.mktemp("login"), [f"SetEnv SLURM_CONF={slurm.conf}"])
    yield server
    server.stop()
