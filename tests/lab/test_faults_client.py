"""The client is killed, interrupted, away, or there twice: the run comes home all the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from project import Project, video
from scene import Scene, counted, kill, pad, said, until
from slowlink import SlowLink

from cosmos_workflow.events import (
    ExecutionStatus,
    JobEnded,
    Planned,
    Progress,
    Staged,
    Submitted,
    Transferring,
)
from cosmos_workflow.video.probe import probe

MB = 1e6


def interrupt(client: subprocess.Popen[str]) -> None:
    """Ctrl-C, if it still runs."""
    client.send_signal(signal.SIGINT)


# -- kill -9 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 20])
def test_killed_during_the_upload(scene: Scene, size: int) -> None:
    pad(scene.project.root / "shot" / "color.mp4", size)
    spec = scene.project.spec("a wet street")
    with SlowLink(scene.sshd.port, bytes_per_s=size / 3 * MB) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        until(lambda: link.bytes_up > size / 2 * MB, "nothing is uploaded")
        kill(client)
        assert not counted(scene.project.run(spec))["Staged"]
        before, link.bytes_per_s = link.bytes_up, 0
        done = scene.project.cosmos("run", spec)
        assert "going on with it" in done.stdout
        if size > 16:  # what is small is sent in one go
            assert link.bytes_up - before < 0.8 * size * MB, "what had arrived went up again"
    scene.came_home(spec)


@pytest.mark.parametrize("command", ["run", "follow"])
def test_killed_while_following(scene: Scene, command: str) -> None:
    spec = scene.project.spec("a wet street [[load=2]]")
    client = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    kill(client)
    scene.project.cosmos(command, spec)
    scene.came_home(spec)


def test_killed_between_the_start_and_its_record(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=1]]")
    client = scene.project.begin("run", spec)
    scene.until_event(spec, Planned)
    until(lambda: bool(scene.containers(spec)), "no container")
    kill(client)
    folder = scene.project.run(spec)
    # The record is taken back in case it was made in that very moment: the start went unseen.
    lines = folder.events_file.read_text().splitlines(keepends=True)
    folder.events_file.write_text("".join(line for line in lines if '"Submitted"' not in line))
    assert folder.run().status is ExecutionStatus.PENDING
    scene.project.cosmos("run", spec)
    scene.came_home(spec)


def test_killed_during_the_download(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[big=6]]")
    folder = scene.project.run(spec)
    with SlowLink(scene.sshd.port, bytes_per_s=3 * MB) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        scene.until_event(spec, JobEnded)
        until(lambda: any(folder.arriving.rglob("*.mp4*")), "nothing is downloaded")
        kill(client)
        assert not list(folder.path.glob("*.mp4"))
        link.bytes_per_s = 0
        scene.project.cosmos("follow", folder.id)
    scene.came_home(spec)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(scene: Scene, seed: int) -> None:
    """Again and again, wherever it stands: on each next start it goes on from there."""
    chance = random.Random(seed)
    spec = scene.project.spec("a wet street [[big=1]]")
    for _ in range(5):
        client = scene.project.begin("run", spec)
        with suppress(subprocess.TimeoutExpired):
            client.wait(chance.uniform(0.3, 1.2))
        if client.poll() is None and chance.random() < 0.5:
            kill(client)
        else:
            interrupt(client)
            out, _ = client.communicate(timeout=60)
            assert "Traceback" not in out and client.returncode in (0, 130, -signal.SIGINT), out
    scene.project.cosmos("run", spec)
    scene.came_home(spec)


def test_killed_while_following_on_this_machine(project: Project) -> None:
    """The default target and engine: the job outlives the client here too."""
    video(project.root / "shot" / "color.mp4", "testsrc2", frames=120)
    video(project.root / "shot" / "depth.mp4", "gradients", frames=120)
    spec = project.spec("a wet street", engine="preview")
    client = project.begin("run", spec)
    folder = project.run(spec)
    until(lambda: folder.log_size() > 0, "the job says nothing")
    kill(client)
    assert folder.run().status is ExecutionStatus.RUNNING
    project.cosmos("follow", spec)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS and counted(folder)["Submitted"] == 1
    assert probe(folder.path / run.outputs[0].path).frames == 120
    host = project.root / ".cosmos" / "runs" / folder.job().name / "job.log"
    assert folder.log_file.read_bytes() == host.read_bytes()


# -- Ctrl-C --------------------------------------------------------------------------------------


def test_interrupted_while_following(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=2]]")
    client = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    interrupt(client)
    text = said(client, 130)
    assert f"cosmos follow {spec}.1" in text and f"cosmos cancel {spec}.1" in text
    assert scene.project.run(spec).run().status is ExecutionStatus.RUNNING
    scene.project.cosmos("follow", f"{spec}.1")
    scene.came_home(spec)


@pytest.mark.parametrize("with_rsync", [True, False], ids=["rsync", "sftp"])
def test_interrupted_during_the_upload(
    scene: Scene, with_rsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_rsync:
        without(tmp_path / "bin", "rsync")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    pad(scene.project.root / "shot" / "color.mp4", 8)
    spec = scene.project.spec("a wet street")
    with SlowLink(scene.sshd.port, bytes_per_s=2 * MB) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        until(lambda: link.bytes_up > 1 * MB, "nothing is uploaded")
        interrupt(client)
        text = said(client, 130)
        assert f"nothing was started; cosmos run {spec} goes on where this stopped" in text
        link.bytes_per_s = 0
        scene.project.cosmos("run", spec)
    scene.came_home(spec)


def without(folder: Path, *programs: str) -> None:
    """A folder for PATH with all programs of this machine but these."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in programs and not link.is_symlink():
                link.symlink_to(program)


