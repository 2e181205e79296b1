"""Layers as artists name them, and which of them are passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini.exr import ExrFormat
from tests.exr_pictures import plane, planes, write, write_parts

exr = ExrFormat()
MATTE = {f"crypto_object{rank:02d}.{one}": plane(0.0) for rank in range(3) for one in "rgba"}


def passes(path: Path, stem: str = "render", names: Passes | None = None) -> dict[str, str]:
    return {str(one): layer for one, layer in exr.passes(path, stem, names or Passes()).items()}


@pytest.mark.parametrize(
    ("channels", "layers"),
    [
        ("R G B A", ["rgba"]),
        ("R G B Z", ["rgba", "Z"]),
        ("C.R C.G C.B C.A Pz", ["C", "Pz"]),
        ("beauty.r beauty.g beauty.b", ["beauty"]),
        ("N.x N.y N.z Pz.Z depth.R", ["N", "Pz", "depth"]),
        ("c.red c.green c.blue", ["c"]),
        ("ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B ViewLayer.Depth.Z",
         ["ViewLayer.Combined", "ViewLayer.Depth"]),
        ("R G B primid", ["rgba", "primid"]),
        ("Y", ["Y"]),
    ],
)  # fmt: skip
def test_layers_of_one_part(tmp_path: Path, channels: str, layers: list[str]) -> None:
    path = write(tmp_path / "a.exr", planes(channels.split(), "f4"))
    assert sorted(exr.layers(path)) == sorted(layers)


def test_the_ranks_of_a_cryptomatte_are_one_layer(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGB") | MATTE)
    assert list(exr.layers(path)) == ["rgba", "crypto_object"]


def test_parts_name_layers(tmp_path: Path) -> None:
    ranks = {f"CryptoObject{rank:02d}": planes("RGBA", "f4") for rank in range(2)}
    path = write_parts(
        tmp_path / "a.exr",
        {"C": planes("RGBA"), "Pz": {"Z": plane(2.0)}, "N": planes("XYZ"), **ranks},
    )
    assert list(exr.layers(path)) == ["C", "Pz", "N", "CryptoObject"]
    assert passes(path) == {"color": "C", "depth": "Pz", "segmentation": "CryptoObject"}


def test_parts_that_repeat_their_name_in_their_channels(tmp_path: Path) -> None:
    names = {"rgba": planes("RGBA"), "depth": {"depth.Z": plane(1.0)}, "N": planes(["N.x", "N.y"])}
    path = write_parts(tmp_path / "a.exr", names)
    assert list(exr.layers(path)) == ["rgba", "depth", "N"]
    assert passes(path) == {"color": "rgba", "depth": "depth"}


def test_names_are_asked_in_their_order_and_case_does_not_count(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes(["R", "G", "B", "c.R", "c.G", "c.B", "HITPZ", "Z"]))
    assert passes(path) == {"color": "c", "depth": "HITPZ"}
    own = Passes(color=("rgba",), depth=("z",))
    assert passes(path, names=own) == {"color": "rgba", "depth": "Z"}


def test_a_whole_name_is_better_than_an_ending(tmp_path: Path) -> None:
    names = ["diffuse.C.R", "diffuse.C.G", "diffuse.C.B", "R", "G", "B"]
    assert passes(write(tmp_path / "a.exr", planes(names))) == {"color": "rgba"}
    path = write(tmp_path / "b.exr", planes(["View.Depth.Z", "R", "G", "B"]))
    assert passes(path) == {"color": "rgba", "depth": "View.Depth"}


@pytest.mark.parametrize("alias", ["crypto_object", "CryptoObject", "crypto_*", "crypto_object00"])
def test_ways_to_ask_for_a_cryptomatte(tmp_path: Path, alias: str) -> None:
    path = write(tmp_path / "a.exr", planes("RGB") | MATTE)
    assert passes(path, names=Passes(segmentation=(alias,)))["segmentation"] == "crypto_object"


def test_a_cryptomatte_is_not_its_preview(tmp_path: Path) -> None:
    preview = planes([f"crypto_object.{one}" for one in "RGB"])
    path = write(tmp_path / "a.exr", planes("RGB") | preview | MATTE)
    assert passes(path)["segmentation"] == "crypto_object"
    assert list(exr.layers(path)).count("crypto_object") == 1


@pytest.mark.parametrize(
    ("stem", "channels", "found"),
    [
        ("depth", "Z", {"depth": "Z"}),
        ("depth", "Y", {"depth": "Y"}),
        ("depth", "R", {"depth": "R"}),
        ("depth", "R G B", {"depth": "rgba"}),
        ("sh010_Pz", "R G B A", {"depth": "rgba"}),
        ("beauty", "R G B A", {"color": "rgba"}),
        ("color", "Y", {"color": "Y"}),
        ("anything", "R G B A", {"color": "rgba"}),
        ("segmentation", "R G B", {"segmentation": "rgba"}),
        ("sh010_crypto_object", "R G B", {"segmentation": "rgba"}),
        ("edge", "Y", {"edge": "Y"}),
        ("normals", "R G B", {}),
        ("depth", "R G B Z", {"depth": "Z"}),
        ("beauty", "R G B Z", {"color": "rgba", "depth": "Z"}),
        ("anything", "Y", {}),
    ],
)
def test_the_name_of_the_file_counts(
    tmp_path: Path, stem: str, channels: str, found: dict[str, str]
) -> None:
    path = write(tmp_path / "a.exr", planes(channels.split()))
    assert passes(path, stem) == found


def test_a_file_named_for_its_cryptomatte_is_that_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", planes("RGBA") | MATTE)
    assert passes(path, "cryptomatte") == {"segmentation": "crypto_object"}


def test_two_eyes_are_two_layers_and_the_first_counts(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "a.exr", {"left": planes("RGB"), "right": planes("RGB")})
    assert list(exr.layers(path)) == ["rgba", "right"]
    assert passes(path) == {"color": "rgba"}
