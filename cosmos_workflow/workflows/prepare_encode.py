"""The videos of a shot, made side by side and checked; every frame that breaks is named."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video import reels
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.prepare_fit import Framing, steps

if TYPE_CHECKING:
    from cosmos_workflow.houdini.reel import Pixels

Stage = Callable[[str], Callable[[int, int], None]]
"""Gives the report of a stage, which is called with what is done and what there is in all."""

MASTERS = "masters"
"""The folder of the lossless videos, in a prepared shot's."""

_NAMED = 20


def encode(shot: Shot, framing: Framing, fps: float, masters: bool, part: Path, say: Stage) -> None:
    """Write ``{modality}.mp4``, and ``masters/{modality}.mkv`` where there shall be one.

    Raises MediaError, naming every frame that cannot be read or decoded.
    """
    kept = mastered(shot, masters)
    if kept:
        (part / MASTERS).mkdir()
    strips = [_strip(reel, framing, kept, part) for reel in shot.reels]
    before = _states(shot)
    try:
        reels.encode(strips, len(shot.frames), fps, report=say("encoding"))
    except BrokenPicture as error:
        torn = _broken(shot, (), say)
        raise torn or MediaError(f"a frame of {shot.folder} {error}") from error
    except reels.Undecodable as error:
        torn = _broken(shot, (error.track.modality,), say)
        if torn is None:
            raise
        raise torn from error
    _unchanged(shot, before)
    videos = [(part / f"{modality}.mp4", True) for modality in shot.modalities]
    videos += [(part / MASTERS / f"{modality}.mkv", False) for modality in kept]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(probe, [path for path, _ in videos])
        for (path, plain), media in zip(videos, found, strict=True):
            _compare(path, media, framing, len(shot.frames), fps, plain=plain)


def mastered(shot: Shot, masters: bool) -> tuple[Modality, ...]:
    """The passes of which a lossless video is kept.

    Depth that was made from distances always is: nothing else holds its 16 bits.
    """
    return tuple(
        modality
        for modality in shot.modalities
        if masters or shot.reel(modality).layout(modality) == "gray16le"
    )


def check(path: Path, framing: Framing, frames: int, fps: float) -> None:
    """What was made is what was asked: the size, the rate, and every frame.  Raises MediaError."""
    _compare(path, probe(path), framing, frames, fps, plain=True)


def _compare(
    path: Path, media: Media, framing: Framing, frames: int, fps: float, *, plain: bool
) -> None:
    size = (media.width, media.height) == framing.size
    speed = abs(media.fps - fps) < 0.01
    if media.frames == frames and size and speed and (media.plain or not plain):
        return
    raise MediaError(
        f"{path.name} came out as {media.frames} frames of {media.width}x{media.height}"
        f" {media.pix_fmt} at {media.fps:g}, not {frames} of"
        f" {framing.size[0]}x{framing.size[1]} at {fps:g}"
    )


def _strip(reel: Reel, framing: Framing, kept: Collection[Modality], part: Path) -> reels.Strip:
    tracks = tuple(
        reels.Track(
            modality,
            reel.layout(modality),
            reel.width,
            reel.height,
            part / f"{modality}.mp4",
            steps(framing, modality, reel),
            part / MASTERS / f"{modality}.mkv" if modality in kept else None,
        )
        for modality in reel.modalities
    )
    return reels.Strip(tracks, lambda index: _read(reel, index))


def _read(reel: Reel, index: int) -> Mapping[Modality, Pixels]:
    try:
        return reel.read(index)
    except OSError as error:
        raise BrokenPicture(f"cannot be read ({error.strerror})") from error


# -- what broke -----------------------------------------------------------------------------------


def _states(shot: Shot) -> array[int]:
    """Size and time of every file, one after another; of one that cannot be looked at, -1."""
    found = array("q")  # 16 bytes a frame: a shot may have thousands
    for path in _files(shot):
        try:
            facts = path.stat()
            found.extend((facts.st_size, facts.st_mtime_ns))
        except OSError:
            found.extend((-1, -1))
    return found


def _files(shot: Shot) -> Iterator[Path]:
    return (path for reel in shot.reels for path in reel.paths)


def _unchanged(shot: Shot, before: array[int]) -> None:
    """Raises MediaError when a file was written to while the videos were made."""
    now = _states(shot)
    if now == before:
        return
    changed = [
        path.name
        for n, path in enumerate(_files(shot))
        if now[2 * n : 2 * n + 2] != before[2 * n : 2 * n + 2]
    ]
    raise MediaError(
        f"{_listed(changed)} changed in {shot.folder} while the videos were made",
        hint="is it still being rendered? nothing was written; run it again afterwards",
    )


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _broken(shot: Shot, decoded: Collection[Modality], say: Stage) -> MediaError | None:
    """Every frame that cannot be read, and of the passes ``decoded`` those that cannot be decoded.

    None when all are well.
    """
    report = say("looking for damaged frames")
    looks = [(reel, index) for reel in shot.reels for index in range(len(shot.frames))]
    found = []
    with ThreadPoolExecutor(min(4, (os.cpu_count() or 2) + 1)) as pool:
        results = pool.map(lambda look: _fault(look[0], look[1], decoded), looks)
        for done, ((reel, index), why) in enumerate(zip(looks, results, strict=True), start=1):
            if why:
                found.append(f"  - {reel.paths[index].name} {why}")
            report(done, len(looks))
    if not found:
        return None
    more = len(found) - _NAMED
    listed = "\n".join([*found[:_NAMED], *([f"  - and {more} more"] if more > 0 else [])])
    count = "1 frame is" if len(found) == 1 else f"{len(found)} frames are"
    return MediaError(
        f"{count} damaged in {shot.folder}:\n{listed}",
        hint="nothing was written; render them again, then run it again",
    )


def _fault(reel: Reel, index: int, decoded: Collection[Modality]) -> str:
    try:
        pixels = _read(reel, index)
    except BrokenPicture as error:
        return str(error)
    return next(_undecodable(pixels, decoded), "")


def _undecodable(pixels: Mapping[Modality, Pixels], decoded: Collection[Modality]) -> Iterator[str]:
    for modality in decoded:
        data = pixels.get(modality)
        if isinstance(data, bytes) and (why := reels.damage(data)):
            yield f"is damaged ({why})"
