"""A render folder is complete, or every fault is named at once."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.formats import Report
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.houdini.passes import PASSES, aliases, of_stem
from cosmos_workflow.houdini.picture import BrokenPicture, Growing, Picture
from cosmos_workflow.houdini.png import check
from cosmos_workflow.houdini.png_reel import PngFormat
from cosmos_workflow.houdini.reel import Layout, Origin
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.houdini.shot import Reading, Shot
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


@dataclass(frozen=True)
class LayersReel:
    """Passes of one file, as a multi-layer format would give them."""

    passes: Mapping[Modality, str]
    paths: tuple[Path, ...]
    width: int
    height: int

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(self.passes)

    def layout(self, modality: Modality) -> Layout:
        return "rgb24"

    def origin(self, modality: Modality) -> Origin:
        return Origin("", self.passes[modality])

    def read(self, index: int) -> Mapping[Modality, bytes]:
        return dict.fromkeys(self.passes, b"")

    def legend(self) -> Mapping[str, Any]:
        return {}


class Layers:
    """A format with layers, in text: ``8 4 C Pz``."""

    def check(self, path: Path) -> Picture:
        width, height, *layers = self._words(path)
        return Picture(int(width), int(height), 16, ", ".join(layers))

    def layers(self, path: Path) -> Sequence[str]:
        return self._words(path)[2:]

    def passes(self, path: Path, stem: str, names: Passes) -> Mapping[Modality, str]:
        layers = self.layers(path)
        named = of_stem(stem, names)
        if named and layers == ["rgba"]:
            return {named.modality: "rgba"}
        return {
            modality: layer
            for modality in PASSES
            for layer in layers
            if layer.lower() in [alias.lower() for alias in aliases(modality, names)]
        }

    def reel(
        self,
        paths: Sequence[Path],
        passes: Mapping[Modality, str],
        reading: Reading,
        report: Report | None = None,
    ) -> LayersReel:
        picture = self.check(paths[0])
        return LayersReel(passes, tuple(paths), picture.width, picture.height)

    def _words(self, path: Path) -> list[str]:
        text = path.read_text()
        if not text:
            raise Growing("is empty")
        if not text[0].isdigit():
            raise BrokenPicture("is not a picture")
        return text.split()


def read(folder: Path, reading: Reading | None = None, report: Report | None = None) -> Shot:
    formats = {"png": PngFormat, "exr": Layers}
    return read_shot(folder, reading, report=report, formats=formats)


def fill(folder: Path, *modalities: str, frames: Sequence[int] = range(1001, 1005)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for modality in modalities:
        for frame in frames:
            (folder / f"{modality}.{frame:04d}.png").write_bytes(png())


def layered(folder: Path, stem: str, text: str, frames: Sequence[int] = range(1001, 1005)) -> None:
    for frame in frames:
        (folder / f"{stem}.{frame:04d}.exr").write_text(text)


def faults(folder: Path, **reading: Any) -> str:
    with pytest.raises(MediaError) as caught:
        read(folder, Reading(**reading))
    return caught.value.message


def hint(folder: Path, **reading: Any) -> str:
    with pytest.raises(MediaError) as caught:
        read(folder, Reading(**reading))
    return caught.value.hint


def aged(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (1_000_000_000, 1_000_000_000))


def test_a_complete_shot(tmp_path: Path) -> None:
    fill(tmp_path, "edge", "color", "depth", frames=range(998, 1003))
    (tmp_path / "notes.txt").write_text("of no concern")
    heard: list[tuple[int, int]] = []
    shot = read(tmp_path, report=lambda done, total: heard.append((done, total)))
    assert shot.modalities == ("color", "depth", "edge")
    assert (shot.width, shot.height, len(shot.frames)) == (8, 4, 5)
    assert shot.frames == (998, 999, 1000, 1001, 1002)
    assert shot.reel(Modality.COLOR).paths[0] == tmp_path / "color.0998.png"
    assert heard == [(done, 15) for done in range(1, 16)]


@pytest.mark.parametrize("name", ["color_{}.png", "color-{:03d}.png", "color{:02d}.png",
                                  "frame_{:03d}.png", "image_{}.png", "{:06d}.png",
                                  "shot010_beauty.{:04d}.PNG", "my shot {}.png"])  # fmt: skip
def test_names_of_one_sequence(tmp_path: Path, name: str) -> None:
    for frame in range(8, 12):
        (tmp_path / name.format(frame)).write_bytes(png())
    shot = read(tmp_path)
    assert shot.modalities == ("color",) and shot.frames == (8, 9, 10, 11)
    assert [path.name for path in shot.reels[0].paths] == [name.format(n) for n in range(8, 12)]


def test_aliases_of_the_settings(tmp_path: Path) -> None:
    fill(tmp_path, "Beauty", "hitPz", "seg", "normals")
    shot = read(tmp_path)
    assert shot.modalities == ("color", "depth", "segmentation")
    assert shot.reel(Modality.DEPTH).paths[0].name == "hitPz.1001.png"


def test_a_pass_under_two_names_is_the_one_of_its_own_name(tmp_path: Path) -> None:
    fill(tmp_path, "color", "beauty", "shot_color")
    assert read(tmp_path).reel(Modality.COLOR).paths[0].name == "color.1001.png"
    assert len(read(tmp_path).reels) == 1


def test_a_pass_under_one_name_twice(tmp_path: Path) -> None:
    fill(tmp_path, "color", "a_depth", "b_depth")
    assert "depth is in both a_depth.####.png and b_depth.####.png" in faults(tmp_path)


def test_a_file_of_several_layers_is_one_reel(tmp_path: Path) -> None:
    layered(tmp_path, "shot010_comp_v3", "8 4 C Pz crypto_object N")
    fill(tmp_path, "edge")
    shot = read(tmp_path)
    assert shot.modalities == ("color", "depth", "segmentation", "edge")
    assert len(shot.reels) == 2 and shot.reels[0].modalities == PASSES[:3]
    assert shot.reel(Modality.DEPTH).origin(Modality.DEPTH).layer == "Pz"


def test_a_stem_that_names_the_pass_comes_before_a_layer(tmp_path: Path) -> None:
    layered(tmp_path, "shot", "8 4 C Pz")
    fill(tmp_path, "depth")
    shot = read(tmp_path)
    assert shot.reel(Modality.DEPTH).paths[0].name == "depth.1001.png"
    assert shot.reel(Modality.COLOR).modalities == ("color",)


def test_two_files_with_the_same_layers(tmp_path: Path) -> None:
    layered(tmp_path, "a", "8 4 C Pz")
    layered(tmp_path, "b", "8 4 C")
    said = faults(tmp_path)
    assert "color is in both a.####.exr (C) and b.####.exr (C)" in said and "1 problem" in said


def test_layers_with_a_mistake_in_their_names(tmp_path: Path) -> None:
    layered(tmp_path, "shot", "8 4 beuty Pz")
    said = faults(tmp_path)
    assert "there is no color pass" in said
    assert (
        "no color in shot.####.exr: it has layers beuty, Pz; did you mean beuty -> beauty?"
        " add it to [passes] color" in said
    )
    layered(tmp_path, "shot", "8 4 C dpeth")
    assert "shot.####.exr has a layer dpeth: did you mean depth?" in faults(tmp_path)
    layered(tmp_path, "shot", "8 4 C albedo")
    assert read(tmp_path).modalities == ("color",)
    layered(tmp_path, "depth", "8 4 dist")
    assert "no depth in depth.####.exr: it has layers dist; add the right" in faults(tmp_path)
    (tmp_path / "own").mkdir()
    layered(tmp_path / "own", "beauty", "8 4 Beuty Pdz")
    assert "it has layers Beuty, Pdz; did you mean Beuty -> beauty?" in faults(tmp_path / "own")


def test_a_pass_whose_names_are_taken_away_is_left_out(tmp_path: Path) -> None:
    layered(tmp_path, "shot", "8 4 C depth Pz")
    assert read(tmp_path, Reading(passes=Passes(depth=()))).modalities == ("color",)


def test_layers_that_change_on_the_way(tmp_path: Path) -> None:
    layered(tmp_path, "shot", "8 4 C Pz")
    (tmp_path / "shot.1003.exr").write_text("8 4 C")
    assert (
        "shot.####.exr: mixed pictures: shot.1003.exr without Pz; the others have 2 layers"
        in faults(tmp_path)
    )
    (tmp_path / "shot.1003.exr").write_text("8 4 C Z N")
    assert "shot.1003.exr without Pz and with Z, N; the others" in faults(tmp_path)


def test_a_first_file_that_is_broken_hides_no_layers(tmp_path: Path) -> None:
    layered(tmp_path, "shot", "8 4 C Pz")
    (tmp_path / "shot.1001.exr").write_text("no")
    said = faults(tmp_path)
    assert "1 problem" in said and "shot.1001.exr is not a picture" in said
    layered(tmp_path, "shot", "no")
    assert "none of 4 files can be read: shot.1001.exr is not a picture" in faults(tmp_path)


def test_numbers_may_outgrow_their_padding(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(9998, 10002))
    assert read(tmp_path).frames == (9998, 9999, 10000, 10001)


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
    (tmp_path / "vis.1001.jpg").write_bytes(b"jpeg")
    aged(tmp_path / "edge.1001.png")
    said = faults(tmp_path)
    for part in (
        "color.####.png: frames missing: 1002",
        "depth.####.png: frames missing: 1004",
        "depth.####.png: frames that color.####.png lacks: 1005",
        "- edge.1001.png is empty\n",
        "edge.1003.png is cut short: still being written?",
        "edge.####.png: mixed pictures: edge.1004.png 16x4; the others 8x4",
        "depth.####.png: mixed pictures: depth.1003.png 16-bit RGB; the others 8-bit RGB",
        "segmentaton.####.png (1 file) is not a pass: did you mean segmentation.####.png?",
        "vis.####.jpg (1 file) is not a format that passes are read from: render PNG or EXR",
        "9 problems",
    ):
        assert part in said, part


def test_many_files_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(1, 200))
    for frame in range(1, 100):
        (tmp_path / f"color.{frame:04d}.png").write_bytes(b"text")
    said = faults(tmp_path)
    assert "color.0006.png and 93 more are not a PNG" in said and "color.0007" not in said
    squares = [n * n for n in range(2, 14)]
    fill(tmp_path / "gaps", "color", frames=[n for n in range(1, 200) if n not in squares])
    assert "frames missing: 4, 9, 16, 25, 36, 49, 64, 81 and 4 more" in faults(tmp_path / "gaps")


def test_passes_of_two_sizes(tmp_path: Path) -> None:
    fill(tmp_path, "color")
    for frame in range(1001, 1005):
        (tmp_path / f"depth.{frame}.png").write_bytes(png(9, 4))
    said = faults(tmp_path)
    assert "mixed sizes: 8x4 in color.####.png; 9x4 in depth.####.png; render one size" in said
    shot = read(tmp_path, Reading(mixed_sizes=True))
    assert (shot.width, shot.reel(Modality.DEPTH).width) == (8, 9)


def test_a_folder_without_color(tmp_path: Path) -> None:
    fill(tmp_path, "depth")
    assert "there is no color pass" in faults(tmp_path)
    assert faults(tmp_path).count("\n") == 1


def test_color_under_another_name_kind_or_folder(tmp_path: Path) -> None:
    fill(tmp_path, "depth")
    (tmp_path / "render.1001.png").write_bytes(png())
    (tmp_path / "edge.1001.tif").touch()
    fill(tmp_path / "again", "color")
    said = faults(tmp_path)
    assert "render.####.png (1 file) is no pass by its name: is it color?" in said
    assert "edge.####.tif (1 file) is not a format that passes are read from" in said
    assert f"{tmp_path / 'again'} has one" in said


def test_pictures_beside_that_nothing_lacks_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, "color", "thumbnail", "colr")
    (tmp_path / "color.1001.jpg").touch()
    assert read(tmp_path).modalities == ("color",)


def test_the_same_frame_twice_and_mixed_widths(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(7, 11))
    (tmp_path / "color.9.png").write_bytes(png())
    assert "color.0009.png and color.9.png are the same frame" in faults(tmp_path)
    (tmp_path / "color.0009.png").unlink()
    assert "mixed number widths: color.0007.png" in faults(tmp_path)


def test_numbers_below_zero_are_told(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=range(3))
    (tmp_path / "color.-1.png").write_bytes(png())
    assert "color.-####.png (1 file) has numbers below zero" in faults(tmp_path)


def test_a_step_is_called_a_step(tmp_path: Path) -> None:
    fill(tmp_path, "color", "depth", frames=range(1, 9, 2))
    said = faults(tmp_path)
    assert "2 from one frame to the next; render all of them" in said
    assert "--frames 1-7x2" in said and said.count("\n") == 1
    shot = read(tmp_path, Reading(frames=FrameRange.parse("1-7x2")))
    assert shot.frames == (1, 3, 5, 7)


def test_a_stray_number_costs_no_memory(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=[1, 2, 3, 999_999_999])
    assert "is color.999999999.png one? else name them with --frames" in faults(tmp_path)


def test_only_the_frames_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, "color", "depth", frames=range(1, 11))
    (tmp_path / "depth.0010.png").write_bytes(b"broken, and of no concern")
    shot = read(tmp_path, Reading(frames=FrameRange.parse("4-6"), handles=2))
    assert shot.frames == (2, 3, 4, 5, 6, 7, 8)
    assert [len(reel.paths) for reel in shot.reels] == [7, 7]
    (tmp_path / "depth.0005.png").unlink()
    said = faults(tmp_path, frames=FrameRange.parse("4-9"), handles=2)
    assert "depth.####.png: frames missing: 5\n" in said
    assert "color.####.png: handles missing: 11" in said and "10" in said
    (tmp_path / "color.2.png").write_bytes(png())
    assert read(tmp_path, Reading(frames=FrameRange.parse("6-9"))).frames == (6, 7, 8, 9)
    assert "same frame" in faults(tmp_path, frames=FrameRange.parse("2-4"))
    said = faults(tmp_path, frames=FrameRange.parse("20-22"))
    assert "color.####.png: frames missing: 20-22; it has 1-10" in said


def test_handles_that_leave_nothing(tmp_path: Path) -> None:
    fill(tmp_path, "color")
    assert read(tmp_path, Reading(handles=1)).frames == (1001, 1002, 1003, 1004)
    assert "2 handles at each end leave none of 4 frames" in faults(tmp_path, handles=2)


def test_odd_sides_come_with_the_size_to_render(tmp_path: Path) -> None:
    for frame in (1, 2):
        (tmp_path / f"color.{frame}.png").write_bytes(png(9, 5))
    assert "render at 8x4, or --resize" in faults(tmp_path)
    assert read(tmp_path, Reading(mixed_sizes=True)).width == 9
    for frame in (1, 2):
        (tmp_path / f"color.{frame}.png").write_bytes(png(1, 1))
    assert faults(tmp_path).rstrip().endswith("render at 2x2")


def test_versions(tmp_path: Path) -> None:
    for name in ("v1", "v2", "v10"):
        fill(tmp_path / "comp" / name, "color")
    (tmp_path / "comp" / "v11").mkdir()
    assert "versions: v1, v2, v10, v11" in faults(tmp_path / "comp")
    assert "--latest" in hint(tmp_path / "comp")
    newest = tmp_path / "comp" / "v10"
    assert read(tmp_path / "comp", Reading(latest=True)).folder == newest
    assert read(tmp_path / "comp" / "v2", Reading(latest=True)).folder == newest
    assert read(tmp_path / "comp" / "v2").folder.name == "v2"


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "atrium" / "comp").mkdir(parents=True)
    (tmp_path / "a file").touch()
    assert "there is no folder" in faults(tmp_path / "nothing")
    assert f"did you mean {tmp_path / 'atrium'}?" in hint(tmp_path / "atrum" / "comp")
    assert f"({tmp_path / 'atrum'} is missing)" in faults(tmp_path / "atrum" / "comp")
    assert "is a file, not a folder" in faults(tmp_path / "a file")
    assert str(tmp_path) in hint(tmp_path / "a file")
    assert "there is no folder" in faults(tmp_path / "nothing", latest=True)
    assert "there is no color pass" in faults(tmp_path / "atrium" / "comp")


def test_links_and_folders_among_the_frames(tmp_path: Path) -> None:
    fill(tmp_path, "color", frames=[1, 2])
    (tmp_path / "color.0003.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "color.0004.png").mkdir()
    (tmp_path / "color.0005.png").symlink_to(tmp_path / "color.0001.png")
    said = faults(tmp_path)
    assert "color.0003.png is a link to nowhere" in said
    assert "color.0004.png cannot be read (Is a directory)" in said
    assert "2 problems" in said


@contextmanager
def nobody() -> Iterator[Path]:
    """A folder of ours, and no rights beyond those that anybody has."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        root = os.geteuid() == 0
        try:
            if root:
                os.chown(name, 65534, -1)
                os.seteuid(65534)
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            for path in [Path(name), *Path(name).rglob("*")]:
                path.chmod(0o755)


