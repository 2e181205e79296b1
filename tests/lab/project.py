"""A project folder as a user has it, with a small shot, and the real command line on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from need import need
from sshd import Sshd

from cosmos_workflow.runs.store import RunFolder, Store


@dataclass(frozen=True)
class Project:
    """``root`` holds config.toml; commands run there, as a subprocess, as a user types them."""

    root: Path

    def cosmos(
        self, *args: str, code: int | None = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; ``code`` is the exit code it must have, None for any."""
        done = subprocess.run(
            command(args), cwd=self.root, env=environment(env), capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert code is None or done.returncode == code, (
            f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def begin(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command in a session of its own and return at once."""
        return subprocess.Popen(
            command(args), cwd=self.root, env=environment(env), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def json(self, *args: str, code: int | None = 0) -> list[dict[str, Any]]:
        """The JSON lines of a command: nothing else may stand on its standard output."""
        return [
            json.loads(line)
            for line in self.cosmos(*args, "--json", code=code).stdout.split("\n")[:-1]
        ]

    def configure(self, text: str) -> None:
        """Write config.toml."""
        (self.root / "config.toml").write_text(text, encoding="utf-8")

    def spec(self, prompt: str, *args: str, name: str = "street", engine: str = "transfer1") -> str:
        """The id of a RunSpec for the project's small shot."""
        controls = ("--input-video", "shot/color.mp4", "--control-inputs", "depth:shot/depth.mp4")
        made = self.json("create-spec", name, prompt, *controls)[-1]
        return str(self.json("create-run", made["id"], "--engine", engine, *args)[-1]["id"])

    @property
    def store(self) -> Store:
        """The project's runs."""
        return Store(self.root / "outputs")

    def run(self, spec: str, attempt: int = 1) -> RunFolder:
        """One run's folder."""
        return RunFolder(self.root / "outputs" / f"{spec}.{attempt}")


def command(args: Sequence[str]) -> list[str]:
    """``cosmos ARGS`` by the interpreter that runs the tests."""
    return [sys.executable, "-m", "cosmos_workflow", *args]


def environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """Ours, without what would configure the product or colour its words."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COSMOS_")}
    return {**kept, "COLUMNS": "100", **(more or {})}


PLAIN = ("-pix_fmt", "yuv420p", "-color_range", "tv")


def video(path: Path, source: str, frames: int = 12, coding: Sequence[str] = PLAIN) -> Path:
    """A small H.264 video of a synthetic source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [need("ffmpeg"), "-v", "error", "-y", "-f", "lavfi", "-i", f"{source}=s=320x176:r=24",
         "-frames:v", str(frames), *coding, str(path)],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a config: target local, engine preview."""
    root = tmp_path / "my project"
    video(root / "shot" / "color.mp4", "testsrc2")
    video(root / "shot" / "depth.mp4", "gradients")
    return Project(root)


def remote_config(sshd: Sshd, folder: Path, image: str, *, port: int = 0, more: str = "") -> str:
    """A config whose ``remote`` target is the lab's sshd and Docker."""
    return f"""
[defaults]
target = "gpu"
engine = "transfer1"

[targets.gpu]
host = "{sshd.host}"
user = "{sshd.user}"
port = {port or sshd.port}
ssh_key = "{sshd.key}"
ssh_config = "{sshd.config}"
known_hosts = "{sshd.known_hosts}"
remote_dir = "{folder}"
image = "{image}"
gpu_enabled = false
{more}
"""


@pytest.fixture
def remote(project: Project, shared_sshd: Sshd, model_image: str, tmp_path: Path) -> Project:
    """A project whose default target is behind SSH, with Docker and the stand-in model."""
    project.configure(remote_config(shared_sshd, tmp_path / "host dir", model_image))
    return project
