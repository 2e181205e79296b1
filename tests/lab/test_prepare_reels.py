"""Frames through pipes: every one of them, in order, exact in the masters, and none too early."""

from __future__ import annotations

import subprocess
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from two_ffmpegs import an_ffmpeg, is_plain, tags

from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.frames import decode
from cosmos_workflow.video.probe import probe
from cosmos_workflow.video.reels import Layout, Strip, Track, Undecodable, damage, encode

__all__ = ["an_ffmpeg"]

SIZE = (48, 32)
COLOR, DEPTH, SEG = Modality.COLOR, Modality.DEPTH, Modality.SEGMENTATION
NOISE = np.random.default_rng(7)


def png(picture: Any) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def grey(number: int) -> Any:
    return np.full((*SIZE[::-1], 3), 20 * number, np.uint8)


def track(folder: Path, modality: Modality = COLOR, layout: Layout = "png", **more: Any) -> Track:
    return Track(modality, layout, *SIZE, folder / f"{modality}.mp4", **more)


def raw(path: Path, pix_fmt: str) -> bytes:
    """A lossless video's pixels, one frame after another."""
    args = [ffmpeg.executable(), "-v", "error", "-i", str(path), "-f", "rawvideo"]
    done = subprocess.run([*args, "-pix_fmt", pix_fmt, "-"], capture_output=True, check=True)
    return done.stdout


@pytest.mark.parametrize("tail", [b"", b"what some writers leave behind"])
def test_png_files_in_order(tmp_path: Path, an_ffmpeg: str, tail: bytes) -> None:
    strip = Strip((track(tmp_path),), lambda n: {COLOR: png(grey(n)) + tail})
    heard: list[tuple[int, int]] = []
    encode([strip], 12, 24, report=lambda done, total: heard.append((done, total)))
    assert is_plain(tmp_path / "color.mp4")
    assert tags(tmp_path / "color.mp4")["nb_read_frames"] == "12"
    for number, frame in enumerate(decode(tmp_path / "color.mp4", *SIZE)):
        assert abs(float(frame.mean()) - 20 * number) < 3
    assert heard[-1] == (12, 12)


@pytest.mark.parametrize(
    ("shape", "kind", "pix_fmt"),
    [
        ((), np.uint8, "gray"),
        ((), np.uint16, "gray16le"),
        ((3,), np.uint8, "bgr24"),
        ((3,), np.uint16, "bgr48le"),
        ((4,), np.uint8, "bgra"),
    ],
)
def test_a_master_is_the_png_bit_for_bit(
    tmp_path: Path, an_ffmpeg: str, shape: tuple[int, ...], kind: type[np.generic], pix_fmt: str
) -> None:
    high = np.iinfo(kind).max + 1  # type: ignore[type-var]
    pictures = [NOISE.integers(0, high, (*SIZE[::-1], *shape)).astype(kind) for _ in range(4)]
    one = track(tmp_path, master=tmp_path / "color.mkv")
    encode([Strip((one,), lambda n: {COLOR: png(pictures[n])})], 4, 25)
    assert raw(tmp_path / "color.mkv", pix_fmt) == b"".join(p.tobytes() for p in pictures)
    assert is_plain(tmp_path / "color.mp4")
    assert probe(tmp_path / "color.mkv").frames == probe(tmp_path / "color.mp4").frames == 4


def test_passes_out_of_one_read(tmp_path: Path, an_ffmpeg: str) -> None:
    """As an EXR gives them: colour and depth in memory, read once for both."""
    colours = [NOISE.integers(0, 256, (*SIZE[::-1], 3)).astype(np.uint8) for _ in range(9)]
    depths = [NOISE.integers(0, 65536, SIZE[::-1]).astype(np.uint16) for _ in range(9)]
    reads: list[int] = []

    def read(number: int) -> Mapping[Modality, Any]:
        reads.append(number)
        # neither is laid out as it is sent
        return {COLOR: colours[number][..., ::-1], DEPTH: depths[number].astype(">u2")}

    tracks = (
        track(tmp_path, COLOR, "rgb24", master=tmp_path / "color.mkv"),
        track(tmp_path, DEPTH, "gray16le", master=tmp_path / "depth.mkv"),
    )
    encode([Strip(tracks, read)], 9, 24)
    assert sorted(reads) == list(range(9))
    assert raw(tmp_path / "color.mkv", "bgr24") == b"".join(p.tobytes() for p in colours)
    assert tags(tmp_path / "depth.mkv")["pix_fmt"] == "gray16le"
    assert raw(tmp_path / "depth.mkv", "gray16le") == b"".join(p.tobytes() for p in depths)
    assert is_plain(tmp_path / "color.mp4") and is_plain(tmp_path / "depth.mp4")


