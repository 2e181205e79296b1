"""What a video is: size, rate, exact number of frames, coding; and whether all of it decodes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.video import ffmpeg
from cosmos_workflow.video.media import Media

_TEXT_CODECS = ("ansi", "bintext", "xbin", "idf")
"""ffmpeg draws text files as pictures of a terminal; for us they are not videos."""

NAME_A_VIDEO = "name a video file, as mp4, mov or mkv are"

_LFS = b"version https://git-lfs.github.com/spec"

_STREAM = re.compile(
    r"Stream #0:\d+.*?: Video: (?P<codec>\w+).*?, (?P<pix_fmt>\w+)(?:\((?P<tags>[^)]*)\))?,"
    r"(?:.*?, )? ?(?P<width>\d+)x(?P<height>\d+)(?P<rest>.*)"
)
_RATE = re.compile(r"([\d.]+)(k?) (fps|tbr)")


def probe(path: Path) -> Media:
    """The facts of the first video stream of ``path``.

    Raises MediaError: no such file, empty, a git-LFS pointer, text, or without video.
    """
    _check_file(path)
    return _sound(path, _by_ffprobe(path) if ffmpeg.ffprobe() else _by_ffmpeg(path))


def check_readable(path: Path) -> Media:
    """Decode all of ``path`` and return its facts; what a finished download has to pass.

    Raises MediaError, with the first fault, for a file that is cut short or damaged anywhere.
    """
    _check_file(path)
    media, decoded, said = (_decoded if ffmpeg.ffprobe() else _decoded_by_ffmpeg)(path)
    _sound(path, media)
    if said:
        raise _damaged(path, ffmpeg.plain(said))
    if decoded != media.frames:
        raise _damaged(path, [f"{decoded} of {media.frames} frames can be decoded"])
    return media


def _sound(path: Path, media: Media) -> Media:
    if media.codec in _TEXT_CODECS:
        raise MediaError(f"{path} is a text file, not a video", hint=NAME_A_VIDEO)
    if media.frames < 1 or media.width < 1 or media.height < 1:
        raise MediaError(f"{path} has no frames")
    return media


def _decoded(path: Path) -> tuple[Media, int, list[str]]:
    """Its facts, the frames that decode, and complaints: one program, as starting one takes longer
    than a short video."""
    counted = ("-threads", "auto", "-count_frames", "-count_packets")
    facts, said = _ask(path, *counted, "-show_entries", "stream")
    return _media(facts), int(facts.get("nb_read_frames", 0)), said


def _decoded_by_ffmpeg(path: Path) -> tuple[Media, int, list[str]]:
    media = _by_ffmpeg(path)
    args = ["-v", "error", "-xerror", *ffmpeg.source(path), "-map", "0:V:0", "-f", "null", "-"]
    try:
        done = ffmpeg.run(args)
    except ffmpeg.FfmpegFailed as error:
        raise _damaged(path, error.lines) from error
    return media, done.frames, done.messages.splitlines()


def _damaged(path: Path, lines: Sequence[str]) -> MediaError:
    why = "\n".join(lines).replace(f"{ffmpeg.url(path)}: ", "").splitlines()
    return MediaError(f"{path} is damaged: {why[0]}", hint="make or fetch it again")


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_LFS))
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    if not head:
        raise MediaError(f"{path} is empty")
    if head == _LFS:
        raise MediaError(
            f"{path} is a git-LFS pointer, not the video itself",
            hint="run git lfs pull where it was cloned",
        )


def _by_ffprobe(path: Path) -> Media:
    facts, _ = _ask(path, "-show_entries", "stream")
    if not _frames(facts):
        counted, _ = _ask(path, "-count_packets", "-show_entries", "stream=nb_read_packets")
        facts |= counted
    return _media(facts)


def _media(facts: dict[str, Any]) -> Media:
    pix_fmt = str(facts.get("pix_fmt", "unknown"))
    return Media(
        width=int(facts.get("width", 0)),
        height=int(facts.get("height", 0)),
        fps=_fraction(facts.get("avg_frame_rate")) or _fraction(facts.get("r_frame_rate")),
        frames=_frames(facts),
        codec=str(facts.get("codec_name", "unknown")),
        pix_fmt=pix_fmt,
        full_range=facts.get("color_range") == "pc" or pix_fmt.startswith("yuvj"),
    )


def _frames(facts: dict[str, Any]) -> int:
    """What the container says, or the packets that were counted."""
    numbers = (str(facts.get(name, "")) for name in ("nb_frames", "nb_read_packets"))
    return next((int(one) for one in numbers if one.isdigit() and int(one)), 0)


def _ask(path: Path, *what: str) -> tuple[dict[str, Any], list[str]]:
    """The first video stream, and what ffprobe complained of."""
    program = ffmpeg.ffprobe()
    assert program is not None
    argv = [program, "-v", "error", "-protocol_whitelist", "file,crypto,data"]
    argv += ["-select_streams", "V:0", *what, "-of", "json", ffmpeg.url(path)]
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    said = done.stderr.decode(errors="replace").splitlines()
    if done.returncode:
        raise _unreadable(path, said)
    streams = json.loads(done.stdout).get("streams", [])
    if not streams:
        raise MediaError(f"{path} has no video in it")
    return dict(streams[0]), said


def _unreadable(path: Path, lines: Sequence[str]) -> MediaError:
    """ffmpeg's first reason, without the path it repeats around it."""
    text = "\n".join(ffmpeg.plain(lines)).replace(ffmpeg.url(path), "")
    said = [line.strip(": .") for line in text.splitlines()]
    telling = [line for line in said if line and "nvalid data found" not in line]
    reason = telling[0] if telling else "it is not a video file"
    return MediaError(f"{path} cannot be read as a video: {reason}", hint=NAME_A_VIDEO)


def _fraction(text: object) -> float:
    try:
        return float(Fraction(str(text)))
    except (ValueError, ZeroDivisionError):
        return 0.0


def _by_ffmpeg(path: Path) -> Media:
    """The same facts without ffprobe: ffmpeg's description, and its count of copied packets."""
    args = ["-v", "info", *ffmpeg.source(path), "-map", "0:V:0?", "-c", "copy", "-f", "null", "-"]
    try:
        done = ffmpeg.run(args)
    except ffmpeg.FfmpegFailed as error:
        if any("does not contain any stream" in line for line in error.lines):
            raise MediaError(f"{path} has no video in it") from error
        wrong = [line for line in error.lines if "rror" in line or "not found" in line]
        raise _unreadable(path, wrong) from error
    described = done.messages.split("\nOutput #0", 1)[0]
    found = _STREAM.search(described)
    if found is None:
        raise MediaError(f"{path} has no video in it")
    tags = (found["tags"] or "").split(", ")
    return Media(
        width=int(found["width"]),
        height=int(found["height"]),
        fps=_described_rate(found["rest"]),
        frames=done.frames,
        codec=found["codec"],
        pix_fmt=found["pix_fmt"],
        full_range="pc" in tags or found["pix_fmt"].startswith("yuvj"),
    )


def _described_rate(text: str) -> float:
    """``"..., 23.98 fps, 23.98 tbr"`` -> 24000/1001: ffmpeg rounds what it prints."""
    rates = {unit: float(n) * (1000 if k else 1) for n, k, unit in _RATE.findall(text)}
    return _fraction(ffmpeg.rate(rates.get("fps") or rates.get("tbr") or 0.0))
