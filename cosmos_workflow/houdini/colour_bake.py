"""OCIO's own arithmetic, and a table that stands in for it where that is slow and as good.

A view like ACES takes a tenth of a second a frame.  It is smooth up to the display's curve, so a
129^3 table of what comes before the curve, and the curve by a table of its own, are within one
step of 8 bits.  What the table does not cover is computed: negative values, very bright ones,
and colours near which the view clips or turns sharply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cosmos_workflow.houdini.colour import Shows

GRID = 129
"""Points along each side of the table: the most that OCIO takes."""

_BRIGHTEST, _DARK = 100.0, 0.01
"""Scene light that the table ends at, and below which its points are evenly apart."""

_TRIES = ((0.1, None), (0.1, 2.0), (0.003, 0.5))
"""The tables that are tried in turn, each a knee and a bend.

Below the knee, in display light, a table's values are linear, above it logarithmic.  A bend is
steps of 8 bits between a point and the middle of its neighbours; cells with more are not used.
"""

_MOST, _RARELY = 2, 5e-4
"""Steps of 8 bits that a table may be off, and how often by that many; else it is not used."""

_CURVES = (
    "RangeTransform",
    "ExponentTransform",
    "ExponentWithLinearTransform",
    "LogTransform",
    "Lut1DTransform",
)
"""Steps that treat each channel by itself."""

_CHEAP = (*_CURVES, "MatrixTransform", "CDLTransform")


def fastest(config: Any, processor: Any) -> tuple[Shows, str]:
    """What does ``processor`` to half floats, and how.

    "exact"; "table 129^3"; or "table 129^3, exact where it bends".
    """
    import PyOpenColorIO as ocio

    exact = _exact(processor)
    steps = list(processor.getOptimizedProcessor(ocio.OPTIMIZATION_DEFAULT).createGroupTransform())
    if all(type(step).__name__ in _CHEAP for step in steps):
        return exact, "exact"
    curves = 0
    while type(steps[-1 - curves]).__name__ in _CURVES:
        curves += 1
    before = _joined(config, steps[: len(steps) - curves])
    return _tabled(before, _joined(config, steps[len(steps) - curves :]), exact) or (exact, "exact")


def _tabled(before: Any, curve: Any, exact: Shows) -> tuple[Shows, str] | None:
    """The first table that is close enough; None when none is."""
    light = _grid(before)
    for knee, most in _TRIES:
        table = _table(light, curve, knee)
        shows = _shows(table, exact, None if most is None else table.bends(most))
        if _close(shows, exact):
            return shows, f"table {GRID}^3" + (", exact where it bends" if most else "")
    return None


def _exact(processor: Any) -> Shows:
    """Not-a-number is black; infinities are the greatest half there is."""
    import numpy as np

    compute = _compute(processor, np.float16, np.uint8)

    def shows(half: NDArray[np.float16]) -> NDArray[np.uint8]:
        if half.view(np.uint16).max(initial=0) >= 0x7C00 and not np.isfinite(half).all():
            half = np.nan_to_num(half, nan=0.0, posinf=65504.0, neginf=-65504.0)
        return compute(half)

    return shows


@dataclass(frozen=True)
class _Table:
    """``values``: (129, 129, 129, 3), red first, 0 to 1.  ``codes``: (3, 65536), what they show.

    ``alike``: all channels show the same.
    """

    values: NDArray[np.float32]
    codes: NDArray[np.float32]
    alike: bool

    def bends(self, most: float) -> NDArray[np.bool_]:
        """Which of the 128^3 cells are near a point that its neighbours do not foretell.

        There the view clips or turns, and straight lines between points miss it.
        """
        import numpy as np

        nodes = np.zeros(self.values.shape[:3], bool)
        ways = [way for way in np.ndindex(2, 2, 2) if any(way)]
        for red in range(GRID):  # a plane at a time stays in the processor's cache
            shown = self._shown(self.values[red])
            for deep, *way in ways:
                if deep <= red < GRID - deep:
                    before, at, after = (
                        tuple(slice(one + k * one, GRID - one + k * one) for one in way)
                        for k in (-1, 0, 1)
                    )
                    between = self.values[red - deep][before] + self.values[red + deep][after]
                    off = np.abs(self._shown(between / 2) - shown[at])
                    nodes[red][at] |= (off > most).any(axis=-1)
        cells = np.zeros((GRID - 1,) * 3, bool)
        for corner in np.ndindex(2, 2, 2):
            cells |= nodes[tuple(slice(one, GRID - 1 + one) for one in corner)]
        return cells.ravel()

    def _shown(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        import numpy as np

        at = (values * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
        if self.alike:
            return np.take(self.codes[0], at)
        return np.stack([np.take(one, at[..., i]) for i, one in enumerate(self.codes)], axis=-1)


def _grid(before: Any) -> NDArray[np.float32]:
    """(129, 129, 129, 3) display light of the table's points."""
    import numpy as np

    axis = _light(np.linspace(0.0, 1.0, GRID)).astype(np.float32)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    light = _compute(before, np.float32, np.float32)(points.reshape(GRID, -1, 3))
    return np.asarray(light.reshape(points.shape))


