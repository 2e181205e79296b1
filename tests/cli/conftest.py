"""``cosmos`` called as a person calls it, in a project folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cosmos_workflow.cli.app import main
from tests.cli.calling import Cosmos, Said


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a hostile name, and we are in it."""
    folder = tmp_path / "it's $(a) project; 夜"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in list(os.environ):
        if name.startswith("COSMOS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def cosmos(project: Path, capsys: pytest.CaptureFixture[str]) -> Cosmos:
    """Call ``cosmos`` with these words."""

    def call(*argv: str) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(code, out, err)

    return call


@pytest.fixture
def shot(project: Path) -> Path:
    """Files where videos would be: specs only ask whether they can be read."""
    folder = project / "in put"
    folder.mkdir()
    for name in ("color", "depth", "edge"):
        (folder / f"{name}.mp4").write_bytes(b"video")
    return folder
