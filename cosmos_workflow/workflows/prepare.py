"""Prepare: a folder of rendered frames becomes videos that every engine reads, and their facts."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.metadata import FILE_NAME, ShotMetadata
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.ids import sha256_file, slug, timestamp
from cosmos_workflow.local_ai.names import smart_name
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.controls import encode_sequence
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.prepare_wishes import Wishes

__all__ = ["Report", "Say", "Wishes", "prepare", "shot_name"]

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""

Say = Callable[[str], None]
"""Called with a line for people: what was done beyond what was asked."""


def prepare(
    settings: Settings,
    folder: Path,
    wishes: Wishes | None = None,
    *,
    report: Report | None = None,
    say: Say | None = None,
) -> Path:
    """Make ``inputs/videos/{name}_{YYYYMMDD_HHMMSS}/`` from a folder of frames; returns it.

    It holds one H.264 video a pass (4:2:0, tv range, BT.709, constant rate, every frame) and
    ``metadata.json``.  It appears whole or not at all.  Raises MediaError with every fault.
    """
    wishes = wishes or Wishes()
    wishes.check()
    fps, description = wishes.fps, wishes.description
    shot = read_shot(folder, wishes.reading, report=_stage("checking frames", report))
    title = shot_name(wishes.name, description, folder)
    with _part_folder(settings.videos_dir, title) as part:
        _encode(shot, fps, part, report)
        _check(shot, fps, part)
        return _land(settings, shot, part, title, fps, description)


def shot_name(name: str, description: str, folder: Path) -> str:
    """``name``, else the first two telling words of the description, else the folder's name.

    ``"a modern architectural interior with stairs"`` -> ``"modern_architectural"``.
    """
    return slug(name or smart_name(description) or folder.absolute().name)


def _encode(shot: Shot, fps: float, part: Path, report: Report | None) -> None:
    commands = [
        encode_sequence(
            shot.reel(one).paths[0].with_name(f"{one}.%0{4}d.png"),
            shot.frames[0],
            len(shot.frames),
            fps,
            part / f"{one}.mp4",
        )
        for one in shot.modalities
    ]
    ffmpeg.run_together(commands, report=_stage("encoding", report))


def _check(shot: Shot, fps: float, part: Path) -> None:
    """What was made is what was asked: the size, the rate, and every frame."""
    for one in shot.modalities:
        media = probe(part / f"{one}.mp4")
        size = (media.width, media.height) == (shot.width, shot.height)
        speed = abs(media.fps - fps) < 0.01
        if media.frames != len(shot.frames) or not (size and speed and media.plain):
            raise MediaError(
                f"{one} came out as {media.frames} frames of {media.width}x{media.height}"
                f" {media.pix_fmt} at {media.fps:g}, not {len(shot.frames)} of"
                f" {shot.width}x{shot.height} yuv420p at {fps:g}"
            )


def _land(
    settings: Settings, shot: Shot, part: Path, title: str, fps: float, description: str
) -> Path:
    """Rename ``part`` to its dated name, the next free second if another shot has taken it."""
    now = datetime.now()
    modalities = shot.modalities
    content = [f"{one} {sha256_file(part / f'{one}.mp4')}" for one in modalities]
    identity = hashlib.sha256("\n".join([title, description, f"{fps:g}", *content]).encode())
    while True:
        dest = settings.videos_dir / f"{title}_{timestamp(now)}"
        paths = {one: portable(dest / f"{one}.mp4", settings) for one in modalities}
        facts = ShotMetadata(
            id=identity.hexdigest()[:12],
            name=title,
            description=description,
            frame_count=len(shot.frames),
            fps=int(fps) if fps == int(fps) else fps,
            modalities=modalities,
            video_path=paths.pop(Modality.COLOR),
            control_inputs=paths,
            resolution=(shot.width, shot.height),
        )
        (part / FILE_NAME).write_text(facts.text(), encoding="utf-8")
        try:
            part.rename(dest)
            return dest
        except OSError as error:
            if not dest.exists():
                raise MediaError(f"cannot write {dest}: {error.strerror}") from error
        now += timedelta(seconds=1)


@contextmanager
def _part_folder(videos: Path, title: str) -> Iterator[Path]:
    """A hidden folder to work in, gone afterwards; those that dead processes left go too.

    Each is held by a lock beside it, so that nobody removes one that is still in use.
    """
    from filelock import FileLock, Timeout

    try:
        videos.mkdir(parents=True, exist_ok=True)
        for left in videos.glob(".*.part.lock"):
            try:
                with FileLock(left, timeout=0):
                    shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                    left.unlink(missing_ok=True)
            except Timeout:
                continue
        part = videos / f".{title}.{secrets.token_hex(4)}.part"
        lock = part.with_name(f"{part.name}.lock")
        with FileLock(lock, timeout=0):
            try:
                part.mkdir()
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
                lock.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(f"cannot write in {videos}: {error.strerror}") from error


def _stage(stage: str, report: Report | None) -> ffmpeg.Report:
    def say(done: int, total: int) -> None:
        if report:
            report(stage, done / max(total, 1))

    return say
