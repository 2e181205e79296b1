"""Whether an EXR is whole, told from its head and its list of blocks."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from cosmos_workflow.houdini.exr import ExrFormat
from cosmos_workflow.houdini.exr_header import read_header
from cosmos_workflow.houdini.picture import BrokenPicture, Growing
from tests.exr_pictures import plane, planes, window, write, write_parts

check = ExrFormat().check


def tiles(across: int, down: int) -> OpenEXR.TileDescription:
    found = OpenEXR.TileDescription()
    found.xSize, found.ySize = across, down
    return found


CODINGS = [
    OpenEXR.NO_COMPRESSION, OpenEXR.RLE_COMPRESSION, OpenEXR.ZIPS_COMPRESSION,
    OpenEXR.ZIP_COMPRESSION, OpenEXR.PIZ_COMPRESSION, OpenEXR.PXR24_COMPRESSION,
    OpenEXR.B44_COMPRESSION, OpenEXR.B44A_COMPRESSION, OpenEXR.DWAA_COMPRESSION,
    OpenEXR.DWAB_COMPRESSION,
]  # fmt: skip


@pytest.mark.parametrize("coding", CODINGS, ids=lambda one: one.name)
@pytest.mark.parametrize("tiled", [False, True], ids=["lines", "tiles"])
def test_every_compression_whole_and_one_byte_short(tmp_path: Path, coding, tiled) -> None:
    size = (50, 301)
    noise = np.random.default_rng(1).random(size[::-1]).astype("f2")
    shape = {"type": OpenEXR.tiledimage, "tiles": tiles(16, 32)} if tiled else {}
    path = write(tmp_path / "a.exr", dict.fromkeys("RGB", noise), compression=coding, **shape)
    assert (check(path).width, check(path).height) == size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Growing, match="cut short"):
        check(path)


def test_what_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGBA") | {"Pz": plane(3.0)})
    picture = check(path)
    assert (picture.width, picture.height, picture.bits) == (24, 16, 32)
    assert picture.kind == "rgba half, Pz float"
    assert check(write(tmp_path / "b.exr", planes("RGB"))).bits == 16


def test_the_size_is_what_is_displayed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGB"), displayWindow=window(0, 0, 63, 47))
    assert (check(path).width, check(path).height) == (64, 48)


@pytest.mark.parametrize("keep", [0, 3, 20, 200])
def test_a_head_that_is_not_all_there_is_still_growing(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path / "a.exr", planes("RGB"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Growing):
        check(path)


def test_a_list_of_blocks_that_is_not_filled_in_is_still_growing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGB", size=(24, 40)))
    data, end = bytearray(path.read_bytes()), read_header(path).end
    data[end + 8 : end + 24] = bytes(16)
    path.write_bytes(data)
    with pytest.raises(Growing, match="not finished: 1 of its 3 blocks"):
        check(path)


def test_parts_are_each_looked_at(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "a.exr", {"C": planes("RGB"), "Pz": {"Z": plane(1.0)}})
    assert check(path).kind == "C half, Pz float"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(Growing, match="cut short"):
        check(path)


def test_what_is_no_exr(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(BrokenPicture, match="is not an EXR"):
        check(path)


def test_a_senseless_list_of_blocks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGB"))
    data, end = bytearray(path.read_bytes()), read_header(path).end
    data[end : end + 8] = struct.pack("<Q", 12)
    path.write_bytes(data)
    with pytest.raises(BrokenPicture, match="list of blocks"):
        check(path)


def test_heads_that_make_no_sense_are_told_and_never_crash(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.exr", planes("RGB") | {"Pz": plane(1.0)}).read_bytes()
    path = tmp_path / "b.exr"
    dice = np.random.default_rng(5)
    told = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in dice.integers(4, 420, 3):
            data[at] = dice.integers(256)
        path.write_bytes(data)
        try:
            check(path)
        except BrokenPicture:
            told += 1
    assert told > 50


def test_subsampled_channels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes(["Y", "BY"]))
    data = bytearray(path.read_bytes())
    sampling = data.index(b"BY\0") + 11
    data[sampling : sampling + 8] = struct.pack("<2i", 2, 2)
    path.write_bytes(data)
    with pytest.raises(BrokenPicture, match=r"subsampled channels \(BY\)"):
        check(path)


def test_deep_files_are_refused(tmp_path: Path) -> None:
    depths = np.empty((16, 24), object)
    for at in np.ndindex(depths.shape):
        depths[at] = np.array([1.0, 2.0], "f4")
    header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.deepscanline}
    OpenEXR.File(header, {"Z": depths}).write(str(tmp_path / "a.exr"))
    with pytest.raises(BrokenPicture, match="deep"):
        check(tmp_path / "a.exr")


def test_a_check_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    names = [f"aov{number:02d}.{part}" for number in range(20) for part in "RGB"]
    path = write(tmp_path / "a.exr", planes(names), comments="x" * 50_000)
    check(path)
    took = []
    for _ in range(50):
        start = time.perf_counter()
        check(path)
        took.append(time.perf_counter() - start)
    assert min(took) < 1e-3
