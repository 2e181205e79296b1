"""Reads the facts of input videos and writes the stand-in's result, a real H.264 video."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIZES = ((960, 960), (960, 704), (704, 960), (1280, 704), (704, 1280))
ASPECTS = (1 / 1, 4 / 3, 3 / 4, 16 / 9, 9 / 16)


@dataclass(frozen=True)
class Clip:
    width: int
    height: int
    frames: int
    fps: float


def read(path: str) -> Clip:
    """Raises FileNotFoundError, or ValueError for what a decoder of the model stumbles over."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"[Errno 2] No such file or directory: {path!r}")
    done = subprocess.run(
        [
            "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
            "-show_entries", "stream=width,height,pix_fmt,color_range,r_frame_rate,nb_read_packets",
            "-of", "json", path,
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    streams = json.loads(done.stdout or "{}").get("streams", [])
    if not streams:
        raise ValueError(f"Failed to read video: {path}: {done.stderr.strip()}")
    stream = streams[0]
    if stream.get("pix_fmt") != "yuv420p" or stream.get("color_range") == "pc":
        raise ValueError(
            f"Unsupported pixel format: {path}: "
            f"{stream.get('pix_fmt')}, {stream.get('color_range', 'tv')}"
        )
    over, _, under = stream["r_frame_rate"].partition("/")
    rate = int(over) / int(under or 1)
    return Clip(stream["width"], stream["height"], int(stream["nb_read_packets"]), rate)


def size_for(clip: Clip) -> tuple[int, int]:
    """The size of the nearest aspect ratio."""
    aspect = clip.width / clip.height
    return SIZES[min(range(len(SIZES)), key=lambda n: abs(ASPECTS[n] - aspect))]


def write(path: Path, size: tuple[int, int], frames: int, fps: int, facts: dict[str, Any]) -> None:
    """A plain colour that depends on every setting, which are also in the comment, as JSON."""
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    colour = hashlib.sha256(text.encode()).hexdigest()[:6]
    path.parent.mkdir(parents=True, exist_ok=True)
    coding = [
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1",
        "-metadata", f"comment={text}", "-movflags", "+faststart",
    ]  # fmt: skip
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi",
            "-i", f"color=c=0x{colour}:s={size[0]}x{size[1]}:r={fps}", "-frames:v", str(frames),
            *(["-update", "1"] if path.suffix == ".jpg" else coding), str(path),
        ],
        check=True,
    )  # fmt: skip


def pad(path: Path, megabytes: float) -> None:
    """Make the file bigger with a box that players skip, of bytes that do not compress."""
    import os

    body = os.urandom(int(megabytes * 1e6))
    with path.open("ab") as file:
        file.write((len(body) + 8).to_bytes(4, "big") + b"free" + body)
