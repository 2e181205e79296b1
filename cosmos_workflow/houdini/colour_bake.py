"""OCIO's own arithmetic, and a table that stands in for it where that is slow and as good.

A view like ACES takes a tenth of a second a frame.  It is smooth up to the display's curve, so a
129^3 table of what comes before the curve, and the curve by a table of its own, are within one
step of 8 bits.  What the table does not cover is computed: negative values and very bright ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cosmos_workflow.houdini.colour import Shows

GRID = 129
"""Points along each side of the table: the most that OCIO takes."""

_BRIGHTEST, _DARK = 100.0, 0.01
"""Scene light that the table ends at, and below which its points are evenly apart."""

_KNEE = 0.1
"""Display light below which the table's values are kept linear, above it logarithmic."""

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
    """What does ``processor`` to half floats, and how: "exact", or "table 129^3"."""
    import PyOpenColorIO as ocio

    exact = _exact(processor)
    steps = list(processor.getOptimizedProcessor(ocio.OPTIMIZATION_DEFAULT).createGroupTransform())
    if all(type(step).__name__ in _CHEAP for step in steps):
        return exact, "exact"
    curves = 0
    while type(steps[-1 - curves]).__name__ in _CURVES:
        curves += 1
    middle = len(steps) - curves
    table = _table(_joined(config, steps[:middle]), _joined(config, steps[middle:]), exact)
    return (table, f"table {GRID}^3") if _close(table, exact) else (exact, "exact")


def _exact(processor: Any) -> Shows:
    """Not-a-number is black; infinities are the greatest half there is."""
    import numpy as np

    compute = _compute(processor, np.float16, np.uint8)

    def shows(half: NDArray[np.float16]) -> NDArray[np.uint8]:
        if half.view(np.uint16).max(initial=0) >= 0x7C00 and not np.isfinite(half).all():
            half = np.nan_to_num(half, nan=0.0, posinf=65504.0, neginf=-65504.0)
        return compute(half)

    return shows


def _table(head: Any, tail: Any, exact: Shows) -> Shows:
    """A curve that spreads scene light, a table of ``head``, and a table of ``tail``."""
    import numpy as np

    axis = _light(np.linspace(0.0, 1.0, GRID)).astype(np.float32)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(GRID, -1, 3)
    before = np.arcsinh(_compute(head, np.float32, np.float32)(grid) / _KNEE)
    low, high = float(before.min()), float(before.max())
    high = max(high, low + 1e-6)
    cube = _compute(_cube((before - low) / (high - low)), np.float16, np.uint16)
    grey = _KNEE * np.sinh(np.linspace(low, high, 1 << 16, dtype=np.float32))
    codes = _compute(tail, np.float32, np.uint8)(np.stack([grey] * 3, axis=-1)[None])
    per_channel = [np.ascontiguousarray(codes[0, :, channel]) for channel in range(3)]
    same = all(np.array_equal(per_channel[0], one) for one in per_channel[1:])
    limit = int(np.array(_BRIGHTEST, np.float16).view(np.uint16))

    def shows(half: NDArray[np.float16]) -> NDArray[np.uint8]:
        found = cube(half)
        if same:
            shown = np.take(per_channel[0], found)
        else:
            picked = [np.take(one, found[..., i]) for i, one in enumerate(per_channel)]
            shown = np.stack(picked, axis=-1)
        bits = half.view(np.uint16)
        if bits.max(initial=0) > limit:
            outside = (bits > limit).any(axis=-1)
            shown[outside] = exact(half[outside][None])[0]
        return shown

    return shows


def _cube(values: NDArray[np.floating]) -> Any:
    """The processor of half floats through the table, its values 0 to 1."""
    import numpy as np
    import PyOpenColorIO as ocio

    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    places = _place(np.nan_to_num(halves, nan=0.0)).astype(np.float32)
    spread = ocio.Lut1DTransform(1 << 16, True)
    spread.setData(np.repeat(places, 3))
    table = ocio.Lut3DTransform(gridSize=GRID, interpolation=ocio.INTERP_TETRAHEDRAL)
    table.setData(np.ascontiguousarray(values, np.float32).ravel())
    return _joined(ocio.Config.CreateRaw(), [spread, table])


def _place(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scene light to 0..1 along the table's side; black is 0."""
    import numpy as np

    spread = np.log2(1.0 + light.clip(0.0, _BRIGHTEST) / _DARK)
    return np.asarray(spread / np.log2(1.0 + _BRIGHTEST / _DARK))


def _light(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of ``_place``."""
    import numpy as np

    return np.asarray(_DARK * np.expm1(place * np.log1p(_BRIGHTEST / _DARK)))


def _close(table: Shows, exact: Shows) -> bool:
    """Whether both agree on greys, colours, saturated colours and very dark ones."""
    import numpy as np

    dice = np.random.default_rng(129)
    light = 10.0 ** dice.uniform(-4.0, 2.0, (1 << 16, 3))
    light[: 1 << 14] = light[: 1 << 14, :1] * dice.uniform(0.8, 1.2, (1 << 14, 3))
    light[-(1 << 14) :] *= dice.integers(0, 2, (1 << 14, 3))
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