def test_files_and_folders_that_may_not_be_read() -> None:
    with nobody() as folder:
        fill(folder / "shot", "color")
        (folder / "shot" / "color.1002.png").chmod(0)
        said = faults(folder / "shot")
        assert "color.1002.png may not be read (permission denied)" in said
        (folder / "shot").chmod(0)
        assert f"cannot read the folder {folder / 'shot'}: permission denied" in faults(
            folder / "shot"
        )
        (folder / "shot").chmod(0o444)
        assert "color.1001.png, color.1002.png" in faults(folder / "shot")
        assert "permission denied" in faults(folder / "shot")
        (folder / "shot").chmod(0o755)
        fill(folder / "other", "depth")
        (folder / "other").chmod(0o444)
        assert "there is no color pass" in faults(folder / "other")
        folder.chmod(0)
        assert "permission denied" in faults(folder / "shot")
        assert "permission denied" in faults(folder / "shot", latest=True)


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


def test_a_file_that_is_cut_short_is_growing(tmp_path: Path) -> None:
    path, whole = tmp_path / "frame.png", png()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(Growing):
            check(path)


def test_a_picture_without_pixels(tmp_path: Path) -> None:
    whole = png()
    (tmp_path / "frame.png").write_bytes(whole[:33] + whole[-12:])
    with pytest.raises(BrokenPicture, match="has no pixels"):
        check(tmp_path / "frame.png")
