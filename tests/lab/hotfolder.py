"""Small shots, as a renderer leaves them, and a ``cosmos watch`` that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from project import Project, environment
from scene import until

PASSES = ("color", "depth", "edge")


def render(folder: Path, frames: int = 4, *, shade: int = 0, ready: bool = False) -> Path:
    """A shot of tiny frames from 1001 on; another ``shade`` is another picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(frames):
        for name in PASSES:
            picture = np.full((32, 64, 3), (20 * number + shade) % 250, np.uint8)
            data = cv2.imencode(".png", picture)[1].tobytes()
            (folder / f"{name}.{1001 + number}.png").write_bytes(data)
    if ready:
        (folder / "_cosmos_ready").touch()
    return folder


def age(folder: Path) -> None:
    """A note of the range, where nobody waits for silence."""
    count = len(list(folder.glob("color.*.png")))
    (folder / "_cosmos_shot.json").write_text(json.dumps({"frames": f"1001-{1000 + count}"}))


@dataclass(frozen=True)
class Watch:
    """A watch of ``root`` that runs in a session of its own; its output is in a file."""

    process: subprocess.Popen[str]
    root: Path
    out: Path

    @property
    def said(self) -> str:
        """All it has said so far."""
        return self.out.read_text(encoding="utf-8")

    def until(self, text: str) -> None:
        """Wait until it has said ``text``."""
        until(lambda: text in self.said or self.process.poll() is not None, f"never {text!r}")
        assert text in self.said, self.said

    def end(self, sign: signal.Signals = signal.SIGINT) -> str:
        """End it politely; what it said."""
        self.process.send_signal(sign)
        assert self.process.wait(30) == 130, self.said
        assert "Traceback" not in self.said
        return self.said

    def kill(self) -> None:
        """kill -9, of it and of what it has started in its session."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def begin(
    project: Project, root: Path, *args: str, before: Sequence[str] = (),
    env: dict[str, str] | None = None,
) -> Watch:  # fmt: skip
    """Start ``cosmos watch``; ``before``: a program that starts it."""
    number = len(list(project.root.glob("watch-*.txt")))
    out = project.root / f"watch-{number}.txt"
    argv = [*before, sys.executable, "-m", "cosmos_workflow", "watch", str(root), "--no-ai", *args]
    with out.open("w") as file:
        process = subprocess.Popen(
            argv, cwd=project.root, env=environment(env), text=True, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    return Watch(process, root, out)


def journal(project: Project) -> list[dict[str, Any]]:
    """Every line of the project's only journal."""
    (file,) = (project.root / ".cosmos" / "watch").glob("*.jsonl")
    lines = file.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines if _whole(line)]


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def states(project: Project, shot: str) -> list[str]:
    """What became of a shot, one after the other."""
    return [line["state"] for line in journal(project) if line["shot"] == shot]


def status(folder: Path) -> dict[str, Any]:
    """What stands beside the frames."""
    data: dict[str, Any] = json.loads((folder / "_cosmos_status.json").read_text())
    return data


def prepared(project: Project) -> list[str]:
    """The prepared shots' folders."""
    folder = project.root / "inputs" / "videos"
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []
