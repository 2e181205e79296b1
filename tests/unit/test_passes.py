"""Names of files in a render folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.houdini.passes import PASSES, nearly, parse
from cosmos_workflow.prompts.enums import Modality


@given(st.sampled_from(PASSES), st.integers(0, 99999), st.integers(1, 6))
def test_every_frame_name_is_read_back(modality: Modality, frame: int, padding: int) -> None:
    digits = f"{frame:0{padding}d}"
    found = parse(f"{modality}.{digits}.png")
    assert found is not None
    assert (found.modality, found.frame, found.digits) == (modality, frame, digits)


@given(st.text(max_size=30))
def test_any_other_text_is_no_frame_and_no_crash(name: str) -> None:
    if parse(name) is not None:
        assert name.endswith(".png") and name.split(".")[0] in PASSES
    nearly(name)


@pytest.mark.parametrize(
    "name",
    ["color.png", "color.1.PNG", "Color.1.png", "color.1.png\n", "color.\u0661.png", "xcolor.1.png",
     "color.-1.png", "color.1.5.png", "color.12345678901.png", "depth.0001.exr"],
)  # fmt: skip
def test_names_that_are_not_exactly_right(name: str) -> None:
    assert parse(name) is None


@pytest.mark.parametrize(
    ("name", "pattern", "meant"),
    [
        ("dpeth.0001.png", "dpeth.####.png", "depth.####.png"),
        ("Color.0001.png", "Color.####.png", "color.####.png"),
        ("color_0001.png", "color_####.png", "color.####.png"),
        ("color.0001.exr", "color.####.exr", "color.####.png"),
        ("seg.7.png", "seg.####.png", "segmentation.####.png"),
        ("edges.0001.png", "edges.####.png", "edge.####.png"),
        ("blur.0001.png", "blur.####.png", "vis.####.png"),
    ],
)
def test_mistakes_are_recognised(name: str, pattern: str, meant: str) -> None:
    assert nearly(name) == (pattern, meant)


@pytest.mark.parametrize(
    "name",
    ["beauty.0001.png", "notes.txt", "normal.0001.png", "color.mp4", ".sample.json", "hdmap.1.png"],
)
def test_other_files_are_left_alone(name: str) -> None:
    assert nearly(name) is None
