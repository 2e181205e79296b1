"""The Tab key: commands, ids, engines, targets, controls; silence when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import Cosmos

ROOT = Path(__file__).parents[2]


def tab(words: str) -> list[str]:
    """What bash would offer for the last word."""
    env = {
        **os.environ, "PYTHONPATH": str(ROOT), "_COSMOS_COMPLETE": "complete_bash",
        "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "cosmos_workflow"], env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_commands(project: Path) -> None:
    assert tab("cosmos create-") == ["create-spec", "create-run"]


def test_ids_of_what_there_is(cosmos: Cosmos, project: Path) -> None:
    (one,) = cosmos("create-spec", "n", "t", "--json").objects
    assert tab("cosmos create-run ps_") == [one["id"]]


def test_prepared_shots(project: Path) -> None:
    shot = project / "inputs/videos/atrium_20260101_120000"
    shot.mkdir(parents=True)
    assert tab("cosmos create-spec n t --from at") == []
    (shot / "metadata.json").touch()
    assert tab("cosmos create-spec n t --from at") == [shot.name]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("cosmos create-run x --engine tr", ["transfer1", "transfer25"]),
        ("cosmos engines show up", ["upscale"]),
        ("cosmos create-spec a b --control-inputs de", ["depth:"]),
        ("cosmos create-run x --weight de", ["depth="]),
        ("cosmos prepare-inference x --for tr", ["transfer1", "transfer25"]),
        ("cosmos prepare-inference x --fit p", ["pad"]),
        ("cosmos prepare-inference x --make ed", ["edge", "edge,vis"]),
        ("cosmos prepare-inference x --blur-strength very_h", ["very_high"]),
        ("cosmos prepare-inference x --depth-mode l", ["linear", "log"]),
        ("cosmos sweep x --vary se", ["seed=", "segmentation="]),
        ("cosmos run x --target lo", ["local"]),
    ],
)
def test_words_that_are_known(project: Path, words: str, offered: list[str]) -> None:
    assert tab(words) == offered


def test_a_broken_config_offers_nothing_and_says_nothing(project: Path) -> None:
    (project / "config.toml").write_text("no toml", encoding="utf-8")
    assert tab("cosmos create-run ps_") == []
