"""What a render folder is told to be: layers, windows, colour space, camera, and its problems."""

import json
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest

from cosmos_workflow.config.settings import Colour, Passes
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.inspect import inspect_folder, inspect_picture
from cosmos_workflow.houdini.shot import Reading
from cosmos_workflow.prompts.enums import Modality

SIZE = (6, 8)


def write(path, channels, **header):
    """An EXR of ``channels``: name -> kind, in the size of a stamp."""
    planes = {name: np.ones(SIZE, kind) for name, kind in channels.items()}
    head = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(head, planes).write(str(path))


def layered(path, **header):
    matte = {f"crypto_object{rank}.{one}": np.float32 for rank in ("00", "01") for one in "rgba"}
    picture = dict.fromkeys("RGBA", np.float16)
    write(path, {**picture, "Pz": np.float32, "N.x": np.float16, "N.y": np.float16,
                 "N.z": np.float16, "albedo.R": np.float16, "albedo.G": np.float16,
                 "albedo.B": np.float16, **matte}, **header)  # fmt: skip


def manifest(**names):
    return {
        "cryptomatte/abc1234/name": "crypto_object",
        "cryptomatte/abc1234/hash": "MurmurHash3_32",
        "cryptomatte/abc1234/conversion": "uint32_to_float32",
        "cryptomatte/abc1234/manifest": json.dumps(names),
    }


def only(folder, **reading):
    (one,) = inspect_folder(folder, Reading(**reading)).sequences
    return one


def test_every_layer_is_told_with_what_it_becomes(tmp_path):
    for number in (1001, 1002):
        layered(tmp_path / f"shot.{number}.exr", **manifest(car="0badcafe", road="00c0ffee"))
    seen = inspect_folder(tmp_path, Reading())
    (one,) = seen.sequences
    assert seen.problems == ()
    assert (one.pattern, one.frames, one.count) == ("shot.####.exr", "1001-1002", 2)
    assert (one.width, one.height, one.values) == (8, 6, "float/half")
    assert one.becomes == {
        Modality.COLOR: "rgba", Modality.DEPTH: "Pz", Modality.SEGMENTATION: "crypto_object",
    }  # fmt: skip
    assert one.unsent == {"N": "normals"}
    told = {layer.name: (layer.components, layer.kind, layer.ranks) for layer in one.exr.layers}
    assert told == {
        "rgba": ("rgba", "half", 0),
        "N": ("xyz", "half", 0),
        "Pz": ("", "float", 0),
        "albedo": ("rgb", "half", 0),
        "crypto_object": ("rgba", "float", 2),
    }
    assert {one.name: one.named for one in one.exr.layers}["crypto_object"] == 2


def test_the_alias_table_is_the_settings(tmp_path):
    layered(tmp_path / "shot.1.exr")
    assert only(tmp_path, passes=Passes(color=("albedo",))).becomes[Modality.COLOR] == "albedo"


def test_windows_that_differ_are_told(tmp_path):
    plane = np.ones((4, 5), np.float16)
    header = {
        "compression": OpenEXR.PIZ_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": (np.array([12, 21], np.int32), np.array([16, 24], np.int32)),
        "displayWindow": (np.array([10, 20], np.int32), np.array([25, 29], np.int32)),
    }
    OpenEXR.File(header, {name: plane for name in "RGB"}).write(str(tmp_path / "C.1.exr"))
    one = only(tmp_path)
    assert (one.width, one.height) == (16, 10)
    assert one.exr.data == (2, 1, 5, 4)
    assert one.exr.storage == "EXR PIZ"


def test_camera_and_rate_are_told(tmp_path):
    layered(
        tmp_path / "shot.1.exr",
        framesPerSecond=Fraction(24000, 1001),
        renderer="Karma XPU",
        focal=35.0,
    )
    about = only(tmp_path).exr.about
    assert about["renderer"] == "Karma XPU"
    assert about["focal"] == 35.0
    assert about["framesPerSecond"] == pytest.approx(23.976, abs=0.001)
    assert not {"channels", "dataWindow", "type"} & set(about)


def test_the_space_of_the_files_and_the_view_that_shows_it(tmp_path):
    layered(tmp_path / "shot.1.exr", colorSpace="ACEScg")
    one = only(tmp_path)
    assert one.exr.space == "ACEScg"
    assert (one.colour["space"], one.colour["view"]) == ("ACEScg", "ACES 1.0 - SDR Video")
    assert only(tmp_path, colour=Colour(config="srgb")).colour["config"] == "srgb"


def test_a_wrong_setting_is_a_problem_and_no_failure(tmp_path):
    layered(tmp_path / "shot.1.exr")
    seen = inspect_folder(tmp_path, Reading(colour=Colour(view="nonsense")))
    assert any("there is no view 'nonsense'" in one for one in seen.problems)
    assert seen.sequences[0].becomes[Modality.DEPTH] == "Pz"


def test_a_broken_folder_shows_what_it_can(tmp_path):
    layered(tmp_path / "shot.1001.exr")
    layered(tmp_path / "shot.1002.exr")
    layered(tmp_path / "shot.1004.exr")
    whole = (tmp_path / "shot.1004.exr").read_bytes()
    (tmp_path / "shot.1001.exr").write_bytes(whole[:50])
    (tmp_path / "notes.1.tif").write_bytes(b"")
    seen = inspect_folder(tmp_path, Reading())
    facts = {one.pattern: one for one in seen.sequences}
    assert facts["notes.####.tif"].values == "not read"
    shot = facts["shot.####.exr"]
    assert (shot.frames, shot.missing) == ("1001-1002, 1004", "1003")
    assert shot.becomes[Modality.COLOR] == "rgba"
    said = "\n".join(seen.problems)
    assert "frames missing: 1003" in said
    assert "shot.1001.exr is cut short" in said


def test_files_that_nothing_can_be_read_from(tmp_path):
    (tmp_path / "color.1.exr").write_bytes(b"nonsense")
    seen = inspect_folder(tmp_path, Reading())
    assert (seen.sequences[0].width, seen.sequences[0].exr) == (0, None)
    assert any("color.1.exr is not an EXR" in one for one in seen.problems)


def test_one_file_is_looked_at_by_itself(tmp_path):
    layered(tmp_path / "shot.1001.exr")
    (tmp_path / "shot.1002.exr").write_bytes(b"")
    layered(tmp_path / "still.exr")
    assert inspect_picture(tmp_path / "shot.1001.exr", Reading()).problems == ()
    still = inspect_picture(tmp_path / "still.exr", Reading())
    assert still.sequences[0].becomes[Modality.COLOR] == "rgba"
    empty = inspect_picture(tmp_path / "shot.1002.exr", Reading())
    assert "shot.1002.exr is empty" in empty.problems[0]


def test_it_is_json(tmp_path):
    layered(tmp_path / "shot.1.exr", framesPerSecond=Fraction(25, 1))
    told = json.loads(json.dumps(inspect_folder(tmp_path, Reading()).as_json()))
    assert told["sequences"][0]["becomes"]["depth"] == "Pz"
    assert told["sequences"][0]["exr"]["about"]["framesPerSecond"] == 25


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MediaError, match="no folder"):
        inspect_folder(tmp_path / "nowhere", Reading())
