"""From distances to grey, nearest white: one scale for a whole shot, in 16 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cosmos_workflow.config.settings import Depth
from cosmos_workflow.errors import ConfigError, MediaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOWHERE = 1e10
"""Distances from here on are a renderer's word for "nothing was hit"."""

_HALF_NOWHERE = 65504.0
"""The same in half floats: their greatest, which any greater distance becomes."""

_ENOUGH = 200_000
"""Distances of each sample that are ranked; more change a percentile by next to nothing."""


@dataclass(frozen=True)
class Scale:
    """Distance ``near`` is white and ``far`` black, and so is all before and behind them.

    ``flipped``: the renderer looks down -Z, so its distances are negative.  ``measured``: names of
    what was not given.
    """

    near: float
    far: float
    mode: str
    flipped: bool = False
    measured: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """For ``metadata.json``."""
        return {
            "mode": self.mode,
            "near": self.near,
            "far": self.far,
            "unit": "scene units",
            "measured": list(self.measured),
            "negative_distances": self.flipped,
        }

    def grey(self, distances: NDArray[np.floating]) -> NDArray[np.uint16]:
        """(H, W) distances -> (H, W) uint16: near 65535, far 1, background 0.

        Background is what is infinite, not a number, 0 or less, 1e10 or more.
        """
        import numpy as np

        z = distances.astype(np.float32)
        if self.flipped:
            np.negative(z, out=z)
        somewhere = _somewhere(z, distances.dtype)
        near, far = np.float32(self.near), np.float32(self.far)
        np.clip(z, near, far, out=z)
        share = _before(far, z, self.mode)
        share *= np.float32(65534.0 / float(_before(far, near, self.mode)))
        share += np.float32(1.5)
        with np.errstate(invalid="ignore"):
            grey = share.astype(np.uint16)
        grey *= somewhere
        return np.asarray(grey)


def measure(samples: Iterable[NDArray[np.floating]], depth: Depth) -> Scale:
    """The scale of a shot from some of its frames' distances.

    What ``depth`` does not give is a percentile of the distances in all samples.  Raises
    MediaError when there are none, ConfigError when near is not before far.
    """
    import numpy as np

    ranked = [_thinned(sample) for sample in samples]
    kind = ranked[0].dtype if ranked else np.dtype(np.float32)
    z = np.concatenate(ranked).astype(np.float32) if ranked else np.empty(0, np.float32)
    flipped = bool(z.size and _somewhere(z, kind).sum() * 20 < _somewhere(-z, kind).sum())
    z = -z if flipped else z
    z = z[_somewhere(z, kind)]
    measured = tuple(key for key in ("near", "far") if not getattr(depth, key))
    if measured and not z.size:
        raise MediaError(
            f"depth cannot be measured: {len(ranked)} frames looked at have no distance in them",
            hint="is the layer a distance? give --near and --far, or leave it out:"
            " [passes] depth = []",
        )
    ends = (depth.percentile, 100.0 - depth.percentile)
    low, high = np.percentile(z, ends) if z.size else (0.0, 0.0)
    near, far = depth.near or float(low), depth.far or float(high)
    if near >= far and len(measured) == 2:
        far = near * 2.0
    if np.float32(near) >= np.float32(far):
        told = [f"{end} {value:g}" + (" (measured)" if end in measured else "")
                for end, value in (("near", near), ("far", far))]  # fmt: skip
        raise ConfigError(f"[depth] near must be before far: {', '.join(told)}")
    return Scale(near, far, depth.mode, flipped, measured)


def _thinned(sample: NDArray[np.floating]) -> NDArray[np.floating]:
    flat = sample.reshape(-1)
    return flat[:: max(1, -(-flat.size // _ENOUGH))]


def _somewhere(z: NDArray[np.float32], kind: np.dtype[Any]) -> NDArray[np.bool_]:
    """Which distances are of something; ``kind`` is what they were rendered in."""
    import numpy as np

    end = np.float32(_HALF_NOWHERE if kind.itemsize == 2 else NOWHERE)
    return np.asarray((z > 0) & (z < end))


def _before(far: np.float32, z: Any, mode: str) -> Any:
    """How far ``z`` is before ``far``, as grey goes; a difference first, so that none is lost.

    A new array for an array.  inverse: 1/z - 1/far, times far.  log: log(far / z).
    """
    import numpy as np

    before = far - z
    if mode != "linear":
        before /= z
    return np.log1p(before) if mode == "log" else before
