"""What prepare costs beyond the encoding of PNG passes, and that its memory does not grow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from project import command, environment

from benchmarks.lab import compile_all
from benchmarks.preview import cpu_seconds, two_cores
from benchmarks.table import Row, in_turn
from cosmos_workflow.houdini.samples import FIRST_FRAME, SAMPLE_PASSES, render_sample
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.controls import CRF
from cosmos_workflow.video.frames import H264

FPS = 24
DRAWN = 12
"""Frames of the sample that are drawn; the others are links to them."""

ROUNDS = 4

_MEASURED = """
import sys
from pathlib import Path
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.workflows.prepare import Wishes, prepare
prepare(Settings(root=Path(sys.argv[1])), Path(sys.argv[2]), Wishes(no_ai=True, again=True))
status = Path("/proc/self/status").read_text()  # rusage would count the process we come from
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def measure() -> Iterator[Row]:
    """Time against plain ffmpeg on the same two cores, then memory at two lengths."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name, two_cores():
        yield time_of(Path(name), 121, 1280, 704)
        yield memory_of(Path(name), (10, 1000), 640, 352)


def time_of(folder: Path, frames: int, width: int, height: int) -> Row:
    """The whole command, start of Python and checks included, by the four encodes alone."""
    shot = passes(folder / "long", frames, width, height)
    calls = [partial(prepare, folder, shot), partial(encodes, shot, frames)]
    prepared, plain = in_turn(calls, ROUNDS)
    work, plain_work = (cpu_seconds(call) for call in calls)
    return Row(
        f"prepare-inference, {frames} PNG frames of {width}x{height}, {len(SAMPLE_PASSES)} passes",
        f"{prepared:.2f} s: {prepared / plain:.2f} of plain ({work / plain_work:.2f} of its work)",
        "1.1 of plain or less",
        prepared / plain <= 1.1,
        f"{len(SAMPLE_PASSES)} plain ffmpeg side by side, same filters and codec: {plain:.2f} s",
    )


def memory_of(folder: Path, lengths: Sequence[int], width: int, height: int) -> Row:
    """The most that our process had, the ffmpegs beside it not counted."""
    few, many = (
        peak(folder, passes(folder / str(length), length, width, height)) for length in lengths
    )
    return Row(
        f"its peak memory, {lengths[0]} and {lengths[1]:,} frames of {width}x{height}",
        f"{few / 1000:.1f} and {many / 1000:.1f} MB: {many / few - 1:+.1%}",
        "within 10 %",
        abs(many / few - 1) <= 0.1,
        "our process alone; an ffmpeg holds as many frames as its encoder looks ahead",
    )


def passes(folder: Path, frames: int, width: int, height: int) -> Path:
    """A render folder of so many frames, the drawn ones over and over."""
    drawn = folder.with_name(f"drawn-{width}")
    render_sample(drawn, frames=DRAWN, width=width, height=height)
    folder.mkdir()
    for modality in SAMPLE_PASSES:
        for number in range(frames):
            source = drawn / f"{modality}.{FIRST_FRAME + number % DRAWN:04d}.png"
            os.link(source, folder / f"{modality}.{FIRST_FRAME + number:04d}.png")
    return folder


def prepare(project: Path, shot: Path) -> None:
    """The command as a user types it; what it made goes again."""
    argv = command(["prepare-inference", str(shot), "--no-ai", "--again"])
    subprocess.run(argv, cwd=project, env=environment(None), stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(project / "inputs")


def encodes(shot: Path, frames: int) -> None:
    """What a person would write: one ffmpeg a pass, all at once."""
    ffmpeg.run_together(
        [
            plain(shot / f"{modality}.%04d.png", frames, shot / f"{modality}.mp4")
            for modality in SAMPLE_PASSES
        ]
    )


def plain(pattern: Path, frames: int, dest: Path) -> ffmpeg.Command:
    """Numbered pictures to a video, with the filters and the codec that prepare uses."""
    args = ["-v", "error", "-f", "image2", "-framerate", ffmpeg.rate(FPS)]
    args += ["-start_number", str(FIRST_FRAME), "-i", f"file:{pattern.absolute()}"]
    args += ["-vf", f"setsar=1,{ffmpeg.TV_BT709}", "-r", ffmpeg.rate(FPS)]
    args += ["-frames:v", str(frames), *H264, "-crf", str(CRF), ffmpeg.url(dest)]
    return ffmpeg.Command(args, frames)


def peak(project: Path, shot: Path) -> int:
    """Kilobytes that a process which prepares ``shot`` had at most."""
    argv = [sys.executable, "-c", _MEASURED, str(project), str(shot)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment(None))
    return int(done.stdout)