@pytest.mark.parametrize("layout", ["png", "gray16le"])
def test_deep_grey_fills_the_range(tmp_path: Path, an_ffmpeg: str, layout: Layout) -> None:
    """0 is the video's black, 65535 its white, and what is between lies between."""
    ramp = np.zeros(SIZE[::-1], np.uint16)
    ramp[:, 16:32], ramp[:, 32:] = 32768, 65535
    one = track(tmp_path, DEPTH, layout)
    encode([Strip((one,), lambda _: {DEPTH: png(ramp) if layout == "png" else ramp})], 3, 24)
    args = [ffmpeg.executable(), "-v", "error", "-i", str(one.dest), "-f", "rawvideo", "-"]
    data = subprocess.run(args, capture_output=True, check=True).stdout
    luma = np.frombuffer(data[: SIZE[0] * SIZE[1]], np.uint8).reshape(SIZE[::-1])
    for columns, expected in ((slice(2, 14), 16), (slice(18, 30), 126), (slice(34, 46), 235)):
        assert abs(float(luma[:, columns].mean()) - expected) < 1.5


def test_only_a_few_frames_are_read_ahead(tmp_path: Path) -> None:
    """However many there are, as many are in memory."""
    lock, alive, most = threading.Lock(), 0, 0

    class Frame(bytes):
        """Counts how many there are at once."""

        def __new__(cls, data: bytes) -> Frame:
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)
            return super().__new__(cls, data)

        def __del__(self) -> None:
            nonlocal alive
            with lock:
                alive -= 1

    picture = png(NOISE.integers(0, 256, (*SIZE[::-1], 3)).astype(np.uint8))
    encode([Strip((track(tmp_path),), lambda _: {COLOR: Frame(picture)})], 150, 24)
    assert 1 <= most <= 8
    assert probe(tmp_path / "color.mp4").frames == 150


def chunked(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A PNG whose pixels are others, with every checksum right."""
    out, at, pixels = [data[:8]], 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"IDAT":
            pixels += body
            continue
        if kind == b"IEND":
            out.append(_chunk(b"IDAT", zlib.compress(change(zlib.decompress(pixels)))))
        out.append(_chunk(kind, body))
    return b"".join(out)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + check


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-60],
    "without an end": lambda data: data[:-12],
    "flipped": lambda data: data[:90] + bytes([data[90] ^ 255]) + data[91:],
    "rows missing": lambda data: chunked(data, lambda rows: rows[: len(rows) // 2]),
    "empty": lambda data: b"",
    "text": lambda data: b"these are words",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_png_fails(tmp_path: Path, an_ffmpeg: str, fault: str) -> None:
    whole = png(NOISE.integers(0, 256, (*SIZE[::-1], 3)).astype(np.uint8))
    broken = FAULTS[fault](whole)
    assert damage(whole) == "" and damage(broken) != ""
    strips = [
        Strip((track(tmp_path, SEG),), lambda n: {SEG: broken if n == 5 else whole}),
        Strip((track(tmp_path, COLOR),), lambda n: {COLOR: whole}),
    ]
    with pytest.raises(Undecodable) as caught:
        encode(strips, 12, 24)
    assert caught.value.track.modality is SEG


def test_a_read_that_fails_ends_all(tmp_path: Path, an_ffmpeg: str) -> None:
    class Torn(Exception):
        pass

    def read(number: int) -> Mapping[Modality, Any]:
        if number == 7:
            raise Torn("frame 7")
        return {COLOR: np.zeros((*SIZE[::-1], 3), np.uint8), DEPTH: np.zeros(SIZE[::-1], np.uint16)}

    endless = Strip((track(tmp_path, SEG),), lambda n: {SEG: png(grey(n % 10))})
    torn = Strip((track(tmp_path, COLOR, "rgb24"), track(tmp_path, DEPTH, "gray16le")), read)
    with pytest.raises(Torn, match="frame 7"):
        encode([torn, endless], 100_000, 24)
    assert not [one for one in threading.enumerate() if one.name.startswith("frames")]


def test_a_frame_of_another_size_is_our_mistake(tmp_path: Path) -> None:
    one = track(tmp_path, COLOR, "rgb24")
    with pytest.raises(ValueError, match="is not"):
        encode([Strip((one,), lambda _: {COLOR: np.zeros((4, 4, 3), np.uint8)})], 3, 24)
