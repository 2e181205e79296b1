"""One suite for everything that is a Launcher: what it starts, where it is, how it ends."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from uuid import uuid4

import pytest
from dockerd import Docker
from need import need, need_root

from cosmos_workflow.execution.docker import DockerLauncher, container_name
from cosmos_workflow.execution.job import Arg, CommandJob, Input, Place
from cosmos_workflow.execution.launcher import Launcher, Site, State
from cosmos_workflow.execution.shell import ShellLauncher
from cosmos_workflow.execution.slurm import SlurmLauncher

HOSTILE = (
    "two\nlines", "$(touch /tmp/owned)", "`id`", "a'b\"c", "; rm -rf /", "\\n", "*", "-- -x", "",
    "日本語 ünï", "%s%n", "a\tb", "--flag=value", "x" * 5000,
)  # fmt: skip
SHOW = 'for arg do printf "<%s>\\n" "$arg"; done'
RUN = "rs_1f2e3d4c.2"


@dataclass
class Here:
    """A launcher on this machine, a site, and the driver's few duties done by hand."""

    launcher: Launcher
    site: Site
    started: list[tuple[str, str]] = field(default_factory=list)

    def job(self, *argv: Arg, **changes: object) -> CommandJob:
        name = f"{RUN}-{uuid4().hex[:6]}"
        values = {"name": name, "engine": "any", "argv": argv, "outputs": {RUN: ("x.mp4",)}}
        return CommandJob(**{**values, **changes})  # type: ignore[arg-type]

    def workspace(self, job: CommandJob) -> Path:
        return Path(self.site.workspace(job.name))

    def prepare(self, job: CommandJob) -> None:
        self.workspace(job).mkdir(parents=True)
        script = resources.files("cosmos_workflow.scripts") / "run-job.sh"
        (self.workspace(job) / "run-job.sh").write_bytes(script.read_bytes())
        for path, data in self.launcher.files(job, self.site).items():
            (self.workspace(job) / path).write_bytes(data)

    def start(self, job: CommandJob, secrets: Mapping[str, str] | None = None) -> str:
        """Prepare, start, hand over the secrets; the reference."""
        self.prepare(job)
        pipe = self.workspace(job) / "secrets"
        coded = {k: base64.b64encode(v.encode()).decode() for k, v in (secrets or {}).items()}
        lines = "".join(f"{name}={value}\n" for name, value in coded.items()).encode()
        if secrets and self.launcher.secrets == "file":
            pipe.touch(0o600)
            pipe.write_bytes(lines)
        elif secrets:
            run(["mkfifo", "-m", "600", str(pipe)])
        ref = self.launcher.ref(self.again(job).stdout)
        self.started.append((job.name, ref))
        if secrets and self.launcher.secrets == "pipe":
            write = ["sh", "-c", 'cat > "$1"', "sh", str(pipe)]
            subprocess.run(write, input=lines, check=True, timeout=20)
        return ref

    def again(self, job: CommandJob) -> subprocess.CompletedProcess[str]:
        return run(self.launcher.start(job, self.site))

    def state(self, job: CommandJob, ref: str) -> tuple[State, bool]:
        """What the launcher says, and whether its command says alive."""
        done = run(self.launcher.state(job.name, ref, self.site), check=False)
        return self.launcher.read_state(done.stdout), done.returncode == 0

    def wait(self, job: CommandJob, ref: str) -> State:
        """The state once the job is over."""
        until(lambda: not self.state(job, ref)[1])
        return self.state(job, ref)[0]

    def stop(self, job: CommandJob, ref: str) -> None:
        run(self.launcher.stop(job.name, ref, self.site))

    def log(self, job: CommandJob) -> str:
        file = self.workspace(job) / "job.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def mark(self, job: CommandJob, name: str) -> bool:
        return (self.workspace(job) / name).exists()

    def written_code(self, job: CommandJob) -> int:
        return int((self.workspace(job) / "exit_code").read_text())


def run(argv: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(argv), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert not check or done.returncode == 0, (done.returncode, done.stderr)
    return done


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it, and fail when it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.03)


