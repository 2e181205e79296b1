"""How fast the preview renders 1280x704 on two cores, beside real time and a plain transcode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.table import Row, in_turn
from cosmos_workflow.engines.preview import ENVIRONMENT
from cosmos_workflow.houdini.samples import FIRST_FRAME, SAMPLE_PASSES, render_sample
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import H264

WIDTH, HEIGHT, FPS = 1280, 704, 24
DRAWN, FRAMES = 16, 120
"""Frames of the sample that are drawn, and frames measured: the drawn ones over and over."""

PROMPTS = {
    "plainest": "a pavilion",
    "fullest": "a cinematic rainy neon night, snow, fog",
}
CRF = 18


def measure() -> Iterator[Row]:
    """One row a prompt; each run is the whole command, start of Python included."""
    with tempfile.TemporaryDirectory() as name, two_cores():
        folder = Path(name)
        passes(folder)
        calls = [partial(rehearse, spec, folder) for spec in specs(folder)]
        *previews, plain = in_turn([*calls, partial(transcode, folder)], 3)
        for label, seconds, call in zip(PROMPTS, previews, calls, strict=True):
            speed, cores = FRAMES / seconds, cpu_seconds(call) / (FRAMES / FPS)
            yield Row(
                f"preview, {WIDTH}x{HEIGHT}, 4 controls, {label} prompt",
                f"{speed:.1f} frames/s, {speed / FPS:.2f} of real time ({cores:.2f} cores keep it)",
                f"{FPS} frames/s on 2 cores",
                speed >= FPS,
                f"plain transcode {FRAMES / plain:.1f} frames/s: {plain / seconds:.2f} of it",
            )


def cpu_seconds(call: Callable[[], None]) -> float:
    """Processor time of what ``call`` starts; unlike the wall clock it ignores other programs."""
    before = os.times()
    call()
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )


@contextmanager
def two_cores() -> Iterator[None]:
    """This process and its children on two cores, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def passes(folder: Path) -> None:
    """The sample's passes as videos of ``FRAMES`` frames."""
    render_sample(folder / "png", frames=DRAWN, width=WIDTH, height=HEIGHT)
    for modality in SAMPLE_PASSES:
        args = ["-f", "image2", "-loop", "1", "-framerate", str(FPS)]
        args += ["-start_number", str(FIRST_FRAME), "-i", f"{folder}/png/{modality}.%04d.png"]
        args += ["-vf", ffmpeg.TV_BT709, "-frames:v", str(FRAMES), *H264, "-crf", "12"]
        ffmpeg.run([*args, str(folder / f"{modality}.mp4")])


def specs(folder: Path) -> Iterator[Path]:
    """A request per prompt, with all four controls; vis is made on the way."""
    for label, prompt in PROMPTS.items():
        request = {
            "run_id": "rs_00000000.1",
            "name": label,
            "engine": "preview",
            "prompt": prompt,
            "base": {"modality": "color", "video": str(folder / "color.mp4")},
            "controls": {"vis": {"weight": 0.3}}
            | {
                control: {"weight": 0.3, "video": str(folder / f"{control}.mp4")}
                for control in ("edge", "depth", "segmentation")
            },
            "parameters": {
                "seed": 1, "num_steps": 35, "guidance": 7.0, "sigma_max": 70.0, "fps": FPS,
                "blur_strength": "medium", "canny_threshold": "medium",
            },
        }  # fmt: skip
        path = folder / f"{label}.json"
        path.write_text(json.dumps(request), encoding="utf-8")
        yield path


def rehearse(spec: Path, folder: Path) -> None:
    """The command that a job runs."""
    argv = [sys.executable, "-m", "cosmos_workflow.rehearsal", str(spec), str(folder / "out")]
    root = Path(__file__).parents[1]
    env = {**os.environ, **ENVIRONMENT}
    subprocess.run(argv, cwd=root, env=env, stdout=subprocess.DEVNULL, check=True)


def transcode(folder: Path) -> None:
    """The color video to H.264 once more, with the preview's own settings."""
    args = ["-i", str(folder / "color.mp4"), "-vf", ffmpeg.TV_BT709, *H264, "-crf", str(CRF)]
    ffmpeg.run([*args, str(folder / "plain.mp4")])
