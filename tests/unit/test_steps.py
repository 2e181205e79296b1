"""The filter that makes lines of a model's bars, as a host runs it."""

from __future__ import annotations

import pytest

from cosmos_workflow.scripts.steps import Steps

NAME = "Generating samples"


def bar(step: int, steps: int = 2, name: str = NAME) -> bytes:
    shown = f"\r{name}:  50%|█████     | {step}/{steps} [00:01<00:01,  1.00s/it]"
    return shown.encode()


def line(message: str) -> bytes:
    return f"[11-20 10:00:00|INFO|a/b.py:1:f] {message}\n".encode()


def told(*words: bytes, chunks: int = 0, name: str = NAME) -> list[str]:
    steps = Steps(name, chunks)
    said = b"".join(steps.feed(word) for word in words) + steps.end()
    return said.decode().splitlines()


def test_a_step_says_its_chunk_and_its_sample() -> None:
    said = told(
        line("[2/3] Processing sample x"), line("Generating chunk 4/5"), bar(0), bar(1), bar(2),
        b"\n", line("Generating chunk 5/5"), bar(0),
    )  # fmt: skip
    assert [text for text in said if text.startswith("steps.py")] == [
        "steps.py: sample 2/3 chunk 4/5 step 0/2",
        "steps.py: sample 2/3 chunk 4/5 step 1/2",
        "steps.py: sample 2/3 chunk 4/5 step 2/2",
        "steps.py: sample 2/3 chunk 5/5 step 0/2",
    ]


def test_it_is_told_once_though_several_processes_draw_it() -> None:
    assert told(bar(0), bar(0), bar(1), bar(0), bar(1)) == [
        "steps.py: sample 1/1 chunk 1/1 step 0/2",
        "steps.py: sample 1/1 chunk 1/1 step 1/2",
    ]


def test_a_bar_is_told_before_its_line_ends() -> None:
    assert Steps(NAME).feed(bar(1)) == b"steps.py: sample 1/1 chunk 1/1 step 1/2\n"


def test_bars_are_counted_where_no_line_says_the_chunk() -> None:
    bars = [bar(step, name="Sampling") for _ in range(3) for step in (0, 1, 2)]
    said = told(*bars, chunks=2, name="Sampling")
    assert said[3] == "steps.py: sample 1/1 chunk 2/2 step 0/2"
    assert len(said) == 6, "no more chunks than there are"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_other_words_pass_byte_for_byte(size: int) -> None:
    words = "Loading: 10%| x\nno \ud83d bar\r\nGenerating samples: soon".encode(
        "utf-8", "surrogatepass"
    )
    steps = Steps(NAME)
    parts = [words[at : at + size] for at in range(0, len(words), size)]
    said = b"".join(steps.feed(part) for part in parts) + steps.end()
    assert said == words.replace(b"\r\n", b"\n") + b"\n"
