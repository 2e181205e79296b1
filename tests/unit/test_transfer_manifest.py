"""What a transfer is asked to move is checked before a byte leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.errors import TransferError
from cosmos_workflow.transfer.manifest import checked, folders, manifest


def test_sizes_and_kinds(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    one, two = manifest({"inputs/x/f": tmp_path / "f", "runs/f": tmp_path / "f"})
    assert (one.size, one.by_content, two.by_content) == (3, True, False)


def test_folders_come_parents_first() -> None:
    assert folders(["a/b/c", "a/d", "e"]) == ("a", "a/b")


@pytest.mark.parametrize("key", ["-rf", " ", "a b/'c'", "new\nline", "日本語", "..x"])
def test_odd_names_are_names(key: str) -> None:
    assert checked(key) == key


@pytest.mark.parametrize("key", ["", ".", "..", "/a", "a/", "a//b", "a/./b", "a/../b", "a\0"])
def test_what_is_no_place_below_a_folder(key: str) -> None:
    with pytest.raises(TransferError):
        checked(key)


def test_a_folder_or_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(TransferError) as caught:
            manifest({"x": path})
        assert str(path) in caught.value.message
