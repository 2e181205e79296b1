"""The sample shot: passes of a small animated scene, written as Houdini would write them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.exr_pixels import need_openexr
from cosmos_workflow.prompts.enums import Modality

FIRST_FRAME = 1001
SAMPLE_PASSES = (Modality.COLOR, Modality.DEPTH, Modality.SEGMENTATION, Modality.EDGE)

_FRAME = re.compile(r"(color|depth|segmentation|vis|edge|sample)\.[0-9]{1,9}\.(png|exr)")
_MARK = ".sample.json"
_VERSION = 1


def render_sample(
    folder: Path,
    *,
    frames: int = 48,
    width: int = 1280,
    height: int = 704,
    exr: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Render the sample shot into ``folder``; a complete one that is there already is kept.

    ``color.1001.png`` ..., and beside it depth (16-bit, logarithm of the distance, nearest white,
    sky black, one scale for the whole shot), segmentation (a flat colour a kind of object) and
    edge (outlines and creases of the geometry, white on black).  ``exr``: instead, one file a
    frame, ``sample.1001.exr`` ..., with scene-linear colour, ``Pz``, ``N`` and a cryptomatte.

    The same pixels on every call.  ``report`` gets frames done and frames in all.  Raises
    MediaError, also when the folder holds other frames, and MissingExtra.
    """
    asked = {"version": _VERSION, "frames": frames, "width": width, "height": height}
    if exr:
        need_openexr()
        asked["exr"] = 1
    try:
        if _complete(folder, asked):
            if report:
                report(frames, frames)
            return
        _clear(folder)
        mark = folder / _MARK
        mark.write_text(json.dumps({**asked, "complete": False}) + "\n", encoding="utf-8")
        _render(folder, asked, report)
        mark.write_text(json.dumps({**asked, "complete": True}) + "\n", encoding="utf-8")
    except OSError as error:
        raise MediaError(
            f"cannot write the sample in {folder}: {error.strerror}",
            hint="make room, or name a folder that you may write to",
        ) from error


def _render(folder: Path, asked: dict[str, int], report: Callable[[int, int], None] | None) -> None:
    from cosmos_workflow.houdini.sample_shot import Shot

    shot, frames = Shot(asked["width"], asked["height"]), asked["frames"]
    write = _write_exr if "exr" in asked else _write
    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as pool:
        waiting = [
            pool.submit(write, folder, shot, number, number / max(1, frames - 1))
            for number in range(frames)
        ]
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                if report:
                    report(done, frames)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write(folder: Path, shot: Any, number: int, clock: float) -> None:
    import cv2

    for modality, picture in shot.frame(clock).items():
        _, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        path = folder / f"{modality}.{FIRST_FRAME + number}.png"
        path.write_bytes(data.tobytes())


def _write_exr(folder: Path, shot: Any, number: int, clock: float) -> None:
    from cosmos_workflow.houdini.exr_sample import write_frame

    write_frame(folder / f"sample.{FIRST_FRAME + number}.exr", shot.view(clock))


def _complete(folder: Path, asked: dict[str, int]) -> bool:
    """Whether exactly this sample is there already, whole."""
    if _mark(folder) != {**asked, "complete": True}:
        return False
    names = ["sample.{}.exr"] if "exr" in asked else [f"{one}.{{}}.png" for one in SAMPLE_PASSES]
    numbers = range(FIRST_FRAME, FIRST_FRAME + asked["frames"])
    wanted = {name.format(number) for name in names for number in numbers}
    return wanted == {path.name for path in _frames(folder) if path.stat().st_size}


def _clear(folder: Path) -> None:
    """Make the folder, without frames: those of an older sample go, others are a person's work."""
    folder.mkdir(parents=True, exist_ok=True)
    present = _frames(folder)
    if present and _mark(folder) is None:
        raise MediaError(
            f"{folder} holds frames that are not the sample's, such as {present[0].name}",
            hint="name another folder",
        )
    for path in present:
        path.unlink()


def _frames(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _FRAME.fullmatch(path.name))


def _mark(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / _MARK).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
