"""The slate in the corner: says in the picture itself that this is a preview."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Frame = NDArray[np.uint8]

_ACCENT = (255, 184, 77)
_WHITE = (244, 244, 244)
_SOFT = (176, 180, 186)
_PLATE = (12, 13, 16, 168)
_DIGITS = "0123456789/"


@dataclass(frozen=True)
class Slate:
    """The plate with all words that stay, and one small picture per digit; colours and cover."""

    x: int
    y: int
    colour: NDArray[np.float32]
    cover: NDArray[np.float32]
    glyphs: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    counter: int
    total: int

    def draw(self, frame: Frame, number: int) -> None:
        """Put the slate on ``frame`` (H, W, 3), in place; ``number`` counts from 1."""
        colour, cover = self.colour.copy(), self.cover.copy()
        x = self.counter
        for letter in f"{number:0{len(str(self.total))}d}/{self.total}":
            ink, mask = self.glyphs[letter]
            width = mask.shape[1]
            part = slice(x, x + width)
            colour[:, part] = colour[:, part] * (1 - mask) + ink * mask
            cover[:, part] = np.maximum(cover[:, part], mask)
            x += width
        height, width = cover.shape[:2]
        under = frame[self.y : self.y + height, self.x : self.x + width]
        under[:] = np.rint(under * (1 - cover) + colour * cover).astype(np.uint8)


def make_slate(seed: int, frames: int, width: int, height: int) -> Slate | None:
    """A slate for frames of this size, bottom left; None where it could not be read anyway."""
    scale = min(height / 704, width / 1280)
    size = max(7, round(15 * scale))
    font = ImageFont.load_default(size)
    pad, gap, tall = round(size * 0.7), round(size * 0.9), round(size * 1.9)
    texts = [("PREVIEW", _ACCENT), ("rehearsal", _WHITE), (f"seed {seed}", _SOFT)]
    glyph_width = round(max(font.getlength(letter) for letter in "0123456789"))
    counter = pad + sum(round(font.getlength(text)) + gap for text, _ in texts)
    letters = 2 * len(str(frames)) + 1
    full = counter + letters * glyph_width + pad
    margin = round(24 * scale)
    if full + 2 * margin > width or tall + 2 * margin > height:
        return None
    colour, cover = _plate(texts, font, full, tall, pad, gap)
    glyphs = {letter: _glyph(letter, font, glyph_width, tall) for letter in _DIGITS}
    return Slate(margin, height - margin - tall, colour, cover, glyphs, counter, frames)


def _plate(
    texts: list[tuple[str, tuple[int, int, int]]],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: int,
    height: int,
    pad: int,
    gap: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image = Image.new("RGBA", (width * 4, height * 4), (*_PLATE[:3], 0))
    ImageDraw.Draw(image).rounded_rectangle(
        (0, 0, width * 4 - 1, height * 4 - 1), radius=height, fill=_PLATE
    )
    image = image.resize((width, height), Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    x = pad
    for text, colour in texts:
        draw.text((x, height / 2), text, font=font, fill=(*colour, 255), anchor="lm")
        x += round(font.getlength(text)) + gap
    return _split(image)


def _glyph(
    letter: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image = Image.new("RGBA", (width, height), (*_WHITE, 0))
    ImageDraw.Draw(image).text(
        (width / 2, height / 2), letter, font=font, fill=(*_WHITE, 255), anchor="mm"
    )
    return _split(image)


def _split(image: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    data = np.asarray(image, dtype=np.float32)
    return data[..., :3], data[..., 3:] / 255.0
