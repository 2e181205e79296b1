"""The ground the figures stand on: a project, an sshd, a slow line to it, and a Docker engine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dockerd
import images
from need import need
from project import Project, command, environment, remote_config
from slowlink import SlowLink
from sshd import Sshd, start_sshd

RTT_S = 0.1
PASSES = ("color", "depth", "segmentation")

TORCHRUN = """#!/bin/sh
# The model with no time to compute: its result is there at once.
set -e
folder=outputs name=output
while [ $# -gt 0 ]; do
  case $1 in --video_save_folder) folder=$2 ;; --video_save_name) name=$2 ;; esac
  shift
done
mkdir -p "$folder"
cp /workspace/instant.mp4 "$folder/$name.mp4"
echo prompt >"$folder/$name.txt"
echo "[01-01 00:00:00|INFO|transfer.py:1:demo] Saved video to $folder/$name.mp4"
"""


@dataclass(frozen=True)
class Lab:
    """A project on this machine and a host behind a slow line.

    ``remote`` is where the host keeps its files; ``videos`` are the passes of one shot, about
    2 MB each; ``result`` is what the engine writes.
    """

    folder: Path
    project: Project
    server: Sshd
    link: SlowLink

    @property
    def remote(self) -> Path:
        return self.folder / "host"

    @property
    def videos(self) -> list[Path]:
        return [self.project.root / "shot" / f"{name}.mp4" for name in PASSES]

    @property
    def target(self) -> str:
        """``user@host`` for plain OpenSSH and rsync."""
        return f"{self.server.user}@{self.server.host}"

    @property
    def ssh(self) -> list[str]:
        """Plain OpenSSH over the slow line, without the host."""
        return self.server.ssh(self.link.port)

    def cosmos(self, *args: str) -> str:
        """Standard output of the real command, run as a user runs it."""
        return self.project.cosmos(*args).stdout

    def began(self, *args: str) -> subprocess.Popen[bytes]:
        """The real command, with its standard output to be read as it comes."""
        return subprocess.Popen(
            command(args), cwd=self.project.root, env=environment(None), stdout=subprocess.PIPE
        )


@contextmanager
def line(rtt_s: float = RTT_S) -> Iterator[Lab]:
    """A project whose default target is an sshd behind a round trip of ``rtt_s`` seconds.

    ``remote_dir`` is relative to the user's home, as it is by default.
    """
    compile_all()
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        folder = Path(name)
        server = start_sshd(folder / "sshd", ["LogLevel VERBOSE"])
        try:
            with SlowLink(server.port, rtt_s) as link:
                server.trust(link.port)
                project = Project(folder / "project")
                project.root.mkdir()
                lab = Lab(folder, project, server, link)
                configure(lab, "")
                yield lab
        finally:
            server.stop()


@contextmanager
def line_and_engine(rtt_s: float = RTT_S) -> Iterator[Lab]:
    """The same with Docker behind it, and an image whose engine needs no time at all."""
    with dockerd.engine() as docker, line(rtt_s) as lab:
        for path, source in zip(lab.videos, ("testsrc2", "gradients", "life"), strict=True):
            film(path, source)
        configure(lab, instant(docker, lab.videos[0]))
        yield lab


def configure(lab: Lab, image: str) -> None:
    """Write config.toml."""
    home = Path.home()
    text = remote_config(lab.server, lab.remote, image, port=lab.link.port)
    place = os.path.relpath(lab.remote, home)
    lab.project.configure(text.replace(f'"{lab.remote}"', f'"{place}"'))


def film(path: Path, source: str) -> None:
    """121 frames of 1280x704, about 2 MB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = "mold=10:life_color=#80ff40" if source == "life" else ""
    subprocess.run(
        [need("ffmpeg"), "-v", "error", "-f", "lavfi", "-i",
         f"{source}=s=1280x704:r=24" + (f":{size}" if size else ""), "-frames:v", "121",
         "-vf", "noise=alls=6:allf=t", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "3300k",
         "-maxrate", "3300k", "-bufsize", "3300k", "-pix_fmt", "yuv420p", "-color_range", "tv",
         "-movflags", "+faststart", str(path)],
        check=True,
    )  # fmt: skip


def instant(docker: dockerd.Docker, result: Path) -> str:
    """The stand-in model's image with an engine that only copies ``result``."""
    base = images.model(docker)
    digest = hashlib.sha256(base.encode() + TORCHRUN.encode() + result.read_bytes())
    name = f"cosmos-lab/instant:{digest.hexdigest()[:12]}"
    if docker("image", "inspect", "-f", "{{.Id}}", name, check=False):
        return name
    program = result.with_name("torchrun")
    program.write_text(TORCHRUN)
    program.chmod(0o755)
    container = docker("create", base, "true")
    try:
        docker("cp", str(program), f"{container}:/usr/local/bin/torchrun")
        docker("cp", str(result), f"{container}:/workspace/instant.mp4")
        docker("commit", container, name)
    finally:
        docker("rm", "-f", container)
        program.unlink()
    return name


def compile_all(folders: Sequence[str] = ("cosmos_workflow",)) -> None:
    """Byte-code beside the sources, as an installer leaves it."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], check=True)
