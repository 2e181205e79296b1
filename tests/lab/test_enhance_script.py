"""enhance.sh with a torchrun that only says what it was given, and what it is told to."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import resources
from pathlib import Path

import pytest

PROGRAM = "cosmos_transfer1/auxiliary/upsampler/inference/upsampler_pipeline.py"
TORCHRUN = """#!/bin/sh
printf '%s\\0' "$@" >"$HERE/argv"
printf '%s' "$SAYS"
exit "${ENDS:-0}"
"""
LOG = "INFO 11-21 04:33:57 [llm_engine.py:230] "


def run(tmp_path: Path, words: str, says: str, ends: int = 0) -> subprocess.CompletedProcess[str]:
    text = resources.files("cosmos_workflow.scripts").joinpath("enhance.sh").read_text()
    (tmp_path / "enhance.sh").write_text(text)
    (tmp_path / "prompt.json").write_text(json.dumps({"prompt": words}, ensure_ascii=False))
    torchrun = tmp_path / "tools" / "torchrun"
    torchrun.parent.mkdir()
    torchrun.write_text(TORCHRUN)
    torchrun.chmod(0o755)
    path = f"{torchrun.parent}:{os.environ['PATH']}"
    env = {"PATH": path, "HERE": str(tmp_path), "SAYS": says, "ENDS": str(ends), "LC_ALL": "C",
           "COSMOS_REPO": str(tmp_path / "the code")}  # fmt: skip
    return subprocess.run(
        ["bash", str(tmp_path / "enhance.sh"), "--input_video", "/a b/$x.mp4"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def repo(tmp_path: Path) -> Path:
    file = tmp_path / "the code" / PROGRAM
    file.parent.mkdir(parents=True)
    file.touch()
    return file


def answer(tmp_path: Path) -> str | None:
    file = tmp_path / "outputs" / "prompt.txt"
    return file.read_text() if file.exists() else None


@pytest.mark.parametrize(
    "words",
    ["a street", "--seed", "--", "-h", "$(touch x) `id` \"q\" 'q' \\ *", "夜の雨 \u2014 ümlaut",
     "two\nlines\n\n", "=", " "],
)  # fmt: skip
def test_words_are_one_argument_as_they_are(tmp_path: Path, words: str) -> None:
    done = run(tmp_path, words, "Upsampled prompt: A street.\n")
    assert done.returncode == 0, done.stderr
    *_, program, prompt, flag, video, end = (tmp_path / "argv").read_text().split("\0")
    assert (program, prompt) == (PROGRAM, f"--prompt={words}")
    assert (flag, video, end) == ("--input_video", "/a b/$x.mp4", "")
    assert answer(tmp_path) == "A street.\n"


def test_the_answer_is_all_but_what_libraries_log(tmp_path: Path) -> None:
    said = f"{LOG}loading\nUpsampled prompt: A street.\nA car.\n\nINFORMATION is shown.\n{LOG}bye\n"
    done = run(tmp_path, "a street", said)
    assert done.stdout == said, "the log has everything"
    assert answer(tmp_path) == "A street.\nA car.\n\nINFORMATION is shown.\n"
    assert not (tmp_path / "said.txt").exists()


@pytest.mark.parametrize("said", ["", f"{LOG}x\n", "Upsampled prompt: \n", "Upsampled prompt:"])
def test_no_answer_is_no_file(tmp_path: Path, said: str) -> None:
    assert run(tmp_path, "a street", said).returncode == 0
    assert answer(tmp_path) is None


def test_its_end_is_the_models(tmp_path: Path) -> None:
    assert run(tmp_path, "a street", "Upsampled prompt: A street.\n", ends=7).returncode == 7
    assert answer(tmp_path) is None


def test_no_program(tmp_path: Path, repo: Path) -> None:
    repo.unlink()
    done = run(tmp_path, "a street", "")
    assert done.returncode == 66
    assert done.stderr.startswith("enhance.sh: there is no cosmos_transfer1/auxiliary/upsampler")
