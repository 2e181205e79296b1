"""``cosmos watch`` on two thousand folders: what idling costs, how soon a shot is taken."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

from project import command, environment

from benchmarks.lab import compile_all
from benchmarks.table import Row
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.houdini.arrivals_look import MARKER, NOTE, Eye, look
from cosmos_workflow.workflows.watch_journal import Entry, Journal, State

FOLDERS = 2000
WAITING = 200
"""Of the folders, those with a frame missing; all others were taken before."""

PASSES = ("color", "depth", "segmentation", "edge")
FRAMES = 20
WARM_S, IDLE_S = 20.0, 30.0
SHOTS = 8
GOAL_CPU, GOAL_S = 0.01, 2.0


def measure() -> Iterator[Row]:
    """A real process each time, on real files."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        root, project = Path(name, "renders"), Path(name, "project")
        picture = _picture(Path(name))
        _fill(root, project, picture)
        files = f"{FOLDERS:,} folders of {len(PASSES)}x{FRAMES} frames"
        with _watching(root, project) as heard:
            ready = heard.settled()
            share = heard.idle()
            yield Row(
                f"cosmos watch, {files}: idle CPU of a core", f"{share:.2%}",
                f"under {GOAL_CPU:.0%}", share < GOAL_CPU,
                f"over {IDLE_S:.0f} s; {WAITING} of them wait for frames",
            )  # fmt: skip
            for what, mark in (("range known", NOTE), ("marker file", MARKER)):
                taken = [
                    _taken(heard, root / f"new_{what[:2]}{n}", picture, mark) for n in range(SHOTS)
                ]
                worst = max(taken)
                yield Row(
                    f"  last frame to taken, {what}", f"{worst:.2f} s", f"under {GOAL_S:.0f} s",
                    worst < GOAL_S, f"worst of {SHOTS}; median {statistics.median(taken):.2f} s",
                )  # fmt: skip
            yield Row("  first look at all of them", f"{ready:.1f} s")
            yield Row("  memory at most", f"{heard.memory() / 1e6:.0f} MB")
        with _watching(root, project, "--poll") as heard:
            heard.settled(FOLDERS + 2 * SHOTS)
            share = heard.idle()
            yield Row(
                "  with --poll, as on a network share", f"{share:.2%}", f"under {GOAL_CPU:.0%}",
                share < GOAL_CPU,
            )  # fmt: skip


class Heard:
    """A watch that runs, and the JSON lines that it writes."""

    def __init__(self, process: subprocess.Popen[str], page: Path) -> None:
        self.process, self.page = process, page
        self.begun = time.monotonic()
        self.lines: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def until(self, shot: str, state: State) -> dict[str, Any]:
        """The line that tells this."""
        while True:
            told = self.lines.get(timeout=60)
            if told.get("shot") == shot and told["state"] == state:
                return told

    def settled(self, shots: int = FOLDERS) -> float:
        """Seconds until every folder was looked at; the page tells it."""
        while f"<title>{shots} shots" not in _text(self.page):
            assert self.process.poll() is None and time.monotonic() - self.begun < 120
            time.sleep(0.1)
        took = time.monotonic() - self.begun
        time.sleep(WARM_S)
        return took

    def idle(self) -> float:
        """The share of one core that it takes while nothing happens."""
        before = self._cpu()
        time.sleep(IDLE_S)
        return (self._cpu() - before) / IDLE_S

    def _cpu(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Bytes at most so far."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(text.partition("VmHWM:")[2].split()[0]) * 1024


@contextmanager
def _watching(root: Path, project: Path, *args: str) -> Iterator[Heard]:
    argv = command(["watch", str(root), "--json", "--no-ai", *args])
    (root / "_cosmos_watch.html").unlink(missing_ok=True)
    process = subprocess.Popen(
        argv, cwd=project, env=environment(None), text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Heard(process, root / "_cosmos_watch.html")
    finally:
        process.terminate()
        process.wait(30)


def _taken(heard: Heard, folder: Path, picture: Path, mark: str) -> float:
    """Seconds from the last thing that a renderer writes to the shot being taken."""
    folder.mkdir()
    if mark == NOTE:
        (folder / NOTE).write_text(json.dumps({"frames": f"1001-{1000 + FRAMES}"}))
    for number in range(FRAMES):
        for name in PASSES:
            (folder / f"{name}.{1001 + number}.png").write_bytes(picture.read_bytes())
        time.sleep(0.02)
    if mark == MARKER:
        (folder / MARKER).touch()
    done = time.time()
    taken = heard.until(folder.name, State.TAKING)["time"] - done
    heard.until(folder.name, State.PREPARED)
    return float(taken)


def _picture(folder: Path) -> Path:
    import cv2
    import numpy as np

    path = folder / "frame.png"
    shades = np.arange(64 * 32 * 3, dtype=np.uint32).reshape(32, 64, 3) % 251
    cv2.imwrite(str(path), shades.astype(np.uint8))
    return path


def _fill(root: Path, project: Path, picture: Path) -> None:
    """Folders whose frames are names of one file, and the journal of a watch that took them."""
    project.mkdir()
    for number in range(FOLDERS):
        folder = root / f"seq{number // 40:02}" / f"sh{number % 40:03}0"
        folder.mkdir(parents=True)
        source = folder / f"{PASSES[0]}.1001.png"
        source.write_bytes(picture.read_bytes())
        for name in _names(gap=number < WAITING):
            os.link(source, folder / name)
    eye = Eye.made(root, MARKER, Settings(root=project).passes)
    journal = Journal.of(Settings(root=project), root)
    journal.path.parent.mkdir(parents=True)
    entries = []
    for number in range(WAITING, FOLDERS):
        shot = f"seq{number // 40:02}/sh{number % 40:03}0"
        seen = look(eye, shot)
        entries.append(Entry(shot, State.PREPARED, time.time(), 1, seen.signature, frames=FRAMES))
    text = "".join(json.dumps(entry.to_json()) + "\n" for entry in entries)
    journal.path.write_text(text)


def _names(*, gap: bool) -> Sequence[str]:
    names = [f"{name}.{1001 + n}.png" for n in range(FRAMES) for name in PASSES]
    return [name for name in names[1:] if not (gap and name == "depth.1009.png")]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
