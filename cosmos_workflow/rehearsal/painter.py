"""Paints one frame of the rehearsal from the frames of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.prompts.enums import CANNY_PAIRS, BlurStrength
from cosmos_workflow.rehearsal import air, lights, tone, weather
from cosmos_workflow.rehearsal.look import Look
from cosmos_workflow.rehearsal.request import Parameters
from cosmos_workflow.rehearsal.slate import Slate, make_slate

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]

_ONE = 200
"""What 1.0 is in the 8-bit map of factors: room up to 1.27."""

_BLUR = {
    BlurStrength.VERY_LOW: 3,
    BlurStrength.LOW: 5,
    BlurStrength.MEDIUM: 9,
    BlurStrength.HIGH: 15,
    BlurStrength.VERY_HIGH: 25,
}
"""Width of the box, twice over, on a picture 352 lines high."""

_PALETTE = ((196, 116, 96), (206, 168, 104), (146, 152, 124), (96, 140, 170), (140, 116, 168))
"""The quiet colours that segments are tinted with."""


@dataclass(frozen=True)
class Scale:
    """How much each thing counts, 0..1: the controls by their share, and the grade as a whole."""

    vis: float
    edge: float
    depth: float
    segmentation: float
    grade: float


class Painter:
    """Everything that is made once; ``paint`` may be called from several threads at once."""

    def __init__(
        self, look: Look, scale: Scale, parameters: Parameters, width: int, height: int, frames: int
    ) -> None:
        self.size = (width, height)
        self.half = (max(1, width // 2), max(1, height // 2))
        self.look, self.scale = look, scale
        seed = parameters.seed
        self._matrix = tone.saturation_matrix(look.saturation, scale.grade)
        self._table = tone.curve(look, scale.grade)
        self._air = air.make_air(look, *self.half, seed, scale.depth * scale.grade)
        self._grain = weather.make_grain(look, width, height, seed)
        self._layers = weather.make_layers(look, width, height, seed)
        self._neon = lights.neon_map(*self.half, seed)
        self._wide_neon = lights.neon_map(width, height, seed)
        self._ground = lights.ground(*self.half, seed)
        self._shade = _three(self._air.shade * scale.grade + (1 - scale.grade))
        self._palette = _palette()
        self._box = max(3, round(_BLUR[parameters.blur_strength] * height / 704)) | 1
        self._canny = CANNY_PAIRS[parameters.canny_threshold]
        self._slate: Slate | None = make_slate(seed, frames, width, height)

    def paint(self, number: int, inputs: Mapping[str, Frame]) -> Frame:
        """Frame ``number`` (from 0), (H, W, 3) RGB.

        ``inputs``: ``base`` (H, W, 3); each of these if it counts and has a video: ``vis`` and
        ``segmentation`` (H/2, W/2, 3), ``edge`` (H, W), ``depth`` (H/2, W/2), near is bright.
        """
        base = inputs["base"]
        half = cv2.resize(base, self.half, interpolation=cv2.INTER_AREA)
        lines = self._lines(base, inputs)
        alpha, near = self._depths(number, inputs)
        picture = tone.graded(self._soft(base, half, inputs), self._matrix, self._table)
        factor, light = self._maps(half, lines, alpha, near, inputs)
        picture = _blend(picture, _up(factor, self.size, _ONE), _up(light, self.size))
        if lines is not None:
            picture = self._drawn(picture, lines, alpha)
        return self._finished(picture, number)

    def _soft(self, base: Frame, half: Any, inputs: Mapping[str, Frame]) -> Frame:
        """The base with the blurred control laid over it."""
        part = 0.7 * self.scale.vis
        if not part:
            return base
        blurred = inputs.get("vis")
        if blurred is None:
            blurred = cv2.blur(cv2.blur(half, (self._box, self._box)), (self._box, self._box))
        wide = cv2.resize(blurred, self.size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.addWeighted(base, 1 - part, wide, part, 0), np.uint8)

    def _lines(self, base: Frame, inputs: Mapping[str, Frame]) -> Frame | None:
        """The edges (H, W), a little softened so that they do not flicker."""
        if not self.scale.edge:
            return None
        found = inputs.get("edge")
        if found is None:
            found = np.asarray(cv2.Canny(base, *self._canny), np.uint8)
        return np.asarray(cv2.GaussianBlur(found, (3, 3), 0), np.uint8)

    def _depths(self, number: int, inputs: Mapping[str, Frame]) -> tuple[Plane, Plane]:
        """How much the air hides 0..1, and how near things are 0..1, both (h, w)."""
        depth = inputs.get("depth")
        if depth is None:
            plain = np.ones((self.half[1], self.half[0]), np.float32)
            return plain * 0.0, plain
        depth = np.asarray(cv2.GaussianBlur(depth, (3, 3), 0), np.uint8)
        alpha = cv2.LUT(depth, self._air.alpha).astype(np.float32) / 255
        alpha *= self._air.drifted(number)
        np.clip(alpha, 0, 1, out=alpha)
        near = np.clip((depth.astype(np.float32) - 14) / 40, 0, 1)
        return np.asarray(alpha, np.float32), np.asarray(near, np.float32)

    def _maps(
        self,
        half: Any,
        lines: Frame | None,
        alpha: Plane,
        near: Plane,
        inputs: Mapping[str, Frame],
    ) -> tuple[Any, Any]:
        """What the picture is multiplied by, and what is added to it, both (h, w, 3)."""
        look, scale = self.look, self.scale
        clear = cv2.merge([1 - alpha] * 3)
        light = cv2.multiply(self._air.colour, cv2.merge([alpha] * 3))
        factor = clear
        if "segmentation" in inputs:
            factor = cv2.multiply(factor, self._tint(inputs["segmentation"]))
        lit: Any = lights.shining(half, near)
        own = lights.lifted(look) * scale.grade
        shine: Any = cv2.multiply(lit, clear)
        if look.neon and lines is not None:
            shine = cv2.add(shine, self._signs(lines, near))
        source: Any = cv2.scaleAdd(light, 0.3 * look.sun, shine) if look.sun else shine
        if own:
            light = cv2.scaleAdd(shine, own, light)
        if look.glow:
            halo = lights.glow(source, 22 * self.half[1] / 352)
            light = cv2.scaleAdd(halo, look.glow * scale.grade, light)
        if look.wet:
            sources: Any = cv2.add(shine, light)
            wet = lights.mirrored(sources, self._ground)
            light = cv2.scaleAdd(wet, 0.7 * look.wet * scale.grade, light)
        return cv2.multiply(factor, self._shade), cv2.multiply(light, self._shade)

    def _tint(self, segments: Frame) -> Plane:
        """Factors around 1 (h, w, 3) that colour each segment without making it lighter."""
        key = cv2.transform(segments, np.array([[0.47, 0.33, 0.2]], np.float32))
        flat = cv2.medianBlur(key, 5)  # mixed pixels on borders would be segments of their own
        tint = cv2.blur(cv2.LUT(cv2.cvtColor(flat, cv2.COLOR_GRAY2RGB), self._palette), (3, 3))
        part = 0.45 * self.scale.segmentation
        return np.asarray(tint.astype(np.float32) * (part / 128) + (1 - part), np.float32)

    def _signs(self, lines: Frame, near: Plane) -> Plane:
        """Neon along the edges, at half size."""
        small = cv2.resize(lines, self.half, interpolation=cv2.INTER_AREA).astype(np.float32)
        small *= near * (2.4 * self.look.neon * self.scale.edge / 255)
        return np.asarray(
            cv2.multiply(self._neon, cv2.merge([small] * 3), dtype=cv2.CV_32F), np.float32
        )

    def _drawn(self, picture: Frame, lines: Frame, alpha: Plane) -> Frame:
        """Edges as dark ink, and as lines of light where there is neon; the fog covers both."""
        clear = np.asarray(np.rint((1 - alpha) * 255), np.uint8)
        seen = cv2.multiply(lines, cv2.resize(clear, self.size), scale=1 / 255)
        neon = self.look.neon * self.scale.edge * self.scale.grade
        ink = 0.9 * self.look.ink * self.scale.edge * (1 - min(1.0, neon))
        if ink:
            left = cv2.cvtColor(cv2.convertScaleAbs(seen, alpha=-ink, beta=255), cv2.COLOR_GRAY2RGB)
            picture = np.asarray(cv2.multiply(picture, left, scale=1 / 255), np.uint8)
        if neon:
            wide = cv2.cvtColor(seen, cv2.COLOR_GRAY2RGB)
            shining = cv2.multiply(wide, self._wide_neon, scale=1.1 * neon / 255)
            picture = np.asarray(cv2.add(picture, shining), np.uint8)
        return picture

    def _finished(self, picture: Frame, number: int) -> Frame:
        """Weather, grain and slate, on ``picture`` itself."""
        width, height = self.size
        if self.look.mono:
            grey = cv2.LUT(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), tone.SILVER)
            grey = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
            part = min(1.0, self.look.mono) * self.scale.grade
            picture = np.asarray(cv2.addWeighted(grey, part, picture, 1 - part, 0), np.uint8)
        for layer in self._layers:
            cv2.add(picture, layer.at(number, width, height), dst=picture)
        cv2.add(picture, self._grain.at(number, width, height), dst=picture)
        if self._slate:
            self._slate.draw(picture, number + 1)
        return picture


def _blend(picture: Frame, factor: Frame, light: Frame) -> Frame:
    shaded = cv2.multiply(picture, factor, scale=1 / _ONE)
    return np.asarray(cv2.add(shaded, light), np.uint8)


def _up(plane: Plane, size: tuple[int, int], one: float = 1.0) -> Frame:
    """A map at half size as an 8-bit one at full size; ``one`` is what 1.0 becomes."""
    small = cv2.convertScaleAbs(plane, alpha=one)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _three(plane: Plane) -> Plane:
    return np.asarray(cv2.merge([plane] * 3), np.float32)


def _palette() -> Frame:
    """(1, 256, 3): the palette run through twice, smoothly."""
    colours = np.array([*_PALETTE, *_PALETTE, _PALETTE[0]], np.float32)
    at = np.linspace(0, len(colours) - 1, 256)
    columns = [np.interp(at, np.arange(len(colours)), colours[:, n]) for n in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)[None]
