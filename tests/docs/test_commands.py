"""What the documentation shows is run as shown: ``console`` and ``python`` blocks, in order.

Each page has a project of its own on the target ``local``.  The one change: samples are short.
Blocks ``console gpu`` are run in ``tests/lab/test_quick_start.py``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, Block, blocks, name

FEW = ("--frames", "4")
RUN = [page for page in PAGES if blocks(page, "console")]


def argv(command: str) -> list[str]:
    """The words of a command line of ours, by the interpreter that runs the tests."""
    words = shlex.split(command)
    assert words[0] == "cosmos", f"only cosmos can be run here: {command}"
    few = FEW if words[1:2] == ["sample"] and "--frames" not in words else ()
    return [sys.executable, "-m", "cosmos_workflow", *words[1:], *few]


def steps(block: Block) -> list[list[str]]:
    """What a block asks to run."""
    if block.info == "python":
        return [[sys.executable, "-c", block.text]]
    return [argv(command) for command in block.commands]


def test_the_readme_is_among_them() -> None:
    assert len(RUN) >= 4 and any(page.name == "README.md" for page in RUN)


@pytest.mark.parametrize("page", RUN, ids=name)
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("COSMOS_")}
    for block in blocks(page, "console", "python"):
        for step in steps(block):
            done = subprocess.run(
                step, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240
            )
            assert done.returncode == 0, f"{step[2:]}\n{done.stdout}\n{done.stderr}"
