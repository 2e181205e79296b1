"""A video as a folder of pictures, whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video.frames import decode
from cosmos_workflow.video.probe import probe

if TYPE_CHECKING:
    from cosmos_workflow.local_ai.processor import Report
    from cosmos_workflow.video.frames import Frame


def unpack(video: Path, folder: Path, every: int, report: Report | None = None) -> list[Path]:
    """Each so many frames of ``video`` as PNG in ``folder``, which must be new or empty.

    They are written into a folder beside it, which then takes its name.  Raises MediaError.
    """
    media = probe(video)
    total = len(range(0, media.frames, every))
    digits = max(4, len(str(total - 1)))
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise MediaError(f"{folder} is not empty", hint="name a new folder")
        part.mkdir(parents=True)
        names: list[str] = []
        for frame in islice(decode(video, media.width, media.height), 0, None, every):
            names.append(f"frame_{len(names):0{digits}d}.png")
            (part / names[-1]).write_bytes(_png(frame))
            if report:
                report(len(names), total)
        if len(names) != total:
            raise MediaError(f"{video}: only {len(names)} of {total} frames can be decoded")
        if folder.exists():
            folder.rmdir()  # empty: a folder takes the name of none that is there on every system
        part.rename(folder)
    except OSError as error:
        raise MediaError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return [folder / name for name in names]


def _png(frame: Frame) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes())
