"""A contact sheet: videos as rows, moments as columns, one PNG to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video.frames import stills
from cosmos_workflow.video.landing import landing
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import probe

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_BACKGROUND = (14, 15, 18)
_RULE = (44, 47, 54)
_FAINT = (118, 124, 136)
_TEXT = (226, 229, 235)
_ACCENT = (245, 166, 84)
_OUTPUT = "output"


@dataclass(frozen=True)
class Layout:
    """Where things lie, in pixels: outer margin, column of names, head, gaps, one picture."""

    width: int
    margin: int
    names: int
    head: int
    gap: int
    cell: tuple[int, int]

    def at(self, row: int, column: int) -> tuple[int, int]:
        """The upper left corner of a picture."""
        x = self.margin + self.names + column * (self.cell[0] + self.gap)
        return x, self.head + row * (self.cell[1] + self.gap)


def contact_sheet(
    videos: Mapping[str, Path], dest: Path, *, title: str, columns: int = 5, width: int = 1600
) -> None:
    """Write a PNG with a row for each video, in order, and ``columns`` moments of it.

    A row named ``output`` is set apart.  Videos of other lengths are cut at the same fractions.
    Raises MediaError when a video cannot be read.
    """
    from PIL import Image, ImageDraw

    if not videos:
        raise MediaError("a contact sheet needs at least one video")
    facts = {name: probe(path) for name, path in videos.items()}
    lead = facts.get(_OUTPUT) or next(iter(facts.values()))
    columns = max(1, min(columns, *(media.frames for media in facts.values())))
    layout = _layout(lead, columns, width)
    apart = layout.gap * 2 if _OUTPUT in videos and len(videos) > 1 else 0
    height = layout.at(len(videos), 0)[1] - layout.gap + apart + layout.margin
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _head(draw, layout, title, lead, columns)
    order = sorted(videos, key=lambda name: name == _OUTPUT)
    for row, name in enumerate(order):
        shift = apart if name == _OUTPUT else 0
        if shift:
            y = layout.at(row, 0)[1] + (shift - layout.gap) // 2
            draw.line((layout.margin, y, width - layout.margin, y), fill=_ACCENT, width=1)
        _row(sheet, draw, layout, row, shift, name, videos[name], _moments(facts[name], columns))
    with landing(dest) as part:
        sheet.save(part, format="PNG")


def _layout(lead: Media, columns: int, width: int) -> Layout:
    unit = max(8, width // 160)
    margin, names, gap = 4 * unit, 12 * unit, unit
    cell = (width - 2 * margin - names - (columns - 1) * gap) // columns
    return Layout(
        width, margin, names, 12 * unit, gap, (cell, round(cell * lead.height / lead.width))
    )


def _moments(media: Media, columns: int) -> list[int]:
    """Frame numbers from the first to the last, evenly."""
    last = media.frames - 1
    return [round(last * column / max(1, columns - 1)) for column in range(columns)]


def _head(draw: ImageDraw, layout: Layout, title: str, lead: Media, columns: int) -> None:
    unit, y = layout.gap, layout.margin
    facts = f"{lead.width} x {lead.height}    {lead.frames} frames    {lead.fps:g} fps"
    small, large = _font(unit * 1.5), _font(unit * 2.6)
    right = layout.width - layout.margin
    draw.text((right, y + unit * 1.6), facts, font=small, fill=_FAINT, anchor="rm")
    room = right - draw.textlength(facts, font=small) - layout.margin * 2
    text = _fitted(draw, " ".join(title.split()), large, room)
    draw.text((layout.margin, y + unit * 1.5), text, font=large, fill=_TEXT, anchor="lm")
    y = layout.head - unit * 2
    draw.line((layout.margin, y - unit * 1.6, right, y - unit * 1.6), fill=_RULE, width=1)
    for column, frame in enumerate(_moments(lead, columns)):
        x = layout.at(0, column)[0]
        draw.text((x, y + unit * 0.6), f"{frame + 1}", font=small, fill=_FAINT, anchor="lm")


def _row(
    sheet: Image,
    draw: ImageDraw,
    layout: Layout,
    row: int,
    shift: int,
    name: str,
    path: Path,
    moments: list[int],
) -> None:
    from PIL import Image

    width, height = layout.cell
    for column, frame in enumerate(stills(path, moments, width, height)):
        x, y = layout.at(row, column)
        sheet.paste(Image.fromarray(frame), (x, y + shift))
    font = _font(layout.gap * 1.7)
    colour = _ACCENT if name == _OUTPUT else _TEXT
    text = _fitted(draw, name, font, layout.names - layout.gap)
    place = (layout.margin, layout.at(row, 0)[1] + shift + height // 2)
    draw.text(place, text, font=font, fill=colour, anchor="lm")


def _fitted(draw: ImageDraw, text: str, font: FreeTypeFont, room: float) -> str:
    if draw.textlength(text, font=font) <= room:
        return text
    while text and draw.textlength(f"{text}…", font=font) > room:
        text = text[:-1]
    return f"{text}…"


def _font(size: float) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)  # type: ignore[return-value]
