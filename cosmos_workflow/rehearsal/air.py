"""What is between the camera and things: far colours, fog, sun, vignette, drift, at half size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.rehearsal.look import RGB, Look

Plane = NDArray[np.float32]

_HORIZON = 0.56
"""Where the horizon colour is reached, as a part of the height."""


@dataclass(frozen=True)
class Air:
    """Maps of one size: ``colour`` (h, w, 3) 0..255, ``shade`` (h, w) vignette factor,
    ``alpha`` (256,) how much air hides by nearness 0..255, ``drift`` (h, 2w) around 1."""

    colour: Plane
    shade: Plane
    alpha: NDArray[np.uint8]
    drift: Plane

    def drifted(self, number: int) -> Plane:
        """The fog's own unevenness in frame ``number``, moving slowly to the left."""
        width = self.drift.shape[1] // 2
        x = int(number * width / 480) % width
        return self.drift[:, x : x + width]


def make_air(look: Look, width: int, height: int, seed: int, strength: float) -> Air:
    """The air of a look; ``strength`` 0..1 is how much of it the depth control asks for."""
    rng = np.random.default_rng([seed, 1])
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    colour = _sky(look, y, width)
    colour += _sun(look, x, y, width / height, float(rng.uniform(0.3, 0.7)))
    radius = np.hypot((x - 0.5) * 1.1, (y - 0.5) * 0.95) / 0.72
    shade = 1 - look.vignette * np.clip(radius - 0.3, 0, 1) ** 1.7
    return Air(
        colour=np.clip(colour, 0, 255).astype(np.float32),
        shade=shade.astype(np.float32),
        alpha=_alpha(look, strength),
        drift=_drift(rng, width, height, 0.34 * look.fog),
    )


def _sky(look: Look, y: Plane, width: int) -> Plane:
    t = np.clip(y / _HORIZON, 0, 1)[..., None] ** 1.4
    gain = np.array(look.air_gain, np.float32)
    column = np.array(look.zenith, np.float32) * (1 - t) + np.array(look.horizon, np.float32) * t
    return np.asarray(np.repeat(column * gain, width, axis=1), np.float32)


def _sun(look: Look, x: Plane, y: Plane, aspect: float, at: float) -> Plane:
    """A disc and its halo low over the horizon, brighter only where the air is."""
    r = np.hypot((x - at) * aspect, y - (_HORIZON - 0.16))
    halo = 0.55 * np.exp(-r / 0.22) + 0.75 * np.exp(-((r / 0.075) ** 2))
    dim = max(look.air_gain)
    glow = halo[..., None] * np.array(_lit(look.sun_colour)) * look.sun * dim
    return np.asarray(glow, np.float32)


def _lit(colour: RGB) -> RGB:
    return (colour[0] * 0.9, colour[1] * 0.75, colour[2] * 0.55)


def _alpha(look: Look, strength: float) -> NDArray[np.uint8]:
    """Fog by distance, and the sky on top: the farthest of all takes the colour of the air."""
    near = np.linspace(0, 1, 256)
    far = 1 - near
    fog = (1 - np.exp(-3.2 * look.fog * far**2.0)) * min(1.0, 0.45 + 0.6 * look.fog)
    sky = look.sky * np.clip((0.16 - near) / 0.1, 0, 1)
    alpha = 1 - (1 - fog * strength) * (1 - sky * min(1.0, 0.25 + strength))
    return np.clip(np.rint(alpha * 255), 0, 255).astype(np.uint8)


def _drift(rng: np.random.Generator, width: int, height: int, depth: float) -> Plane:
    """Soft noise that repeats after ``width``, wide as fog banks are."""
    noise = np.zeros((height, width), np.float32)
    for cells, part in ((4, 0.6), (9, 0.3), (18, 0.1)):
        grid = rng.uniform(-1, 1, (cells + 2, cells)).astype(np.float32)
        wide = np.hstack([grid, grid, grid])
        big = cv2.resize(wide, (3 * width, height * 2), interpolation=cv2.INTER_CUBIC)
        noise += part * big[height // 2 : height // 2 + height, width : 2 * width]
    return np.hstack([1 + depth * noise] * 2).astype(np.float32)
