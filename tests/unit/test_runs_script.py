"""runs.py: each line of a Transfer1 batch says which run it is about."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.scripts.runs import Runs

BEGINS = b"[11-20 10:00:00|INFO|cosmos_transfer1/x.py:9:demo] running preprocessor\n"
BAR = "\r 50%|█████     | 1/2 [00:09<00:09,  9.00s/it]".encode()
SAID = b"loading\n" + BEGINS + b"one\r\n" + BAR + b"\n" + BEGINS + b"Traceback\n\nlast"


def told(*pieces: bytes) -> list[bytes]:
    runs = Runs(2)
    return (b"".join(runs.feed(piece) for piece in pieces) + runs.end()).splitlines()


def test_lines_have_the_number_of_their_run() -> None:
    one, two = b"run 1/2: ", b"run 2/2: "
    assert told(SAID) == [
        b"loading", one + BEGINS[:-1], one + b"one", one + BAR[1:], two + BEGINS[:-1],
        two + b"Traceback", two + b"last",
    ]  # fmt: skip


@given(st.lists(st.integers(0, len(SAID)), max_size=6).map(sorted))
def test_however_it_is_cut(places: list[int]) -> None:
    ends = [0, *places, len(SAID)]
    pieces = [SAID[a:b] for a, b in pairwise(ends)]
    assert told(*pieces) == told(SAID)


def test_a_bar_is_told_before_it_ends() -> None:
    runs = Runs(1)
    assert runs.feed(BEGINS + BAR) == b"run 1/1: " + BEGINS + b"run 1/1: " + BAR[1:] + b"\n"


@pytest.mark.parametrize("words", [b"running preprocessor\n", b"] running preprocessors\n"])
def test_only_the_models_own_line_begins_a_run(words: bytes) -> None:
    assert told(words) == [words[:-1]]
