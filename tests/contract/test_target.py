"""One suite for every Target: what is staged is run, followed from any byte, and fetched whole."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from dockerd import Docker
from sshd import Sshd

from cosmos_workflow.config.settings import Settings, TargetSettings
from cosmos_workflow.errors import SubmissionRejected, TransferError, TransferInterrupted
from cosmos_workflow.events import JobEnded, Log, RemoteFile, Staged
from cosmos_workflow.execution import TARGETS
from cosmos_workflow.execution.clean import Cleaned
from cosmos_workflow.execution.clean import clean as command
from cosmos_workflow.execution.job import CommandJob, Input, Place, WrittenFile
from cosmos_workflow.execution.on_host import OnHost
from cosmos_workflow.execution.target import Handle, Target
from cosmos_workflow.ids import sha256_file

SCRIPT = """
echo started
cat "$1"; echo
cat "$2"
mkdir -p "$3/outputs"
cp "$1" "$3/outputs/out.bin"
echo "token ${TOKEN:-none}" | wc -c
exit "$4"
"""


@dataclass
class Ground:
    """A target under test, and what makes its jobs."""

    target: Target
    image: str | None
    folder: Path

    def job(
        self, *, code: int = 0, script: str = SCRIPT, secrets_: tuple[str, ...] = ()
    ) -> CommandJob:
        source = self.folder / "it's an input; $(id).bin"
        source.write_bytes(b"pixels of a shot")
        name = f"rs_{secrets.token_hex(4)}.1-{secrets.token_hex(3)}"
        return CommandJob(
            name=name,
            engine="preview",
            image=self.image,
            argv=(
                "sh", "-c", script, "sh", Place("input", "color"), Place("workspace", "spec.json"),
                Place("workspace"), str(code),
            ),
            outputs={name.partition("-")[0]: ("outputs/*",)},
            inputs=(Input("color", "color.bin", source, sha256_file(source), 16),),
            files=(
                WrittenFile("spec.json", json={"prompt": "a; $(b) 夜", "v": Place("workspace")}),
            ),
            secrets=secrets_,
            time_limit=60,
        )  # fmt: skip


@pytest.fixture(params=["local", "ssh-shell", "ssh-docker"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Each way a machine can be a target."""
    image = None
    settings = TargetSettings(kind="local", launcher="shell", remote_dir=str(tmp_path / "h o'st"))
    if request.param != "local":
        sshd: Sshd = request.getfixturevalue("shared_sshd")
        if request.param == "ssh-docker":
            request.getfixturevalue("docker")
            image = request.getfixturevalue("plain_image")
        settings = TargetSettings(
            kind="ssh", launcher="docker" if image else "shell", host=sshd.host, port=sshd.port,
            user=sshd.user, ssh_key=str(sshd.key), ssh_config=str(sshd.config),
            known_hosts=str(sshd.known_hosts), remote_dir=str(tmp_path / "h o'st"),
            gpu_enabled=False,
        )  # fmt: skip
    project = Settings(root=tmp_path, targets={"ground": settings})
    target = TARGETS.load(settings.kind)(project, "ground")
    yield Ground(target, image, tmp_path)
    target.close()


def begun(ground: Ground, job: CommandJob, values: dict[str, str] | None = None) -> Handle:
    """Stage and submit."""
    staged = list(ground.target.stage(job))
    assert isinstance(staged[-1], Staged)
    return ground.target.submit(job, values or {})


def followed(ground: Ground, handle: Handle, offset: int = 0) -> tuple[str, JobEnded]:
    """The log from a byte on, and the end."""
    events = list(ground.target.follow(handle, offset))
    ended = events[-1]
    assert isinstance(ended, JobEnded)
    return "".join(event.text for event in events if isinstance(event, Log)), ended