def test_interrupted_during_the_download(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[big=6]]")
    folder = scene.project.run(spec)
    with SlowLink(scene.sshd.port, bytes_per_s=3 * MB) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        scene.until_event(spec, JobEnded)
        until(lambda: any(folder.arriving.rglob("*.mp4*")), "nothing is downloaded")
        interrupt(client)
        assert f"cosmos follow {folder.id}" in said(client, 130)
        link.bytes_per_s = 0
        scene.project.cosmos("follow", folder.id)
    scene.came_home(spec)


# -- away ----------------------------------------------------------------------------------------


def test_away_for_longer_than_the_run(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=1]]")
    done = scene.project.cosmos("run", spec, "--detach")
    assert f"left running: cosmos follow {spec}.1" in done.stdout
    scene.until_over(spec)
    assert scene.project.run(spec).run().status is ExecutionStatus.RUNNING
    scene.project.cosmos("follow", spec)
    scene.came_home(spec)


# -- two at once ---------------------------------------------------------------------------------


def test_the_same_spec_from_two_terminals(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=1]]")
    both = [scene.project.begin("run", spec, "--json") for _ in range(2)]
    for client in both:
        assert '"status": "SUCCESS"' in said(client, 0).splitlines()[-1]
    assert len(scene.project.store.attempts(spec)) == 1
    scene.came_home(spec)


def test_detached_while_another_follows(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=2]]")
    first = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    assert "left running" in scene.project.cosmos("run", spec, "--detach").stdout
    said(first, 0)
    scene.came_home(spec)


def test_two_follow_the_same_run(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=2]]")
    first = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    second = scene.project.begin("follow", spec, "--verbose")
    text = said(second, 0)
    assert "SUCCESS" in text and "Saved video to" in text and "video: outputs/" in text
    assert "SUCCESS" in said(first, 0)
    scene.came_home(spec)


def test_who_only_watched_takes_over(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=2]]")
    first = scene.project.begin("run", spec)
    scene.until_event(spec, Submitted)
    second = scene.project.begin("follow", spec)
    scene.until_event(spec, Progress)
    kill(first)
    assert "SUCCESS" in said(second, 0)
    scene.came_home(spec)


