"""What a shell that stays says of each of its commands, however the line cuts it into pieces."""

from __future__ import annotations

import pytest

from cosmos_workflow.connection.ssh_shell import Part

START, END = b"\0word.2 ", b"\0word.1 "
OUTPUTS = {
    "nothing": b"",
    "lines": b"one\ntwo\n",
    "no line end": b"half a line",
    "nul bytes at the end, as tar has them": b"tar" + b"\0" * 40,
    "almost the mark": b"\0word.1\0word.1\n\0wor",
    "all bytes": bytes(range(256)) * 3,
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS.keys())
@pytest.mark.parametrize("noise", [b"", b"Welcome!\n\0\n"])
def test_a_command_gets_its_own_words_alone(output: bytes, noise: bytes) -> None:
    whole = noise + START + b"0\n" + output + END + b"7\n"
    for size in range(1, len(whole) + 1):
        part, got = Part(START, END), b""
        for at in range(0, len(whole), size):
            assert part.code is None
            got += part.take(whole[at : at + size])
        assert (got, part.code) == (output, 7)


def test_what_is_said_is_told_at_once() -> None:
    part = Part(b"", END)
    assert part.take(b"a line\n") == b"a line\n"
    assert part.take(b"and half") == b"and half"


def test_what_may_be_the_mark_is_told_once_it_is_not() -> None:
    part = Part(b"", END)
    assert part.take(b"data\0wor") == b"data"
    assert part.take(b"se") == b"\0worse"
    assert part.held == b""


def test_a_shell_that_ends_leaves_what_it_had_said() -> None:
    part = Part(START, END)
    assert part.take(b"this account runs no commands\n") == b""
    assert part.held == b"this account runs no commands\n"
