"""A render folder is complete, or every fault is named at once."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.frame_range import ranges
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.png import check
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.prompts.enums import Modality


def png(width: int = 8, height: int = 4, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG of noise, made by hand."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = width * channels * bits // 8
    pixels = b"".join(b"\0" + os.urandom(row) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    framed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def fill(folder: Path, *modalities: str, frames: range = range(1001, 1005)) -> None:
    for modality in modalities:
        for frame in frames:
            (folder / f"{modality}.{frame:04d}.png").write_bytes(png())


def faults(folder: Path) -> str:
    with pytest.raises(MediaError) as caught:
        read_shot(folder)
    return caught.value.message


def test_a_complete_shot(tmp_path: Path) -> None:
    fill(tmp_path, "edge", "color", "depth", frames=range(998, 1003))
    (tmp_path / "notes.txt").write_text("of no concern")
    heard: list[tuple[int, int]] = []
    shot = read_shot(tmp_path, report=lambda done, total: heard.append((done, total)))
    assert shot.modalities == ("color", "depth", "edge")
    assert (shot.width, shot.height, len(shot.frames)) == (8, 4, 5)
    assert shot.frames == (998, 999, 1000, 1001, 1002)
    assert shot.reel(Modality.COLOR).paths[0] == tmp_path / "color.0998.png"
    assert heard[-1] == (15, 15)


def test_numbers_may_outgrow_their_padding(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(9998, 10002))
    assert read_shot(tmp_path).frames == (9998, 9999, 10000, 10001)


def test_every_fault_is_in_one_report(tmp_path: Path) -> None:
    fill(tmp_path, "color", "depth", "edge")
    (tmp_path / "color.1002.png").unlink()
    (tmp_path / "depth.1004.png").unlink()
    (tmp_path / "depth.1005.png").write_bytes(png())
    (tmp_path / "edge.1001.png").write_bytes(b"")
    (tmp_path / "edge.1003.png").write_bytes(png()[:-20])
    (tmp_path / "edge.1004.png").write_bytes(png(16, 4))
    (tmp_path / "depth.1003.png").write_bytes(png(bits=16))
    (tmp_path / "segmentaton.1001.png").write_bytes(png())
    said = faults(tmp_path)
    for part in (
        "color: frames missing: 1002",
        "depth: frames missing: 1004",
        "depth: frames that color lacks: 1005",
        "edge.1001.png is empty",
        "edge.1003.png is cut short",
        "mixed sizes: 8x4 in color (3 files), depth (4 files), edge (1 file)",
        "; 16x4 in edge (1 file)",
        "depth: mixed pictures: depth.1003.png 16-bit RGB; the others 8-bit RGB",
        "segmentaton.####.png (1 file) is not a pass: did you mean segmentation.####.png?",
        "8 problems",
    ):
        assert part in said, part


def test_a_folder_without_color(tmp_path: Path) -> None:
    fill(tmp_path, "depth")
    assert "there is no color pass" in faults(tmp_path)
    assert faults(tmp_path).count("\n") == 1


def test_color_under_another_name_kind_or_folder(tmp_path: Path) -> None:
    fill(tmp_path, "depth")
    (tmp_path / "beauty.1001.png").write_bytes(png())
    (tmp_path / "edge.1001.exr").touch()
    (tmp_path / "v2").mkdir()
    fill(tmp_path / "v2", "color")
    said = faults(tmp_path)
    assert "beauty.####.png (1 file) is no pass by its name: is it color?" in said
    assert "passes are PNG files; convert it to edge.####.png" in said
    assert f"{tmp_path / 'v2'} has one" in said


def test_the_same_frame_twice_and_mixed_widths(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(7, 11))
    (tmp_path / "color.9.png").write_bytes(png())
    assert "color.0009.png and color.9.png are the same frame" in faults(tmp_path)
    (tmp_path / "color.0009.png").unlink()
    assert "mixed number widths" in faults(tmp_path)


def test_a_step_is_called_a_step(tmp_path: Path) -> None:
    fill(tmp_path, "color", "depth", frames=range(1, 9, 2))
    said = faults(tmp_path)
    assert "color: every 2. frame only" in said
    assert said.count("\n") == 1


def test_odd_sides_come_with_the_size_to_render(tmp_path: Path) -> None:
    for frame in (1, 2):
        (tmp_path / f"color.{frame}.png").write_bytes(png(9, 5))
    assert "render at 8x4" in faults(tmp_path)


@pytest.mark.parametrize("wrong", ["nothing", "a file"])
def test_no_such_folder(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "a file").touch()
    assert "cannot read the folder" in faults(tmp_path / wrong)


def test_a_directory_among_the_frames(tmp_path: Path) -> None:
    fill(tmp_path, "color")
    (tmp_path / "color.1005.png").mkdir()
    assert "color.1005.png cannot be read (Is a directory)" in faults(tmp_path)


@given(data=st.data())
def test_no_damage_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "frame.png"
    whole = png(12, 6, data.draw(st.sampled_from([8, 16])), data.draw(st.sampled_from([0, 2, 6])))
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(damaged), whole[:at]):
        path.write_bytes(broken)
        with pytest.raises(BrokenPicture):
            check(path)
    path.write_bytes(whole)
    assert check(path).width == 12


@given(st.sets(st.integers(0, 60)))
def test_ranges_say_exactly_the_numbers(numbers: set[int]) -> None:
    said = set()
    for part in filter(None, ranges(numbers).split(", ")):
        first, _, last = part.partition("-")
        said |= set(range(int(first), int(last or first) + 1))
    assert said == numbers