def test_two_specs_of_one_project(scene: Scene) -> None:
    specs = [scene.project.spec(f"a {word} street [[load=1]]") for word in ("wet", "dry")]
    both = [scene.project.begin("run", spec) for spec in specs]
    for client in both:
        said(client, 0)
    for spec in specs:
        scene.came_home(spec)


def test_two_projects_on_one_host(scene: Scene, tmp_path: Path) -> None:
    """They have the same ids: the same words, and videos of the same names."""
    other = Project(tmp_path / "another project")
    video(other.root / "shot" / "color.mp4", "testsrc2")
    video(other.root / "shot" / "depth.mp4", "testsrc2")
    twin = Scene(other, scene.host, scene.sshd, scene.docker, scene.image)
    twin.configure()
    try:
        specs = [each.project.spec("a wet street [[load=1]]") for each in (scene, twin)]
        assert specs[0] == specs[1]
        both = [each.project.begin("run", specs[0]) for each in (scene, twin)]
        for client in both:
            said(client, 0)
        assert scene.came_home(specs[0]).job().name != twin.came_home(specs[0]).job().name
    finally:
        twin.remove_containers()


# -- cancelled -----------------------------------------------------------------------------------


def test_cancelled_from_another_terminal(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[hang]]")
    first = scene.project.begin("run", spec)
    scene.until_log(spec, "Starting diffusion sampling")
    assert "CANCELLED" in scene.project.cosmos("cancel", spec).stdout
    assert "CANCELLED" in said(first, 6)
    scene.ended(spec, ExecutionStatus.CANCELLED, "cancelled")
    assert scene.docker.inspect(scene.containers(spec)[0], "{{.State.Running}}") == "false"
    assert "was already CANCELLED" in scene.project.cosmos("cancel", spec).stdout


def test_cancelled_when_nobody_follows(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[hang]]")
    scene.project.cosmos("run", spec, "--detach")
    scene.until_log(spec, "Starting diffusion sampling")
    assert "CANCELLED" in scene.project.cosmos("cancel", f"{spec}.1").stdout
    scene.ended(spec, ExecutionStatus.CANCELLED, "cancelled")
    assert scene.project.run(spec).log_file.read_text() == scene.host_log(spec)
    scene.project.cosmos("follow", spec, code=6)


def test_cancelled_before_anything_left(fragile: Scene) -> None:
    """No host is needed for that."""
    spec = fragile.project.spec("a wet street")
    known = fragile.sshd.known_hosts.read_text()
    fragile.sshd.known_hosts.write_text("")
    fragile.project.cosmos("run", spec, code=4)
    assert fragile.project.run(spec).run().status is ExecutionStatus.PENDING
    assert "CANCELLED" in fragile.project.cosmos("cancel", spec).stdout
    fragile.ended(spec, ExecutionStatus.CANCELLED, "cancelled")
    fragile.sshd.known_hosts.write_text(known)
    fragile.project.cosmos("run", spec)
    fragile.came_home(spec, attempt=2)


def test_cancelled_during_the_upload(scene: Scene) -> None:
    pad(scene.project.root / "shot" / "color.mp4", 6)
    spec = scene.project.spec("a wet street")
    with SlowLink(scene.sshd.port, bytes_per_s=1 * MB) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        scene.until_event(spec, Transferring)
        assert "CANCELLED" in scene.project.cosmos("cancel", spec).stdout
        link.bytes_per_s = 0
        assert "CANCELLED" in said(client, 6)
    scene.ended(spec, ExecutionStatus.CANCELLED, "cancelled")
    assert not scene.containers(spec)


def test_cancelled_when_the_start_went_unrecorded(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[hang]]")
    scene.project.cosmos("run", spec, "--detach")
    folder = scene.project.run(spec)
    lines = folder.events_file.read_text().splitlines(keepends=True)
    folder.events_file.write_text("".join(line for line in lines if '"Submitted"' not in line))
    assert folder.run().status is ExecutionStatus.PENDING
    assert counted(folder)[Staged.__name__]
    assert "CANCELLED" in scene.project.cosmos("cancel", spec).stdout
    assert scene.docker.inspect(scene.containers(spec)[0], "{{.State.Running}}") == "false"