@pytest.fixture(params=["docker", "shell", "slurm"])
def here(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    root = tmp_path / "a root, with: 'odd' \"letters\" é"
    if request.param == "shell":
        place = Here(ShellLauncher(), Site(str(root)))
    elif request.param == "slurm":
        monkeypatch.setenv("SLURM_CONF", str(request.getfixturevalue("slurm").conf))
        place = Here(SlurmLauncher(), Site(str(root)))
    else:
        docker: Docker = request.getfixturevalue("docker")
        image = request.getfixturevalue("plain_image")
        place = Here(DockerLauncher(), Site(str(root), image=image))
    yield place
    for job_name, ref in place.started:
        if request.param == "docker":
            docker.remove(container_name(job_name))
        else:
            run(place.launcher.stop(job_name, ref, place.site))


def test_a_job_runs_once_to_its_end_and_leaves_log_and_code(here: Here) -> None:
    job = here.job("sh", "-c", "echo one; echo two >&2; echo three; exit 3")
    ref = here.start(job)
    state = here.wait(job, ref)
    assert (state.phase, state.exit_code) == ("exited", 3)
    assert here.log(job) == "one\ntwo\nthree\n"
    assert here.written_code(job) == 3
    assert not here.mark(job, "exit_code.part")


def test_a_second_start_finds_the_first(here: Here) -> None:
    job = here.job("sh", "-c", "echo ran; sleep 1")
    ref = here.start(job)
    assert here.launcher.ref(here.again(job).stdout) == ref
    assert here.state(job, ref) == (State("running"), True)
    here.wait(job, ref)
    assert here.launcher.ref(here.again(job).stdout) == ref
    assert here.log(job) == "ran\n"


def test_two_clients_starting_at_once_start_one(here: Here) -> None:
    job = here.job("sh", "-c", "echo ran; sleep 1")
    here.prepare(job)
    argv = list(here.launcher.start(job, here.site))
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    refs = {here.launcher.ref(process.communicate(timeout=30)[0]) for process in both}
    assert len(refs) == 1
    ref = refs.pop()
    here.started.append((job.name, ref))
    here.wait(job, ref)
    assert here.log(job) == "ran\n"


def test_arguments_arrive_as_they_are(here: Here) -> None:
    job = here.job("sh", "-c", SHOW, "sh", *HOSTILE)
    here.wait(job, here.start(job))
    assert here.log(job) == "".join(f"<{arg}>\n" for arg in HOSTILE)
    assert not Path("/tmp/owned").exists()


def test_the_environment_arrives_as_it_is(here: Here) -> None:
    job = here.job("sh", "-c", 'printf "<%s>\\n" "$A" "$B"', env={"A": "a b=c\nd", "B": "$(id)'"})
    here.wait(job, here.start(job))
    assert here.log(job) == "<a b=c\nd>\n<$(id)'>\n"


def test_places_are_where_the_job_sees_them(here: Here) -> None:
    item = Input("video", "my shot, 1.mp4", Path("unused"), sha256="ab" * 32, size=3)
    job = here.job(
        "sh", "-c", 'cat "$1"; echo " out" > "$2"; echo x 2>/dev/null > "$1" || echo kept', "sh",
        Place("input", "video"), Place("workspace", "result.txt"), inputs=(item,),
    )  # fmt: skip
    staged = Path(here.site.root, "inputs", item.sha256, item.name)
    staged.parent.mkdir(parents=True)
    staged.write_text("in\n")
    here.wait(job, here.start(job))
    assert (here.workspace(job) / "result.txt").read_text() == " out\n"
    assert here.log(job).startswith("in\n")
    if here.launcher.name == "docker":
        assert here.log(job).endswith("kept\n"), "a container may not change an input"


def test_secrets_are_in_the_environment_and_nowhere_else(here: Here) -> None:
    secrets = {"HF_TOKEN": "hf_s3cr3t-value", "ODD": "a b\n'c'\"$(id)\n\n"}
    script = 'printf "%s" "$HF_TOKEN$ODD" | md5sum; env | grep -c ^HF_TOKEN=; sleep 3'
    job = here.job("sh", "-c", script, secrets=tuple(secrets))
    ref = here.start(job, secrets)
    until(lambda: here.log(job).count("\n") == 2)
    expected = run(["sh", "-c", 'printf "%s" "$1" | md5sum', "sh", "".join(secrets.values())])
    assert here.log(job) == expected.stdout + "1\n"
    for file in (file for file in here.workspace(job).rglob("*") if file.is_file()):
        assert "s3cr3t" not in file.read_text(), file
    if here.launcher.secrets == "pipe":
        assert not here.mark(job, "secrets")
    assert "s3cr3t" not in " ".join(here.launcher.start(job, here.site))
    assert "s3cr3t" not in run(["ps", "-A", "-ww", "-o", "args="]).stdout
    if here.launcher.name == "docker":
        assert "s3cr3t" not in run(["docker", "inspect", ref]).stdout
        assert "s3cr3t" not in run(["docker", "logs", ref]).stdout
    elif here.launcher.name == "slurm":
        assert "s3cr3t" not in run(["scontrol", "show", "job", "-dd", ref]).stdout
    here.wait(job, ref)
    assert not here.mark(job, "secrets")


def test_secrets_that_never_come_end_the_job(here: Here) -> None:
    job = here.job("echo", "ran", secrets=("HF_TOKEN",), env={"COSMOS_SECRETS_WAIT": "1"})
    here.prepare(job)
    run(["mkfifo", str(here.workspace(job) / "secrets")])
    ref = here.launcher.ref(here.again(job).stdout)
    here.started.append((job.name, ref))
    assert here.wait(job, ref).exit_code == 125
    assert "secrets never came" in here.log(job)
    assert "ran" not in here.log(job)


def test_the_time_limit_ends_the_whole_tree(here: Here) -> None:
    sleep = f"sleep 10{uuid4().int % 10**7}"
    job = here.job("sh", "-c", f"{sleep} & setsid {sleep} & echo on; {sleep}", time_limit=1)
    ref = here.start(job)
    assert here.wait(job, ref).exit_code == 124
    assert here.log(job).startswith("on\n")
    assert here.mark(job, "timed_out") and not here.mark(job, "stopped")
    until(lambda: sleep not in run(["ps", "-A", "-o", "args="]).stdout, 5)


def test_stop_ends_the_whole_tree_and_says_so(here: Here) -> None:
    sleep = f"sleep 11{uuid4().int % 10**7}"
    job = here.job("sh", "-c", f"setsid {sleep} & echo on; {sleep}")
    ref = here.start(job)
    until(lambda: here.mark(job, "job.log") and "on" in here.log(job))
    here.stop(job, ref)
    assert here.wait(job, ref).exit_code == 143
    assert here.mark(job, "cancelled") and here.mark(job, "stopped")
    assert here.written_code(job) == 143
    assert sleep not in run(["ps", "-A", "-o", "args="]).stdout
    here.stop(job, ref)


def test_stop_while_the_job_waits_for_its_secrets(here: Here) -> None:
    job = here.job("echo", "ran", secrets=("HF_TOKEN",))
    here.prepare(job)
    run(["mkfifo", str(here.workspace(job) / "secrets")])
    ref = here.launcher.ref(here.again(job).stdout)
    here.started.append((job.name, ref))
    until(lambda: here.mark(job, "started"))
    here.stop(job, ref)
    assert here.wait(job, ref).exit_code == 143
    assert here.log(job) == ""


def test_a_job_that_is_over_is_not_cancelled_afterwards(here: Here) -> None:
    job = here.job("true")
    ref = here.start(job)
    here.wait(job, ref)
    here.stop(job, ref)
    assert not here.mark(job, "cancelled")
    assert here.state(job, ref)[0].exit_code == 0


def test_a_killed_job_is_not_alive_and_has_written_no_code(here: Here) -> None:
    job = here.job("sh", "-c", "echo on; sleep 600")
    ref = here.start(job)
    until(lambda: here.mark(job, "job.log") and "on" in here.log(job))
    if here.launcher.name == "docker":
        run(["docker", "kill", ref])
    elif here.launcher.name == "slurm":
        run(["scancel", "--full", "--signal=KILL", ref])
    else:
        os.killpg(int(ref.split(":")[0]), signal.SIGKILL)
    state = here.wait(job, ref)
    by_somebody = State("exited", None, why="cancelled")
    ends = [State("exited", 137), State("gone"), by_somebody]
    if here.launcher.name == "slurm" and here.mark(job, "stopped"):
        # It sent TERM first, and heard of the end before its own.
        ends.append(State("exited", 143))
    assert state in ends
    assert not here.mark(job, "exit_code")


def test_a_job_without_a_trace_is_gone(here: Here) -> None:
    job = here.job("true")
    ref = here.start(job)
    here.wait(job, ref)
    shutil.rmtree(here.workspace(job))
    if here.launcher.name == "docker":
        run(["docker", "rm", "-f", ref])
    assert here.state(job, ref) == (State("gone"), False)
    here.stop(job, ref)


def test_a_program_that_is_not_there_is_an_exit_code_and_a_line(here: Here) -> None:
    job = here.job("no-such-program-here")
    assert here.wait(job, here.start(job)).exit_code == 127
    assert "no-such-program-here" in here.log(job)


def test_the_job_outlives_who_started_it(here: Here) -> None:
    job = here.job("sh", "-c", "sleep 1; echo still here")
    here.prepare(job)
    session = ["sh", "-c", '"$@"; sleep 60', "sh", *here.launcher.start(job, here.site)]
    client = subprocess.Popen(session, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert client.stdout is not None
    ref = here.launcher.ref(client.stdout.readline())
    until(lambda: here.mark(job, "started"))
    here.started.append((job.name, ref))
    os.killpg(client.pid, signal.SIGHUP)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait(30)
    here.wait(job, ref)
    assert here.log(job) == "still here\n"


def care(here: Here, verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One verb of the launcher's script for what is left."""
    return run(["sh", "-c", here.launcher.remains(), "sh", verb, str(folder)], check=False)


def test_a_running_job_is_alive_and_is_not_forgotten(here: Here) -> None:
    job = here.job("sh", "-c", "echo on; sleep 600")
    ref = here.start(job)
    assert care(here, "alive", here.workspace(job)).returncode == 0
    refused = care(here, "forget", here.workspace(job))
    assert refused.returncode and "running" in refused.stderr
    assert here.mark(job, "run-job.sh") and here.state(job, ref)[1]
    here.stop(job, ref)
    here.wait(job, ref)
    assert care(here, "alive", here.workspace(job)).returncode


def test_a_job_that_is_over_is_forgotten_whole_and_alone(here: Here) -> None:
    job, other = (
        here.job("sh", "-c", 'mkdir -p "$1/a b"', "sh", Place("workspace")),
        here.job("true"),
    )
    refs = [here.start(job), here.start(other)]
    for each, ref in zip((job, other), refs, strict=True):
        here.wait(each, ref)
    docker = here.launcher.name == "docker"
    sizes = care(here, "sizes", here.workspace(job)).stdout.split()
    assert [size.isdigit() for size in sizes] == [True] * docker
    assert care(here, "forget", here.workspace(job)).returncode == 0
    assert not here.workspace(job).exists() and here.mark(other, "exit_code")
    assert here.state(job, refs[0])[0] == State("gone")
    assert here.state(other, refs[1])[0] == State("exited", 0)
    assert care(here, "forget", here.workspace(job)).returncode == 0, "again is no error"


def test_what_is_left_of_a_workspace_that_is_gone(here: Here) -> None:
    job = here.job("true")
    here.wait(job, here.start(job))
    shutil.rmtree(here.workspace(job))
    strays = care(here, "strays", Path(here.site.root, "runs")).stdout.splitlines()
    assert (str(here.workspace(job)) in strays) == (here.launcher.name == "docker")
    care(here, "forget", here.workspace(job))
    assert str(here.workspace(job)) not in care(here, "strays", Path(here.site.root, "runs")).stdout


def test_an_engine_that_does_not_answer_is_no_sign_that_a_job_is_over(tmp_path: Path) -> None:
    need("docker")
    (tmp_path / "rs_1f2e3d4c.2-a1b2c3").mkdir()
    script = ["env", "DOCKER_HOST=unix:///nowhere.sock", "sh", "-c", DockerLauncher().remains()]
    workspace = str(tmp_path / "rs_1f2e3d4c.2-a1b2c3")
    assert run([*script, "sh", "alive", workspace]).returncode == 0
    assert run([*script, "sh", "forget", workspace], check=False).returncode
    assert Path(workspace).exists()


@pytest.fixture
def nobody_s(docker: Docker, plain_image: str) -> Iterator[Here]:
    """A root that a plain user can reach, as pytest's own folders are not."""
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Here(DockerLauncher(), Site(folder, image=plain_image))
        yield place
        docker.remove(*(container_name(name) for name, _ in place.started))


def test_what_a_container_s_root_has_written_goes_too(nobody_s: Here) -> None:
    """A plain user cleans up: folders inside belong to root, and files in them."""
    script = 'mkdir "$1/outputs"; echo x >"$1/outputs/f"; echo y >"$1/.hidden"'
    job = nobody_s.job("sh", "-c", script, "sh", Place("workspace"))
    nobody_s.wait(job, nobody_s.start(job))
    workspace, nobody = nobody_s.workspace(job), 65534
    for path in (workspace, workspace.parent):
        os.chown(path, nobody, nobody)
    done = subprocess.run(
        ["sh", "-c", nobody_s.launcher.remains(), "sh", "forget", str(workspace)],
        user=nobody, group=nobody, capture_output=True, text=True, env={**os.environ, "HOME": "/"},
        extra_groups=[Path("/var/run/docker.sock").stat().st_gid],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not workspace.exists() and nobody_s.state(job, "") == (State("gone"), False)
