"""Which pass a word stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.houdini.listing import READABLE, NumberedName, list_sequences
from cosmos_workflow.houdini.passes import PASSES, closest, of_stem, parse
from cosmos_workflow.prompts.enums import Modality

NAMES = Passes()


@given(
    st.sampled_from(PASSES),
    st.sampled_from(["", ".", "_", "-", " "]),
    st.integers(0, 99999),
    st.integers(1, 6),
    st.sampled_from(["png", "exr", "PNG"]),
)
def test_every_frame_name_is_read_back(
    modality: Modality, separator: str, frame: int, padding: int, ending: str
) -> None:
    digits = f"{frame:0{padding}d}"
    found = parse(f"{modality}{separator}{digits}.{ending}")
    assert found is not None
    assert (found.modality, found.frame, found.digits) == (modality, frame, digits)


@given(st.text(max_size=30))
def test_any_other_text_is_no_frame_and_no_crash(name: str) -> None:
    found = NumberedName.parse(name)
    if found:
        assert f"{found.stem}{found.separator}{found.digits}{found.suffix}" == name
    of_stem(name, NAMES)
    closest([name], NAMES)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("frame_000.png", ("frame", "_", "000", ".png")),
        ("image_0.png", ("image", "_", "0", ".png")),
        ("shot010_comp_v3.1001.exr", ("shot010_comp_v3", ".", "1001", ".exr")),
        ("0001.png", ("", "", "0001", ".png")),
        ("color.1.5.png", ("color.1", ".", "5", ".png")),
        ("a b 3.JPG", ("a b", " ", "3", ".JPG")),
        ("color.-1.png", ("color.", "-", "1", ".png")),
    ],
)
def test_a_name_in_its_parts(name: str, parts: tuple[str, ...]) -> None:
    found = NumberedName.parse(name)
    assert found is not None
    assert (found.stem, found.separator, found.digits, found.suffix) == parts


@pytest.mark.parametrize(
    "name",
    ["color.png", "color.1.png\n", "color.\u0661.png", "color.12345678901.png", "notes_1.txt",
     ".color.0001.png", "._color.0001.png", "color.0001.png.part", "color.0001.exr.tmp", "v3"],
)  # fmt: skip
def test_names_that_are_no_frame(name: str) -> None:
    assert NumberedName.parse(name) is None
    assert parse(name) is None


@pytest.mark.parametrize(
    ("stem", "meant"),
    [
        ("color", "color"), ("Color", "color"), ("beauty", "color"), ("rgba", "color"),
        ("C", "color"), ("hitpz", "depth"), ("Z", "depth"), ("seg", "segmentation"),
        ("edges", "edge"), ("blur", "vis"), ("crypto_object", "segmentation"),
        ("shot010_depth", "depth"), ("shot010.v3-beauty", "color"),
        ("sh1_crypto_material", "segmentation"),
    ],
)  # fmt: skip
def test_names_aliases_and_last_words(stem: str, meant: str) -> None:
    found = of_stem(stem, NAMES)
    assert found is not None and found.modality == meant


@pytest.mark.parametrize(
    "stem", ["", "image", "frame", "xcolor", "scene_C", "scene_Z", "N", "shot_normals", "motion",
             "color.", "depth_v3", "hdmap", "lidar"],
)  # fmt: skip
def test_stems_that_are_no_pass(stem: str) -> None:
    assert of_stem(stem, NAMES) is None


def test_the_pass_itself_comes_before_its_aliases_and_those_before_last_words() -> None:
    order = ["depth", "Pz", "hitPz", "shot_depth", "shot_hitPz"]
    ranks = [found.rank for stem in order if (found := of_stem(stem, NAMES))]
    assert len(ranks) == len(order) and ranks == sorted(set(ranks))


def test_a_star_stands_for_any_end() -> None:
    names = Passes(segmentation=("crypto_*",))
    found = of_stem("crypto_whatever", names)
    assert found is not None and found.modality == Modality.SEGMENTATION
    assert closest(["cripto_"], names) == ("cripto_", Modality.SEGMENTATION, "crypto")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("dpeth", "depth"), ("segmentaton", "segmentation"), ("beuty", "beauty"),
        ("Colour", "color"), ("edgse", "edge"), ("cryptoobject", "crypto_object"),
    ],
)  # fmt: skip
def test_mistakes_are_recognised(word: str, meant: str) -> None:
    found = closest(["albedo", word, "id"], NAMES)
    assert found is not None and (found[0], found[2]) == (word, meant)


def test_a_mistake_is_one_only_where_its_pass_is_wanted() -> None:
    assert closest(["dpeth"], NAMES, [Modality.COLOR]) is None
    assert closest(["normals", "motion", "albedo", "P", "id", "hdmap"], NAMES) is None


def test_sequences_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("color.0001.png", "color.0003.png", "color.3.png", "a_2.exr", "b.7.jpg", "x.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub.0001.png").mkdir()
    found = list_sequences(tmp_path)
    assert [(one.pattern, one.ending) for one in found] == [
        ("a_####.exr", "exr"), ("b.####.jpg", "jpg"), ("color.####.png", "png"),
        ("sub.####.png", "png"),
    ]  # fmt: skip
    assert found[2].frames == (1, 3, 3)
    assert [path.name for path in found[2].paths] == [
        "color.0001.png", "color.0003.png", "color.3.png"
    ]  # fmt: skip


def test_every_format_that_is_read_is_listed() -> None:
    from cosmos_workflow.houdini.formats import FORMATS

    assert set(FORMATS) == set(READABLE)