def test_a_job_from_stage_to_fetch(ground: Ground) -> None:
    job = ground.job()
    log, ended = followed(ground, begun(ground, job))
    assert (ended.exit_code, ended.reason) == (0, "exited")
    assert "pixels of a shot" in log and "a; $(b) 夜" in log
    assert [file.path for file in ended.files] == ["outputs/out.bin"]
    into = ground.folder / "home"
    list(ground.target.fetch(Handle("ground", job.name, ""), ended.files, into))
    assert (into / "outputs/out.bin").read_bytes() == b"pixels of a shot"


def test_the_log_from_any_byte(ground: Ground) -> None:
    handle = begun(ground, ground.job())
    whole, _ = followed(ground, handle)
    rest, ended = followed(ground, handle, len(b"started\n"))
    assert whole == "started\n" + rest
    assert ended.exit_code == 0


def test_the_log_by_now(ground: Ground) -> None:
    handle = begun(ground, ground.job(script="echo up; sleep 60"))
    for event in ground.target.follow(handle, 0):
        if isinstance(event, Log):
            break
    assert ground.target.log_now(handle, 0) == Log("up\n", 3)
    assert ground.target.log_now(handle, 3) == Log("", 3)
    ground.target.cancel(handle)
    assert ground.target.log_now(Handle("ground", "rs_00000000.1-000000", ""), 0) == Log("", 0)


def test_a_failing_job_says_so(ground: Ground) -> None:
    _, ended = followed(ground, begun(ground, ground.job(code=7)))
    assert (ended.exit_code, ended.reason) == (7, "exited")


def test_a_second_submission_finds_the_first(ground: Ground) -> None:
    job = ground.job(script="echo once; sleep 1")
    first = begun(ground, job)
    second = begun(ground, job)
    assert first == second
    log, _ = followed(ground, second)
    assert log.count("once") == 1


def test_a_secret_arrives_and_is_left_nowhere(ground: Ground) -> None:
    value = f"s3cr3t-{secrets.token_hex(8)}"
    job = ground.job(secrets_=("TOKEN",))
    log, ended = followed(ground, begun(ground, job, {"TOKEN": value}))
    assert ended.exit_code == 0
    assert f"\n{len(value) + 7}\n" in log
    for folder, _, names in os.walk(ground.folder):
        for name in names:
            assert value.encode() not in (Path(folder) / name).read_bytes()


def test_cancel(ground: Ground) -> None:
    handle = begun(ground, ground.job(script="echo up; sleep 60"))
    for event in ground.target.follow(handle, 0):
        if isinstance(event, Log):
            break
    ground.target.cancel(handle)
    _, ended = followed(ground, handle)
    assert ended.reason == "cancelled"
    ground.target.cancel(handle)


def test_time_limit(ground: Ground) -> None:
    job = replace(ground.job(script="echo up; sleep 60"), time_limit=1)
    _, ended = followed(ground, begun(ground, job))
    assert (ended.exit_code, ended.reason) == (124, "timeout")


def test_a_job_without_a_trace_is_gone(ground: Ground) -> None:
    _, ended = followed(ground, Handle("ground", "rs_00000000.1-000000", "none:0"))
    assert ended.reason == "gone"


def test_an_input_that_changed_is_refused(ground: Ground) -> None:
    job = ground.job()
    assert isinstance(job.inputs[0].source, Path)
    job.inputs[0].source.write_bytes(b"other bytes, more")
    with pytest.raises(TransferError, match="changed since"):
        list(ground.target.stage(job))


def test_an_input_of_other_bytes_does_not_run(ground: Ground) -> None:
    job = ground.job()
    assert isinstance(job.inputs[0].source, Path)
    job.inputs[0].source.write_bytes(b"PIXELS of a shot")  # as many bytes, but not the same
    list(ground.target.stage(job))
    with pytest.raises(TransferInterrupted, match=r"color\.bin"):
        ground.target.submit(job, {})


def test_a_file_that_changed_on_the_host_is_not_taken(ground: Ground) -> None:
    job = ground.job()
    handle = begun(ground, job)
    _, ended = followed(ground, handle)
    wrong = RemoteFile(ended.files[0].path, ended.files[0].size, "0" * 64)
    with pytest.raises(TransferInterrupted):
        list(ground.target.fetch(handle, [wrong], ground.folder / "home"))
    assert not (ground.folder / "home" / wrong.path).exists()


