"""The size that a shot is prepared in, how each pass comes to it, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video.media import Media
from cosmos_workflow.workflows.assemble import engine
from cosmos_workflow.workflows.prepare_wishes import FitBy, Wishes

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Framing:
    """How pictures of one size become pictures of another.

    They are scaled to ``scaled``, and then, for ``crop``, the middle of it is kept, or, for
    ``pad``, black is put around it, to give ``size``.  ``by`` is empty where nothing is cut.
    """

    size: Size
    scaled: Size
    by: FitBy = ""

    @property
    def offset(self) -> Size:
        """Columns and rows on the left and at the top that are cut away or added."""
        return abs(self.scaled[0] - self.size[0]) // 2, abs(self.scaled[1] - self.size[1]) // 2


def framed(shot: Shot, wishes: Wishes) -> tuple[Framing, tuple[str, ...]]:
    """The framing of the shot, and what there is to tell about its engine.

    Raises MediaError when the engine would refuse the shot, or works at another size and nothing
    was said about how to come to it.
    """
    size = shot.width, shot.height
    own = evened(size)
    if not wishes.engine:
        return own, ()
    media = Media(*size, wishes.fps, len(shot.frames), "h264", "yuv420p")
    fit = engine(wishes.engine).fit(media)
    wanted = fit.width, fit.height
    faults = list(fit.faults)
    if wanted not in (size, own.size) and not wishes.fit:
        faults.insert(0, f"it works at {_by(wanted)}, and this shot is {_by(size)}")
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise MediaError(
            f"{wishes.engine} cannot take {shot.folder}:\n{listed}",
            hint=_offers(size, wanted) if wanted != size else "",
        )
    notes = tuple(f"{wishes.engine}: {note}" for note in fit.notes)
    if not wishes.fit and wanted == own.size:
        return own, notes
    return framing(size, wanted, wishes.fit if wanted != size else ""), notes


def evened(size: Size) -> Framing:
    """How a picture with an odd side loses a row or a column, and no other pixel changes.

    Raises MediaError when nothing would be left.
    """
    even = size[0] - size[0] % 2, size[1] - size[1] % 2
    if not all(even):
        raise MediaError(
            f"{_by(size)} is less than a video can hold", hint="render at 2x2 or larger"
        )
    return Framing(even, size, "crop" if even != size else "")


def framing(size: Size, wanted: Size, by: FitBy) -> Framing:
    """How a picture of ``size`` fits ``wanted``."""
    if by not in ("crop", "pad"):
        return Framing(wanted, wanted)
    across, down = wanted[0] / size[0], wanted[1] / size[1]
    scale = max(across, down) if by == "crop" else min(across, down)
    scaled = round(size[0] * scale), round(size[1] * scale)
    return Framing(wanted, scaled, by if scaled != wanted else "")


def steps(one: Framing, modality: Modality, reel: Reel) -> str:
    """The ffmpeg filters that frame a pass; empty when it has its size."""
    size = reel.width, reel.height
    filters = []
    if size != one.scaled:
        filters.append(_scale(one.scaled, size, modality, _header(reel, modality)))
    x, y = one.offset
    if one.by == "crop":
        filters.append(f"crop={one.size[0]}:{one.size[1]}:{x}:{y}:exact=1")
    elif one.by == "pad":
        filters.append(f"pad={one.size[0]}:{one.size[1]}:{x}:{y}:black")
    return ",".join(filters)


def told(shot: Shot, one: Framing) -> Mapping[Modality, str]:
    """What is done to each pass that does not stay as it is, in words."""
    said = {}
    for modality in shot.modalities:
        reel = shot.reel(modality)
        size = reel.width, reel.height
        parts = []
        if size != one.scaled:
            parts.append(f"{_by(size)} to {_by(one.scaled)} ({_sampling(modality, size, one)})")
        if one.by:
            verb = "cut" if one.by == "crop" else "black bars added"
            parts.append(f"{verb} to {_by(one.size)}")
        if parts:
            said[modality] = ", ".join(parts)
    return said


# -- what it costs --------------------------------------------------------------------------------


def _offers(size: Size, wanted: Size) -> str:
    ways: tuple[FitBy, ...] = ("crop", "pad", "resize")
    lines = [f"--fit {by:<7}{cost(size, wanted, by)}" for by in ways]
    return "\n".join([*lines, f"or render at {_by(wanted)}"])


def cost(size: Size, wanted: Size, by: FitBy) -> str:
    """What fitting a picture of ``size`` into ``wanted`` loses, in words."""
    one = framing(size, wanted, by)
    times = max(one.scaled[0] / size[0], one.scaled[1] / size[1])
    larger = f"; enlarges it {times:.2g} times" if times > 1.001 else ""
    if by == "resize":
        across, down = wanted[0] / size[0], wanted[1] / size[1]
        stretch = max(across, down) / min(across, down) - 1
        way = "wider" if across > down else "taller"
        return (f"stretches it {stretch:.1%} {way}" if stretch > 1e-9 else "loses nothing") + larger
    if not one.by:
        return f"loses nothing{larger}"
    sides = "left and right" if one.scaled[0] != wanted[0] else "at the top and at the bottom"
    thick = max(one.offset) or 1
    whole, part = (one.scaled, wanted) if by == "crop" else (wanted, one.scaled)
    share = 1 - part[0] * part[1] / (whole[0] * whole[1])
    verb = f"cuts {share:.1%} away" if by == "crop" else f"adds black bars, {share:.1%} of it"
    return f"{verb}: {thick} pixels {sides}{larger}"


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


# -- filters --------------------------------------------------------------------------------------


def _sampling(modality: Modality, size: Size, one: Framing) -> str:
    """How in-between pixels are found: ids must not mix, and fine lines must not vanish."""
    if modality is Modality.COLOR:
        return "lanczos"
    if modality is Modality.SEGMENTATION:
        return "nearest"
    smaller = one.scaled[0] <= size[0] and one.scaled[1] <= size[1]
    return "area" if smaller else "bicubic"


def _scale(to: Size, size: Size, modality: Modality, header: tuple[int, bool]) -> str:
    sampling = _sampling(modality, size, Framing(to, to))
    place = f"scale={to[0]}:{to[1]}"
    if sampling != "nearest":
        return f"{place}:flags={sampling}+accurate_rnd+full_chroma_int+full_chroma_inp"
    bits, grey = header
    nearest = f"{place}:flags=neighbor"
    if grey:
        return nearest
    # ffmpeg scales RGB by way of YUV, which makes new colours; single planes it leaves alone.
    planes = "gbrp16le" if bits == 16 else "gbrp"
    return (
        f"format={planes},extractplanes=r+g+b[r][g][b];[g]{nearest}[gs];[b]{nearest}[bs];"
        f"[r]{nearest}[rs];[gs][bs][rs]mergeplanes=0x001020:{planes}"
    )


def _header(reel: Reel, modality: Modality) -> tuple[int, bool]:
    """Bits a channel, and whether there is but one channel, of a pass as it is delivered."""
    layout = reel.layout(modality)
    if layout != "png":
        return (16, True) if layout == "gray16le" else (8, False)
    head = _first_bytes(reel.paths[0], 26)
    return head[24], head[25] == 0


def _first_bytes(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count).ljust(count, b"\0")
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
