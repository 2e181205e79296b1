"""What goes wrong while a shot is made is told by the frame's name, and nothing stays of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import shot
from test_faults_disk import disk
from test_prepare_reels import chunked
from two_ffmpegs import an_ffmpeg

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError, CosmosError, MediaError
from cosmos_workflow.houdini.picture import BrokenPicture
from cosmos_workflow.houdini.reel import Layout, Origin
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.workflows.prepare import Wishes, prepare
from cosmos_workflow.workflows.prepare_encode import encode
from cosmos_workflow.workflows.prepare_fit import Framing

__all__ = ["an_ffmpeg"]

WISHES = Wishes(no_ai=True)
SIZE = (48, 32)


def test_pixels_that_cannot_be_unpacked(tmp_path: Path, an_ffmpeg: str) -> None:
    """Every checksum is right, so that only the decoding finds it: both are named."""
    folder = shot(tmp_path / "renders", 6, SIZE)
    for name in ("segmentation.0003.png", "segmentation.0005.png"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(chunked(data, lambda rows: rows[: len(rows) // 2]))
    with pytest.raises(MediaError, match="2 frames are damaged") as caught:
        prepare(Settings(root=tmp_path), folder, WISHES)
    first, second = caught.value.message.splitlines()[1:]
    assert first.startswith("  - segmentation.0003.png is damaged")
    assert second.startswith("  - segmentation.0005.png is damaged")
    assert nothing_left(tmp_path)


@dataclass(frozen=True)
class Reel:
    """Color and depth out of one file a frame, some of which are torn."""

    paths: tuple[Path, ...]
    torn: Mapping[int, Callable[[], Exception]]
    width: int = SIZE[0]
    height: int = SIZE[1]
    modalities: tuple[Modality, ...] = (Modality.COLOR, Modality.DEPTH)

    def layout(self, modality: Modality) -> Layout:
        return "rgb24" if modality is Modality.COLOR else "gray16le"

    def origin(self, modality: Modality) -> Origin:
        return Origin("shot.####.exr", "C" if modality is Modality.COLOR else "Pz")

    def read(self, index: int) -> Mapping[Modality, Any]:
        if index in self.torn:
            raise self.torn[index]()
        grey = np.full(SIZE[::-1], index * 1000, np.uint16)
        return {Modality.COLOR: np.zeros((*SIZE[::-1], 3), np.uint8), Modality.DEPTH: grey}

    def legend(self) -> Mapping[str, Any]:
        return {}


def test_frames_that_break_while_they_are_read(tmp_path: Path) -> None:
    torn = {
        4: lambda: BrokenPicture("is cut short"),
        9: lambda: PermissionError(13, "Permission denied"),
    }
    paths = tuple(tmp_path / f"shot.{n:04d}.exr" for n in range(12))
    whole = Shot(tmp_path, (Reel(paths, torn),), tuple(range(12)), *SIZE)
    part = tmp_path / "part"
    part.mkdir()
    heard: list[str] = []
    with pytest.raises(MediaError, match="2 frames are damaged") as caught:
        encode(whole, Framing(SIZE, SIZE), 24, False, part,
               lambda stage: lambda done, total: heard.append(stage))  # fmt: skip
    assert caught.value.message.splitlines()[1:] == [
        "  - shot.0004.exr is cut short",
        "  - shot.0009.exr cannot be read (Permission denied)",
    ]
    assert heard[-1] == "looking for damaged frames"
    assert not [one for one in threading.enumerate() if one.name.startswith("frames")]


def test_deep_depth_always_keeps_its_bits(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"shot.{n:04d}.exr" for n in range(3))
    for path in paths:
        path.touch()
    part = tmp_path / "part"
    part.mkdir()
    encode(Shot(tmp_path, (Reel(paths, {}),), (0, 1, 2), *SIZE), Framing(SIZE, SIZE), 24, False,
           part, lambda stage: lambda done, total: None)  # fmt: skip
    found = sorted(path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file())
    assert found == ["color.mp4", "depth.mp4", "masters/depth.mkv"]


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    folder = shot(tmp_path / "renders", 3, SIZE)

    def touch(stage: str, share: float) -> None:
        if stage == "encoding" and share < 1:
            os.utime(folder / "depth.0002.png", (1, 1))

    with pytest.raises(MediaError, match=r"depth.0002.png changed") as caught:
        prepare(Settings(root=tmp_path), folder, WISHES, report=touch)
    assert "still being rendered" in caught.value.hint
    assert nothing_left(tmp_path)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Settings]:
    """A project whose videos lie on a disk of 200 kB."""
    with disk(tmp_path / "inputs" / "videos", "200k"):
        yield Settings(root=tmp_path)


@pytest.mark.parametrize("masters", [False, True])
def test_a_full_disk(full: Settings, tmp_path: Path, an_ffmpeg: str, masters: bool) -> None:
    folder = shot(tmp_path / "renders", 6, (640, 352))
    for path in folder.glob("color.*"):  # noise: what an encoder cannot make small
        from shots import save

        save(path, np.random.default_rng(1).integers(0, 256, (352, 640, 3)).astype(np.uint8))
    with pytest.raises(CosmosError) as caught:
        prepare(full, folder, Wishes(no_ai=True, masters=masters))
    assert "no space left" in caught.value.message.lower()
    assert "space" in caught.value.hint or "room" in caught.value.hint
    assert not list(full.videos_dir.iterdir())


def test_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(ConfigError, match="not a program"):
        prepare(Settings(root=tmp_path), shot(tmp_path / "renders", 2, SIZE), WISHES)
    assert nothing_left(tmp_path)


def nothing_left(root: Path) -> bool:
    """Neither a shot nor a half one."""
    videos = root / "inputs" / "videos"
    return not videos.exists() or not list(videos.iterdir())