def test_an_unknown_image_is_refused(docker: Docker, shared_sshd: Sshd, tmp_path: Path) -> None:
    settings = TargetSettings(
        host=shared_sshd.host, port=shared_sshd.port, user=shared_sshd.user,
        ssh_key=str(shared_sshd.key), ssh_config=str(shared_sshd.config),
        known_hosts=str(shared_sshd.known_hosts), remote_dir=str(tmp_path / "host"),
        gpu_enabled=False,
    )  # fmt: skip
    project = Settings(root=tmp_path, targets={"ground": settings})
    target = TARGETS.load("ssh")(project, "ground")
    ground = Ground(target, "no/such-image:1", tmp_path)
    with pytest.raises(SubmissionRejected, match="no/such-image"):
        begun(ground, ground.job())
    target.close()


def test_explain_opens_nothing(ground: Ground) -> None:
    text = ground.target.explain(ground.job())
    assert "a; $(b) 夜" in text and "run-job.sh" in text
    assert "SCRIPT" in text and "while [" not in text, "our own constant scripts are left out"
    assert not (ground.folder / "h o'st").exists()


# -- clean -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HostFolder:
    """The target's folder, looked at and aged by hand."""

    root: Path

    @property
    def workspaces(self) -> set[str]:
        return {path.name for path in (self.root / "runs").iterdir()}

    @property
    def inputs(self) -> set[str]:
        return {path.name for path in (self.root / "inputs").iterdir()}

    def age(self, below: str, hours: float = 24 * 30) -> None:
        """Let everything ``below`` be as it has been for so long."""
        then = time.time() - hours * 3600
        for path in [self.root / below, *(self.root / below).rglob("*")]:
            os.utime(path, (then, then))


@pytest.fixture
def there(ground: Ground) -> HostFolder:
    return HostFolder(ground.folder / "h o'st")


def clean(ground: Ground, days: float = 7, *, dry: bool = False, away: str = "") -> Cleaned:
    assert isinstance(ground.target, OnHost)
    return ground.target.clean(int(days * 1440), dry=dry, away=away.split())


def finished(ground: Ground, content: bytes = b"pixels of a shot") -> CommandJob:
    """A job that is over; its input is its own when it has its own content."""
    job = ground.job()
    (item,) = job.inputs
    assert isinstance(item.source, Path)
    item.source.write_bytes(content)
    item = replace(item, sha256=sha256_file(item.source), size=len(content))
    job = replace(job, inputs=(item,))
    assert followed(ground, begun(ground, job))[1].exit_code == 0
    return job


def test_clean_takes_what_is_old_and_nothing_else(ground: Ground, there: HostFolder) -> None:
    old, new = finished(ground, b"old"), finished(ground, b"new")
    there.age("")
    there.age(f"runs/{new.name}", hours=24)
    shown = clean(ground, dry=True)
    assert there.workspaces == {old.name, new.name} and len(there.inputs) == 2
    removed = clean(ground)
    assert removed == shown
    assert [left.name for left in removed.workspaces] == [old.name]
    assert [left.name for left in removed.inputs] == [old.inputs[0].sha256]
    assert [left.name for left in removed.containers] == [old.name] * bool(ground.image)
    assert all(left.size > 0 for left in (*removed.workspaces, *removed.inputs))
    assert there.workspaces == {new.name} and there.inputs == {new.inputs[0].sha256}
    assert clean(ground) == Cleaned()
    assert followed(ground, Handle("ground", old.name, ""))[1].reason == "gone"


def test_clean_leaves_a_job_that_runs(ground: Ground, there: HostFolder) -> None:
    job = ground.job(script="echo up; sleep 60")
    handle = begun(ground, job)
    next(iter(ground.target.follow(handle, 0)))
    there.age("")
    assert clean(ground, 0) == Cleaned()
    ground.target.cancel(handle)
    assert followed(ground, handle)[1].reason == "cancelled"
    assert [left.name for left in clean(ground, 0).workspaces] == [job.name]