def _table(light: NDArray[np.float32], curve: Any, knee: float) -> _Table:
    """The light coded, 0 to 1, and what ``curve`` makes of the code."""
    import numpy as np

    values = np.arcsinh(light / np.float32(knee))
    low, high = float(values.min()), float(values.max())
    high = max(high, low + 1e-6)
    values -= np.float32(low)
    values /= np.float32(high - low)
    grey = (knee * np.sinh(np.linspace(low, high, 1 << 16))).astype(np.float32)
    shown = _compute(curve, np.float32, np.float32)(np.stack([grey] * 3, axis=-1)[None])[0]
    codes = np.ascontiguousarray(shown.clip(0.0, 1.0).T) * np.float32(255)
    alike = all(np.array_equal(codes[0], one) for one in codes[1:])
    return _Table(values, codes, alike)


def _shows(table: _Table, exact: Shows, bends: NDArray[np.bool_] | None) -> Shows:
    """Through the table, but exact outside of it and in the cells that ``bends`` marks."""
    import numpy as np

    cube = _compute(_cube(table.values), np.float16, np.uint16)
    codes, alike = np.rint(table.codes).astype(np.uint8), table.alike
    limit = int(np.array(_BRIGHTEST, np.float16).view(np.uint16))
    cells = np.minimum(_places() * (GRID - 1), GRID - 2).astype(np.uint8)

    def shows(half: NDArray[np.float16]) -> NDArray[np.uint8]:
        found = cube(half)
        if alike:
            shown = np.take(codes[0], found)
        else:
            shown = np.stack([np.take(one, found[..., i]) for i, one in enumerate(codes)], axis=-1)
        bits = half.view(np.uint16)
        outside: NDArray[np.bool_] | None = None
        if bends is not None:
            at = np.take(cells, bits)
            place = at[..., 0].astype(np.int32)
            for channel in (1, 2):
                place *= GRID - 1
                place += at[..., channel]
            outside = np.asarray(np.take(bends, place))
        if bits.max(initial=0) > limit:
            beyond = np.asarray((bits > limit).any(axis=-1))
            outside = beyond if outside is None else outside | beyond
        if outside is not None and outside.any():
            shown[outside] = exact(half[outside][None])[0]
        return shown

    return shows


def _cube(values: NDArray[np.floating]) -> Any:
    """The processor of half floats through the table, its values 0 to 1."""
    import numpy as np
    import PyOpenColorIO as ocio

    spread = ocio.Lut1DTransform(1 << 16, True)
    spread.setData(np.repeat(_places().astype(np.float32), 3))
    table = ocio.Lut3DTransform(gridSize=GRID, interpolation=ocio.INTERP_TETRAHEDRAL)
    table.setData(np.ascontiguousarray(values, np.float32).ravel())
    return _joined(ocio.Config.CreateRaw(), [spread, table])


def _places() -> NDArray[np.float64]:
    """Where each half float, by its bits, is along the table's side: 0 is black, 1 the end."""
    import numpy as np

    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    light = np.nan_to_num(halves, nan=0.0).clip(0.0, _BRIGHTEST)
    return np.asarray(np.log1p(light / _DARK) / np.log1p(_BRIGHTEST / _DARK))


def _light(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scene light at a place from 0 to 1."""
    import numpy as np

    return np.asarray(_DARK * np.expm1(place * np.log1p(_BRIGHTEST / _DARK)))


def _close(table: Shows, exact: Shows) -> bool:
    """Whether both agree on greys, colours, saturated colours and very dark ones."""
    import numpy as np

    dice = np.random.default_rng(129)
    light = 10.0 ** dice.uniform(-4.0, 2.0, (1 << 18, 3))
    light[: 1 << 16] = light[: 1 << 16, :1] * dice.uniform(0.8, 1.2, (1 << 16, 3))
    light[-(1 << 16) :] *= dice.integers(0, 2, (1 << 16, 3))
    half = light.clip(0.0, _BRIGHTEST).astype(np.float16)[None]
    off = np.abs(table(half).astype(np.int16) - exact(half))
    return bool(off.max() <= _MOST and (off >= _MOST).mean() <= _RARELY)


def _joined(config: Any, steps: list[Any]) -> Any:
    import PyOpenColorIO as ocio

    group = ocio.GroupTransform()
    for step in steps:
        group.appendTransform(step)
    return config.getProcessor(group)


def _compute(
    processor: Any, before: type[np.generic], after: type[np.generic]
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """``processor`` for (H, W, 3) arrays of one kind, giving another."""
    import numpy as np
    import PyOpenColorIO as ocio

    depth = {
        np.float16: ocio.BIT_DEPTH_F16,
        np.float32: ocio.BIT_DEPTH_F32,
        np.uint16: ocio.BIT_DEPTH_UINT16,
        np.uint8: ocio.BIT_DEPTH_UINT8,
    }
    cpu = processor.getOptimizedCPUProcessor(depth[before], depth[after], ocio.OPTIMIZATION_DEFAULT)

    def described(pixels: NDArray[Any], kind: type[np.generic]) -> Any:
        height, width, _ = pixels.shape
        each = pixels.itemsize
        order = ocio.CHANNEL_ORDERING_RGB
        return ocio.PackedImageDesc(
            pixels, width, height, order, depth[kind], each, 3 * each, 3 * each * width
        )

    def compute(pixels: NDArray[Any]) -> NDArray[Any]:
        pixels = np.ascontiguousarray(pixels)
        made = np.empty(pixels.shape, after)
        if made.size:
            cpu.apply(described(pixels, before), described(made, after))
        return made

    return compute
