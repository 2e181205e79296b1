"""The line to the host breaks, lies, or is refused: nothing is lost, and nothing half is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scene import Scene, counted, pad, said, until
from slowlink import SlowLink

from cosmos_workflow.events import (
    Disconnected,
    ExecutionStatus,
    JobEnded,
    Progress,
    Submitted,
    Transferring,
)
from cosmos_workflow.ids import sha256_file

# -- while following -----------------------------------------------------------------------------


def test_sshd_is_restarted_while_following(fragile: Scene) -> None:
    spec = fragile.project.spec("a wet street [[load=2]]")
    client = fragile.project.begin("run", spec)
    fragile.until_event(spec, Submitted)
    fragile.sshd.stop()
    fragile.until_event(spec, Disconnected)
    fragile.sshd.start()
    text = said(client, 0)
    assert "trying again" in text and "SUCCESS" in text
    fragile.came_home(spec)


def test_the_line_is_cut_silently_while_following(scene: Scene) -> None:
    spec = scene.project.spec("a wet street [[load=3]]")
    with SlowLink(scene.sshd.port) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port, more="silence = 5")
        client = scene.project.begin("run", spec)
        scene.until_event(spec, Progress)
        link.cut()
        link.mend()
        assert "trying again" in said(client, 0)
    assert counted(scene.came_home(spec))["Disconnected"] == 1


def test_the_line_breaks_again_and_again(scene: Scene) -> None:
    """Every line of the log is there once: it is read on from where it broke off."""
    spec = scene.project.spec("a wet street [[lines=20000]] [[slow=1]]")
    with SlowLink(scene.sshd.port, bytes_per_s=200_000) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        folder = scene.project.run(spec)
        for size in (20_000, 60_000, 100_000):
            while client.poll() is None and folder.log_size() < size:
                pass
            link.drop()
        link.bytes_per_s = 0
        said(client, 0)
    folder = scene.came_home(spec)
    assert counted(folder)["Disconnected"] >= 1
    lines = [line for line in folder.log_lines() if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(20_000)]


# -- while moving files --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 20])
def test_the_line_breaks_during_the_upload(scene: Scene, size: int) -> None:
    pad(scene.project.root / "shot" / "color.mp4", size)
    spec = scene.project.spec("a wet street")
    with SlowLink(scene.sshd.port, bytes_per_s=size / 2 * 1e6) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        scene.until_event(spec, Transferring)
        link.drop()
        link.bytes_per_s = 0
        assert "trying again" in said(client, 0)
    scene.came_home(spec)


@pytest.mark.parametrize("size", [4, 20])
def test_the_line_breaks_during_the_download(scene: Scene, size: int) -> None:
    spec = scene.project.spec(f"a wet street [[big={size}]]")
    with SlowLink(scene.sshd.port, bytes_per_s=size / 3 * 1e6) as link:
        scene.sshd.trust(link.port)
        scene.configure(port=link.port)
        client = scene.project.begin("run", spec)
        scene.until_event(spec, JobEnded)
        before = link.bytes_down
        until(lambda: link.bytes_down > before + size / 3 * 1e6, "nothing is downloaded")
        link.drop()
        link.bytes_per_s = 0
        assert "trying again" in said(client, 0)
    assert counted(scene.came_home(spec))["JobEnded"] == 1


DAMAGE = {
    "flipped": "printf 'X' | dd of=$file bs=1 seek=2000 conv=notrunc 2>/dev/null",
    "truncated": "head -c 1000 $kept >$file",
    "emptied": ": >$file",
}
PROGRAM = """#!/bin/sh
# Stands before the host's own program, and spoils the result as it is about to be sent.
file=outputs/output.mp4 kept=output.kept
case "$*" in *--sender*|-chf*)
  left=$(cat "{count}")
  [ -e $kept ] || cp -p $file $kept
  cp -p $kept $file
  if [ "$left" -gt 0 ]; then
    {damage}
    touch -r $kept $file
    echo $((left - 1)) >"{count}"
  fi
esac
exec {program} "$@"
"""


PROGRAM_UP = """#!/bin/sh
# Stands before the host's own program, and spoils an input that has just arrived.
{program} "$@"
code=$?
left=$(cat "{count}")
case "$*" in *--sender*|-c*) exit $code ;; esac
if [ "$left" -gt 0 ]; then
  find . -name color.mp4 | while IFS= read -r file; do {damage}; done
  echo $((left - 1)) >"{count}"
fi
exit $code
"""


def spoil(scene: Scene, folder: Path, text: str, damage: str, times: int) -> None:
    """Let the host's rsync and tar damage what passes through them, so many times."""
    folder.mkdir()
    (folder / "count").write_text(f"{times}\n")
    for name in ("rsync", "tar"):
        filled = text.format(count=folder / "count", damage=damage, program=f"/usr/bin/{name}")
        (folder / name).write_text(filled)
        (folder / name).chmod(0o755)
    scene.sshd.options = [f"SetEnv PATH={folder}:{os.environ['PATH']}"]
    scene.sshd.restart()