def test_clean_leaves_what_is_being_staged(ground: Ground, there: HostFolder) -> None:
    job = ground.job()
    list(ground.target.stage(job))
    there.age("inputs")
    cleaned = clean(ground, 0)
    assert cleaned == Cleaned(unsure=(job.name,)), "which inputs it wants is not known"
    assert followed(ground, ground.target.submit(job, {}))[1].exit_code == 0


def test_clean_takes_what_was_never_started(ground: Ground, there: HostFolder) -> None:
    job = ground.job()
    list(ground.target.stage(job))
    there.age("", hours=2)
    assert len(clean(ground, 0).workspaces) == 1
    with pytest.raises(TransferInterrupted):
        ground.target.submit(job, {})
    assert followed(ground, begun(ground, job))[1].exit_code == 0


def test_clean_leaves_runs_that_are_away(ground: Ground, there: HostFolder) -> None:
    job = finished(ground)
    there.age("")
    assert clean(ground, away=job.name.rpartition("-")[0]) == Cleaned(away=(job.name,))
    assert there.workspaces == {job.name} and len(there.inputs) == 1


def test_an_input_that_was_looked_up_stays(ground: Ground, there: HostFolder) -> None:
    old = finished(ground)
    there.age("")
    job = ground.job()
    assert job.inputs == old.inputs
    list(ground.target.stage(job))
    there.age("runs")
    cleaned = clean(ground, 0)
    assert {left.name for left in cleaned.workspaces} == {old.name, job.name}
    assert cleaned.inputs == () and there.inputs == {job.inputs[0].sha256}


def test_an_input_that_is_looked_up_while_it_goes_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "inputs" / ("ab" * 32)
    folder.mkdir(parents=True)
    (folder / ".ok.color.bin").touch()
    there = HostFolder(tmp_path / "root")
    (tmp_path / "bin").mkdir()
    mv = tmp_path / "bin" / "mv"
    mv.write_text(f"""#!/bin/sh\n{shutil.which("mv")} "$@"; touch "$2"/.ok.*\n""")
    mv.chmod(0o755)
    argv = command(str(there.root), "exit 1", 0, dry=False)
    for path, left in ((f"{mv.parent}:{os.environ['PATH']}", 1), (os.environ["PATH"], 0)):
        there.age("")
        subprocess.run(argv, env={**os.environ, "PATH": path}, check=True)
        assert len(list(there.root.glob("inputs/*"))) == left


def test_a_workspace_that_names_no_inputs_keeps_them_all(ground: Ground, there: HostFolder) -> None:
    job = finished(ground)
    (there.root / "runs" / job.name / "inputs").unlink()
    there.age("inputs")
    assert clean(ground) == Cleaned(unsure=(job.name,))


@pytest.mark.parametrize("mark", [True, False])
def test_an_input_that_vanished_is_staged_again(
    ground: Ground, there: HostFolder, mark: bool
) -> None:
    job = ground.job()
    followed(ground, begun(ground, ground.job()))
    list(ground.target.stage(job))
    folder = there.root / "inputs" / job.inputs[0].sha256
    (folder / "color.bin").unlink()
    if not mark:
        (folder / ".ok.color.bin").unlink()
    with pytest.raises(TransferInterrupted, match=r"^color\.bin did not arrive"):
        ground.target.submit(job, {})
    assert followed(ground, begun(ground, job))[1].exit_code == 0


def test_a_container_without_its_workspace_goes(ground: Ground, there: HostFolder) -> None:
    job = finished(ground)
    shutil.rmtree(there.root / "runs" / job.name)
    cleaned = clean(ground)
    assert [left.name for left in cleaned.containers] == [job.name] * bool(ground.image)
    assert clean(ground) == Cleaned()
