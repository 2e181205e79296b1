"""What an EXR reel delivers: every pass of a file, in the display window."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from cosmos_workflow.config.settings import Colour, Depth
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.crypto_ids import id_of
from cosmos_workflow.houdini.exr import ExrFormat
from cosmos_workflow.houdini.exr_quiet import quiet
from cosmos_workflow.houdini.exr_reel import ExrReel
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.reel import Reel
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import Modality
from tests.exr_pictures import plane, planes, window, write, write_parts

COLOR, DEPTH, SEGMENTATION = Modality.COLOR, Modality.DEPTH, Modality.SEGMENTATION
PLAIN = Reading(colour=Colour(config="srgb"), depth=Depth(mode="linear", near=1.0, far=10.0))
KEY = "cryptomatte/f834d0a"


def reel_of(*paths: Path, stem: str = "render", reading: Reading = PLAIN) -> ExrReel:
    exr = ExrFormat()
    return exr.reel(paths, exr.passes(paths[0], stem, reading.passes), reading)


def matte(ids: np.ndarray, name: str = "crypto_object") -> dict[str, np.ndarray]:
    """A cryptomatte of one object a pixel."""
    empty = np.zeros(ids.shape, np.float32)
    ranks = {f"{name}{rank:02d}.{one}": empty for rank in range(2) for one in "rgba"}
    share = (ids != 0).astype(np.float32)
    return ranks | {f"{name}00.r": ids.astype(np.uint32).view(np.float32), f"{name}00.g": share}


def said(manifest: Mapping[str, int], **more: str) -> dict[str, str]:
    """The attributes of ``crypto_object``."""
    names = {name: f"{number:08x}" for name, number in manifest.items()}
    return {f"{KEY}/name": "crypto_object", f"{KEY}/manifest": json.dumps(names), **more}


def test_one_file_is_read_once_and_gives_all(tmp_path: Path) -> None:
    ids = np.zeros((16, 24), np.uint32)
    ids[:, 12:] = id_of("/box")
    channels = planes("RGBA") | {"Pz": plane(1.0)} | matte(ids)
    path = write(tmp_path / "render.1001.exr", channels, **said({"/box": id_of("/box")}))
    reel: Reel = reel_of(path)
    assert reel.modalities == (COLOR, DEPTH, SEGMENTATION)
    assert (reel.width, reel.height, reel.paths) == (24, 16, (path,))
    assert [reel.layout(one) for one in reel.modalities] == ["rgb24", "gray16le", "rgb24"]
    pixels = reel.read(0)
    assert pixels[COLOR].shape == (16, 24, 3) and pixels[COLOR].dtype == np.uint8
    assert (pixels[COLOR] == 118).all()  # 18 % grey by the curve of sRGB
    assert pixels[DEPTH].dtype == np.uint16 and (pixels[DEPTH] == 65535).all()
    flat = pixels[SEGMENTATION]
    assert (flat[:, :12] == 0).all() and flat[0, 12].any()
    (row,) = reel.legend()["colors"]
    assert (row["name"], row["pixels"], row["frames"]) == ("/box", 16 * 12, 1)
    assert row["color"] == f"#{bytes(flat[0, 12]).hex()}"


def test_where_it_comes_from(tmp_path: Path) -> None:
    path = write(tmp_path / "render.1001.exr", planes(["C.R", "C.G", "C.B", "Pz"], "f4"))
    reel = reel_of(path, reading=Reading(colour=Colour(config="srgb"), depth=Depth(near=1, far=9)))
    assert reel.origin(COLOR).pattern == "render.####.exr"
    assert (reel.origin(COLOR).layer, reel.origin(DEPTH).layer) == ("C", "Pz")
    assert reel.origin(COLOR).settings["config"] == "srgb"
    assert (reel.origin(DEPTH).settings["near"], reel.origin(DEPTH).settings["far"]) == (1, 9)


def test_parts_give_the_same_as_one(tmp_path: Path) -> None:
    dice = np.random.default_rng(2)
    light = {one: dice.random((16, 24)).astype("f2") for one in "RGB"}
    distance = (dice.random((16, 24)) * 9 + 1).astype("f4")
    one = reel_of(write(tmp_path / "a.1.exr", light | {"Pz": distance})).read(0)
    parts = {"N": planes("XYZ"), "Pz": {"Z": distance}, "C": light}
    other = reel_of(write_parts(tmp_path / "b.1.exr", parts)).read(0)
    for modality in (COLOR, DEPTH):
        assert (one[modality] == other[modality]).all()


def test_tiles_are_read(tmp_path: Path) -> None:
    dice = np.random.default_rng(2)
    light = {one: dice.random((70, 90)).astype("f2") for one in "RGB"}
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 32
    lines = reel_of(write(tmp_path / "a.1.exr", light)).read(0)[COLOR]
    path = write(tmp_path / "b.1.exr", light, type=OpenEXR.tiledimage, tiles=tiles)
    assert (reel_of(path).read(0)[COLOR] == lines).all()


def test_half_float_and_whole_numbers_mixed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.1.exr",
        {"R": plane(1.0, "f2"), "G": plane(1.0, "f4"), "B": plane(1, "u4")}
        | {"primid": plane(7, "u4"), "depth.R": plane(10.0, "f2")},
    )
    pixels = reel_of(path).read(0)
    assert (pixels[COLOR] == 255).all()
    assert (pixels[DEPTH] == 1).all()
    assert pixels[SEGMENTATION].reshape(-1, 3).any(axis=1).all()


def test_what_is_no_number_is_black(tmp_path: Path) -> None:
    light = planes("RGB")
    light["R"][0, 0] = np.nan
    assert reel_of(write(tmp_path / "a.1.exr", light)).read(0)[COLOR][0, 0, 0] == 0


@pytest.mark.parametrize(
    ("shown", "box"),
    [
        ((0, 0, 39, 31), (4, 5, 28, 21)),  # a crop inside the frame
        ((8, 8, 19, 15), (-4, -3, 12, 8)),  # overscan around it
        ((0, 0, 11, 31), (4, 5, 12, 21)),  # half outside
    ],
)
def test_the_display_window_is_delivered(tmp_path: Path, shown: Any, box: Any) -> None:
    """``box``: where the data is in the delivered picture."""
    columns = np.broadcast_to(np.arange(24) + 1.0, (16, 24))
    channels = {one: np.full((16, 24), 1.0, "f2") for one in "RGB"}
    channels |= {"Pz": (columns * 10 / 24).astype("f4")} | matte(plane(9, "u4"))
    at = window(4, 5, 27, 20)
    path = write(tmp_path / "a.1.exr", channels, dataWindow=at, displayWindow=window(*shown))
    reel = reel_of(path)
    size = shown[2] - shown[0] + 1, shown[3] - shown[1] + 1
    assert (reel.width, reel.height) == size
    pixels = reel.read(0)
    left, top, right, bottom = box
    inside = np.zeros(size[::-1], bool)
    inside[max(0, top) : bottom, max(0, left) : right] = True
    for modality in (COLOR, SEGMENTATION):
        assert pixels[modality].shape == (*inside.shape, 3)
        assert (pixels[modality].any(axis=2) == inside).all()
    assert ((pixels[DEPTH] > 0) == inside).all()
    row = pixels[DEPTH][inside.any(axis=1).argmax()]
    assert np.flatnonzero(row)[0] == max(0, left)
    (legend,) = reel.legend()["colors"]
    assert legend["pixels"] == inside.sum()


def test_data_that_is_nowhere_in_sight(tmp_path: Path) -> None:
    at = {"dataWindow": window(100, 100, 123, 115), "displayWindow": window(0, 0, 31, 31)}
    pixels = reel_of(write(tmp_path / "a.1.exr", planes(["R", "G", "B", "Pz"]), **at)).read(0)
    assert pixels[COLOR].shape == (32, 32, 3) and not pixels[COLOR].any()
    assert not pixels[DEPTH].any()


def test_windows_may_differ_from_frame_to_frame(tmp_path: Path) -> None:
    shown = window(0, 0, 31, 31)
    paths = [
        write(
            tmp_path / f"a.{n}.exr", planes("RGB"),
            dataWindow=window(n, n, n + 23, n + 15), displayWindow=shown,
        )
        for n in (1, 5)
    ]  # fmt: skip
    reel = reel_of(*paths)
    for index, n in enumerate((1, 5)):
        rows, columns = np.nonzero(reel.read(index)[COLOR].any(axis=2))
        assert (rows.min(), rows.max(), columns.min()) == (n, n + 15, n)


def test_parts_with_windows_of_their_own(tmp_path: Path) -> None:
    full = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    shown = window(0, 0, 23, 15)
    small = {**full, "dataWindow": window(2, 3, 5, 6), "displayWindow": shown}
    parts = [
        OpenEXR.Part({**full, "displayWindow": shown}, planes("RGB"), "C"),
        OpenEXR.Part(small, {"Z": plane(1.0, size=(4, 4))}, "Pz"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.1.exr"))
    pixels = reel_of(tmp_path / "a.1.exr").read(0)
    assert pixels[COLOR].all()
    rows, columns = np.nonzero(pixels[DEPTH])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 6, 2, 5)


def test_depth_has_one_scale_for_all_frames(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"depth.{n}.exr", {"Z": plane(float(n)) + np.eye(16, 24, dtype="f4")})
        for n in (2, 4, 8)
    ]
    heard: list[tuple[int, int]] = []
    exr = ExrFormat()
    reading = Reading(depth=Depth(mode="linear", percentile=0))
    found = exr.passes(paths[0], "depth", reading.passes)
    reel = exr.reel(paths, found, reading, lambda *said_: heard.append(said_))
    means = [float(reel.read(index)[DEPTH].mean()) for index in range(3)]
    assert means[0] > means[1] > means[2] > 0
    assert heard[-1] == (3, 3)
    assert (reel.origin(DEPTH).settings["near"], reel.origin(DEPTH).settings["far"]) == (2, 9)


def test_an_object_keeps_its_colour_without_a_manifest(tmp_path: Path) -> None:
    paths = []
    for n in range(4):
        ids = np.zeros((16, 24), np.uint32)
        ids[:, n * 4 :] = id_of("/box")
        ids[0, 0] = id_of(f"/only_in_{n}")
        paths.append(write(tmp_path / f"a.{n}.exr", planes("RGB") | matte(ids)))
    reel = reel_of(*paths)
    with ThreadPoolExecutor(3) as pool:
        frames = list(pool.map(reel.read, reversed(range(4))))
    assert len({bytes(one[SEGMENTATION][8, 23]) for one in frames}) == 1
    alone = reel_of(paths[2]).read(0)[SEGMENTATION]
    assert bytes(alone[8, 23]) == bytes(frames[0][SEGMENTATION][8, 23])
    rows = reel.legend()["colors"]
    assert len(rows) == 5 and {one["name"] for one in rows} == {""}


def test_names_from_a_manifest_beside_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps({"/box": f"{id_of('/box'):08x}"}))
    header = {f"{KEY}/name": "crypto_object", f"{KEY}/manif_file": "names.json"}
    path = write(tmp_path / "a.1.exr", planes("RGB") | matte(plane(id_of("/box"), "u4")), **header)
    reel = reel_of(path)
    reel.read(0)
    assert [one["name"] for one in reel.legend()["colors"]] == ["/box"]


def test_of_a_long_manifest_those_in_sight_have_colours_of_their_own(tmp_path: Path) -> None:
    names = {f"/object{n}": id_of(f"/object{n}") for n in range(3000)}
    ids = np.array([*names.values()][:384], np.uint32)[:60].repeat(7)[:384].reshape(16, 24)
    path = write(tmp_path / "a.1.exr", planes("RGB") | matte(ids), **said(names))
    reel = reel_of(path)
    colours = np.unique(reel.read(0)[SEGMENTATION].reshape(-1, 3), axis=0)
    assert len(colours) == len(np.unique(ids)) == 55
    rows = reel.legend()["colors"]
    assert {one["name"] for one in rows} <= names.keys() and len(rows) == 55
    assert reel.origin(SEGMENTATION).settings == {"colors": "by id"}


def test_segmentation_that_is_in_colours_already(tmp_path: Path) -> None:
    channels = {"R": plane(1.0), "G": plane(0.5), "B": plane(np.nan)}
    reel = reel_of(write(tmp_path / "segmentation.1.exr", channels), stem="segmentation")
    assert reel.read(0)[SEGMENTATION][0, 0].tolist() == [255, 128, 0]
    assert reel.legend() == {}


def test_ids_that_were_rounded_are_refused(tmp_path: Path) -> None:
    half = {name: one.astype("f2") for name, one in matte(plane(9, "u4")).items()}
    path = write(tmp_path / "a.1.exr", planes("RGB") | half)
    with pytest.raises(MediaError, match="not 32-bit floats") as told:
        reel_of(path)
    assert "32-bit float" in told.value.hint


def test_damage_inside_a_block_is_told_when_it_is_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(4).random((64, 64)).astype("f2")
    good = write(tmp_path / "a.1.exr", dict.fromkeys("RGB", noise))
    data = bytearray(good.read_bytes())
    data[-600:-500] = bytes(100)
    bad = tmp_path / "a.2.exr"
    bad.write_bytes(data)
    assert ExrFormat().check(bad) == ExrFormat().check(good)
    reel = reel_of(good, bad)
    with pytest.raises(BrokenPicture, match="is damaged"):
        reel.read(1)
    print("still heard")
    assert capfd.readouterr() == ("still heard\n", "")
    assert reel.read(0)[COLOR].any()


def test_what_others_print_while_a_file_is_read_is_shown(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ThreadPoolExecutor(1) as other, quiet():
        other.submit(lambda: os.write(2, b"a warning of another\n")).result()
        other.submit(print, "a line of another").result()
        os.write(2, b"a.exr: (EXR_ERR_BAD_CHUNK_LEADER) of the library\n")
        print("of the library")
    assert capfd.readouterr() == ("a line of another\n", "a warning of another\n")


def test_a_damaged_sample_does_not_spoil_the_measure(tmp_path: Path) -> None:
    noise = (np.random.default_rng(4).random((64, 64)) + 1).astype("f4")
    good = write(tmp_path / "depth.1.exr", {"Z": noise})
    data = bytearray(good.read_bytes())
    data[-600:-500] = bytes(100)
    bad = tmp_path / "depth.2.exr"
    bad.write_bytes(data)
    reel = reel_of(good, bad, stem="depth", reading=Reading())
    assert 1 <= reel.origin(DEPTH).settings["near"] < reel.origin(DEPTH).settings["far"] <= 2


def test_a_frame_of_another_kind_is_told(tmp_path: Path) -> None:
    first = write(tmp_path / "a.1.exr", planes("RGB") | {"Pz": plane(1.0)})
    without = write(tmp_path / "a.2.exr", planes("RGB") | {"P": plane(1.0)})
    small = write(tmp_path / "a.3.exr", planes(["R", "G", "B", "Pz"], size=(12, 8)))
    reel = reel_of(first, without, small)
    with pytest.raises(BrokenPicture, match="has no layer Pz; it has rgba, P"):
        reel.read(1)
    with pytest.raises(BrokenPicture, match="is 12x8, not 24x16"):
        reel.read(2)


@pytest.mark.parametrize(
    ("header", "space"),
    [
        ({"chromaticities": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)}, "ACEScg"),
        ({"chromaticities": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)},
         "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)},
         "ACES2065-1"),
        ({"colorSpace": "ACEScg"}, "ACEScg"),
        ({"oiio:ColorSpace": "lin_ap1"}, "lin_ap1"),
        ({"oiio:ColorSpace": "Linear"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_colour_space_that_the_file_says(
    tmp_path: Path, header: dict[str, Any], space: str
) -> None:
    from cosmos_workflow.houdini.exr_header import read_header
    from cosmos_workflow.houdini.exr_space import space_of

    assert space_of(read_header(write(tmp_path / "a.exr", planes("RGB"), **header))) == space


@pytest.mark.parametrize("tiled", [False, True], ids=["lines", "tiles"])
def test_parts_that_nobody_wants_are_not_read(tmp_path: Path, tiled: bool) -> None:
    dice = np.random.default_rng(2)
    light = {one: dice.random((70, 90)).astype("f2") for one in "RGB"}
    other = {one: dice.random((70, 90)).astype("f2") for one in "XYZ"}
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 32
    shape = {"type": OpenEXR.tiledimage, "tiles": tiles} if tiled else {}
    parts = {"N": other, "C": light, "Pz": {"Z": light["G"] + 1}, "P": other}
    path = write_parts(tmp_path / "a.1.exr", parts, **shape)
    whole = reel_of(path).read(0)
    alone = write(tmp_path / "b.1.exr", light | {"Pz": light["G"] + 1})
    assert all((whole[one] == pixels).all() for one, pixels in reel_of(alone).read(0).items())
    data = bytearray(path.read_bytes())
    data[-400:-300] = bytes(100)  # in the last part, which is P
    path.write_bytes(data)
    assert (reel_of(path).read(0)[COLOR] == whole[COLOR]).all()
