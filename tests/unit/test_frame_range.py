"""Frame ranges as artists write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.frame_range import FrameRange, ranges


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("7", (7,)),
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1-9x4", (1, 5, 9)),
        ("1-10x4", (1, 5, 9)),
        ("5, 1-3 ,2", (1, 2, 3, 5)),
        ("1 - 5 x 2", (1, 3, 5)),
    ],
)
def test_ranges_are_read(text: str, numbers: tuple[int, ...]) -> None:
    assert FrameRange.parse(text).numbers == numbers


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "-1", "1-5x0", "1-5x", "5x2", "1,,2", "9-1", "1-2-3", "0-99999999"]
)
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(MediaError):
        FrameRange.parse(text)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_ranges_say_exactly_the_numbers(numbers: set[int]) -> None:
    assert set(FrameRange.parse(ranges(numbers)).numbers) == numbers


def test_nothing_is_no_range() -> None:
    assert ranges([]) == ""


def test_handles_go_in_the_step_and_never_below_zero() -> None:
    assert FrameRange((11, 13, 15)).with_handles(2).numbers == (7, 9, 11, 13, 15, 17, 19)
    assert FrameRange((1, 2)).with_handles(3).numbers == (0, 1, 2, 3, 4, 5)
    assert FrameRange((5,)).with_handles(1).numbers == (4, 5, 6)
