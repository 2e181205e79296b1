"""How fast EXR frames become colour and depth, beside a bare read of the same files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from benchmarks.preview import two_cores
from benchmarks.table import Row, in_turn, timed
from cosmos_workflow.config.settings import Colour, Settings
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.workflows.prepare import Wishes, prepare

WIDTH, HEIGHT = 1280, 704
FRAMES, ROUNDS, THREADS = 16, 5, 2
OBJECTS = 40
GOAL = 0.7

VIEWS = {
    "the sRGB curve": Colour(config="srgb"),
    "the ACES view, OCIO": Colour(),
}


def measure() -> Iterator[Row]:
    """Two rows a view, colour and depth with and without segmentation; then a whole prepare."""
    with tempfile.TemporaryDirectory() as name, two_cores():
        folder = Path(name) / "shot"
        folder.mkdir()
        paths = [write(folder / f"shot.{1001 + n}.exr", n) for n in range(FRAMES)]
        calls: dict[str, Callable[[], object]] = {}
        for label, colour in VIEWS.items():
            reel = read_shot(folder, Reading(colour=colour)).reels[0]
            calls[f"colour by {label}, and depth"] = partial(read_all, without_ids(reel))
            calls["  and segmentation"] = partial(read_all, reel)
            yield from _beside(paths, calls)
            calls.clear()
        yield from _whole(Path(name), folder)


def _beside(paths: Sequence[Path], calls: dict[str, Callable[[], object]]) -> Iterator[Row]:
    """All of ``calls`` in turn with the bare read."""
    bare, *taken = in_turn([partial(side_by_side, bare_read, paths), *calls.values()], ROUNDS)
    for label, seconds in zip(calls, taken, strict=True):
        share = bare / seconds
        goal = "" if label.startswith(" ") else f"{GOAL} of a bare read, {THREADS} threads"
        yield Row(
            f"EXR, 15 channels, {WIDTH}x{HEIGHT}: {label}" if goal else label,
            f"{FRAMES / seconds:.1f} frames/s, {share:.2f} of a bare read",
            goal,
            share >= GOAL if goal else None,
            f"bare read {FRAMES / bare:.1f} frames/s",
        )


def _whole(root: Path, folder: Path) -> Iterator[Row]:
    """Everything that prepare does, for comparison."""
    settings = Settings(root=root)
    seconds = timed(lambda: prepare(settings, folder, Wishes(name="shot", no_ai=True)))
    yield Row(
        "  for comparison: all of prepare, 3 passes, checked and encoded",
        f"{FRAMES / seconds:.1f} frames/s",
    )


def read_all(reel: Reel) -> None:
    """Every frame, on as many threads as the bare read has."""
    side_by_side(reel.read, range(len(reel.paths)))


def without_ids(reel: Any) -> Reel:
    """The same reel without segmentation."""
    from dataclasses import replace

    layers = {one: at for one, at in reel.layers.items() if one is not Modality.SEGMENTATION}
    return replace(reel, layers=layers)  # type: ignore[no-any-return]


def side_by_side(call: Callable[[Any], object], over: Sequence[Any]) -> None:
    """``call`` on each, on two threads; what it gives is dropped at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(lambda one: bool(call(one)) and None, one) for one in over]:
            done.result()


def bare_read(path: Path) -> int:
    """All pixels by the library alone, which reads them when it opens the file."""
    with OpenEXR.File(str(path), separate_channels=True, num_threads=0) as file:
        return sum(channel.pixels.size for channel in file.channels().values())


def write(path: Path, number: int) -> Path:
    """A frame as a renderer writes it: noisy light, distances, ids that hold together."""
    dice = np.random.default_rng(number)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    spots = np.random.default_rng(0).uniform(0, 1, (OBJECTS, 2)) * (HEIGHT, WIDTH)
    squared = [(rows - y) ** 2 + (columns - x - number) ** 2 for y, x in spots]
    nearest = np.argmin(squared, axis=0)
    far = np.sqrt(np.min(squared, axis=0))
    channels = {**_beauty(nearest, far, dice), "Pz": (4 + far / 20 + nearest).astype(np.float32)}
    channels["Pz"][: HEIGHT // 8] = np.inf
    channels |= {
        f"N.{axis}": np.sin(far / 60 + k).astype(np.float16) for k, axis in enumerate("XY")
    }
    channels |= _cryptomatte(nearest, far)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "cryptomatte/0b1c2d3/name": "crypto_object",
        "cryptomatte/0b1c2d3/hash": "MurmurHash3_32",
        "cryptomatte/0b1c2d3/conversion": "uint32_to_float32",
        "cryptomatte/0b1c2d3/manifest": json.dumps(
            {f"/obj/part{n}": f"{int(bits):08x}" for n, bits in enumerate(_ids().view(np.uint32))}
        ),
    }
    OpenEXR.File(header, channels).write(str(path))
    return path


def _beauty(
    nearest: NDArray[Any], far: NDArray[Any], dice: np.random.Generator
) -> dict[str, NDArray[np.float16]]:
    tint = np.random.default_rng(1).uniform(0.05, 0.9, (OBJECTS, 3))
    light = 0.2 + 3.0 * np.exp(-far / 40)
    noise = 1 + dice.normal(0, 0.02, nearest.shape)
    planes = [(tint[nearest, k] * light * noise).astype(np.float16) for k in range(3)]
    return dict(zip("RGBA", [*planes, np.ones(nearest.shape, np.float16)], strict=True))


def _cryptomatte(nearest: NDArray[Any], far: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Two ranks of two ids each: the object, then what shows through at its rim."""
    ids = _ids()
    rim = np.clip(far % 50 - 48, 0, 1).astype(np.float32) / 2
    other = np.where(rim > 0, ids[(nearest + 1) % OBJECTS], 0).astype(np.float32)
    none = np.zeros_like(other)
    ranks = {"00": (ids[nearest], 1 - rim, other, rim), "01": (none, none, none, none)}
    return {
        f"crypto_object{rank}.{channel}": np.ascontiguousarray(plane)
        for rank, planes in ranks.items()
        for channel, plane in zip("rgba", planes, strict=True)
    }


def _ids() -> NDArray[np.float32]:
    """Ids as cryptomatte codes them: bits of plain, finite floats."""
    bits = np.random.default_rng(2).integers(0x3F000000, 0x41000000, OBJECTS, dtype=np.uint32)
    return bits.view(np.float32)