@pytest.mark.parametrize("size", [1, 17])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_download_is_fetched_again(
    fragile: Scene, tmp_path: Path, damage: str, size: int
) -> None:
    spoil(fragile, tmp_path / "bin", PROGRAM, DAMAGE[damage], times=1)
    spec = fragile.project.spec(f"a wet street [[big={size}]]")
    fragile.project.cosmos("run", spec)
    assert (tmp_path / "bin" / "count").read_text() == "0\n", "nothing was damaged"
    assert counted(fragile.came_home(spec))["Disconnected"] == 1


def test_a_download_that_stays_damaged(fragile: Scene, tmp_path: Path) -> None:
    spoil(fragile, tmp_path / "bin", PROGRAM, DAMAGE["flipped"], times=99)
    spec = fragile.project.spec("a wet street")
    done = fragile.project.cosmos("run", spec, code=5)
    assert "output.mp4 arrived with other bytes than it has on gpu" in done.stderr
    assert f"cosmos follow {spec}.1" in done.stderr
    folder = fragile.project.run(spec)
    assert folder.run().status is ExecutionStatus.RUNNING
    assert not list(folder.path.glob("*.mp4"))
    (tmp_path / "bin" / "count").write_text("0\n")
    workspace = fragile.workspace(spec)
    (workspace / "output.kept").replace(workspace / "outputs" / "output.mp4")
    fragile.project.cosmos("follow", spec)
    fragile.came_home(spec)


@pytest.mark.parametrize("size", [1, 17])
def test_an_input_that_is_damaged_on_its_way_up(fragile: Scene, tmp_path: Path, size: int) -> None:
    """What lies on the host under its hash must be what the hash says, or it goes up again."""
    source = fragile.project.root / "shot" / "color.mp4"
    pad(source, size)
    flip = "printf X | dd of=$file bs=1 seek=500000 conv=notrunc 2>/dev/null"
    spoil(fragile, tmp_path / "bin", PROGRAM_UP, flip, times=1)
    spec = fragile.project.spec("a wet street")
    fragile.project.cosmos("run", spec)
    assert (tmp_path / "bin" / "count").read_text() == "0\n", "nothing was damaged"
    assert counted(fragile.came_home(spec))["Disconnected"] == 1
    place = fragile.host / "inputs" / sha256_file(source) / "color.mp4"
    assert place.read_bytes() == source.read_bytes()


def test_a_host_without_rsync_and_tar(fragile: Scene) -> None:
    """SFTP alone does it, end to end."""
    fragile.host_without("rsync", "tar")
    spec = fragile.project.spec("a wet street [[big=3]]")
    fragile.project.cosmos("run", spec)
    fragile.came_home(spec)


def test_a_host_without_rsync(fragile: Scene) -> None:
    fragile.host_without("rsync")
    spec = fragile.project.spec("a wet street [[big=17]]")
    fragile.project.cosmos("run", spec)
    fragile.came_home(spec)


# -- not let in ----------------------------------------------------------------------------------


def test_a_host_key_that_is_not_known(fragile: Scene) -> None:
    spec = fragile.project.spec("a wet street")
    known = fragile.sshd.known_hosts.read_text()
    fragile.sshd.known_hosts.write_text("")
    done = fragile.project.cosmos("run", spec, code=4)
    assert "ssh-keyscan" in done.stderr or "known_hosts" in done.stderr
    assert str(fragile.sshd.port) in done.stderr and "SHA256:" in done.stderr
    assert fragile.project.run(spec).run().status is ExecutionStatus.PENDING
    fragile.sshd.known_hosts.write_text(known)
    fragile.project.cosmos("run", spec)
    fragile.came_home(spec)


def test_a_host_key_that_changed_while_we_were_away(fragile: Scene) -> None:
    spec = fragile.project.spec("a wet street")
    fragile.project.cosmos("run", spec, "--detach")
    fragile.sshd.change_host_key()
    done = fragile.project.cosmos("follow", spec, code=4)
    assert "ssh-keygen -R" in done.stderr and "SHA256:" in done.stderr
    assert fragile.project.run(spec).run().status is ExecutionStatus.RUNNING
    fragile.sshd.known_hosts.write_text("")
    fragile.sshd.trust()
    fragile.project.cosmos("follow", spec)
    fragile.came_home(spec)


def test_nobody_listens(scene: Scene) -> None:
    spec = scene.project.spec("a wet street")
    scene.configure(port=1)
    done = scene.project.cosmos("run", spec, code=4)
    assert f"cosmos run {spec} goes on" in done.stderr
    scene.configure()
    scene.project.cosmos("run", spec)
    scene.came_home(spec)


def test_a_job_that_ended_is_fetched_later(fragile: Scene) -> None:
    """The machine goes away just when its result is to be fetched."""
    spec = fragile.project.spec("a wet street [[load=1]]")
    fragile.project.cosmos("run", spec, "--detach")
    fragile.until_over(spec)
    fragile.sshd.stop()
    client = fragile.project.begin("follow", spec)
    fragile.until_event(spec, Disconnected)
    fragile.sshd.start()
    said(client, 0)
    assert counted(fragile.came_home(spec))[JobEnded.__name__] == 1
