"""The help of every command, as text; with UPDATE_HELP=1 in the environment it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cosmos_workflow.cli.commands import COMMANDS
from cosmos_workflow.cli.words import width_of
from tests.cli.calling import Cosmos

FOLDER = Path(__file__).parent / "help"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_reads_as_it_did(command: str, cosmos: Cosmos) -> None:
    said = cosmos(*command.split(), "--help")
    assert said.code == 0 and said.err == ""
    assert all(width_of(line) <= 80 for line in said.out.splitlines())
    golden = FOLDER / f"{command or 'cosmos'}.txt"
    if os.environ.get("UPDATE_HELP"):
        golden.write_text(said.out, encoding="utf-8")
    assert said.out == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_word_is_for(command: str, cosmos: Cosmos) -> None:
    said = cosmos(*command.split(), "-h")
    assert said.out.startswith(f"Usage: cosmos {command}")
    assert "<" not in said.out.partition("\n")[0]
