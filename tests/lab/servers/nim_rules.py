"""What each kind of Cosmos NIM takes in ``POST /v1/infer``, and how it refuses everything else."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODELS = {
    "text2world": "cosmos-predict1-7b-text2world",
    "video2world": "cosmos-predict1-7b-video2world",
    "cosmos3": "cosmos3-generator",
    "transfer25": "cosmos-transfer2.5-2b",
}
BLOCKED = "forbidden"


class Refused(Exception):
    """An answer with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


@dataclass(frozen=True)
class Film:
    """The video that a request asks for."""

    width: int
    height: int
    frames: int
    fps: float


class Faults(list[dict[str, Any]]):
    """What is wrong with a request, as FastAPI lists it."""

    def add(self, place: str, message: str) -> None:
        """One more."""
        self.append({"type": "value_error", "loc": ["body", *place.split(".")], "msg": message})

    def number(
        self, body: Mapping[str, Any], key: str, low: float, high: float, *, whole: bool = True
    ) -> None:
        """A number in a range, where the field is there."""
        if key not in body:
            return
        value = body[key]
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            self.add(key, "Input should be a valid " + ("integer" if whole else "number"))
        elif value < low:
            self.add(key, f"Input should be greater than or equal to {low:g}")
        elif value > high:
            self.add(key, f"Input should be less than or equal to {high:g}")

    def known(self, body: Mapping[str, Any], fields: set[str], prefix: str = "") -> None:
        """Nothing but these fields."""
        for key in body:
            if key not in fields:
                self.add(prefix + key, "Extra inputs are not permitted")

    def text(self, body: Mapping[str, Any], key: str, *, required: bool = False) -> None:
        """Words."""
        value = body.get(key)
        if required and not value:
            self.add(key, "Field required")
        elif value is not None and not isinstance(value, str):
            self.add(key, "Input should be a valid string")


def check(kind: str, body: Any) -> Film:
    """What is to be made.  Raises Refused with 422, or 500 for a video that cannot be read."""
    if not isinstance(body, dict):
        raise Refused(422, {"detail": "the body is no object"})
    faults = Faults()
    faults.text(body, "prompt", required=True)
    faults.text(body, "negative_prompt")
    faults.number(body, "seed", 0, 2**32 - 1)
    film = {"cosmos3": _cosmos3, "transfer25": _transfer25}.get(kind, _predict1)(kind, body, faults)
    if faults:
        raise Refused(422, {"detail": list(faults)})
    if BLOCKED in str(body["prompt"]):
        raise Refused(400, {"error": {"message": "Guardrail blocked the prompt", "code": 400}})
    return film


def _predict1(kind: str, body: dict[str, Any], faults: Faults) -> Film:
    media = {"image", "video"} if kind == "video2world" else set()
    faults.known(body, {
        "prompt", "negative_prompt", "prompt_upsampling", "seed", "guidance_scale", "steps",
        "video_params", *media,
    })  # fmt: skip
    if len(str(body.get("prompt")).split()) > 250:
        faults.add("prompt", "Prompt should have at most 250 words")
    faults.number(body, "guidance_scale", 0, 20, whole=False)
    faults.number(body, "steps", 1, 100)
    params = body.get("video_params", {})
    faults.known(params, {"height", "width", "frames_count", "frames_per_sec"}, "video_params.")
    for side in ("height", "width"):
        if params.get(side, 8) % 8:
            faults.add(f"video_params.{side}", "Input should be a multiple of 8")
    if media and not media & set(body):
        faults.add("video", "Either image or video is required")
    for key in media & set(body):
        _media(body[key], key, faults, uri=True)
    return Film(
        params.get("width", 1280), params.get("height", 704), params.get("frames_count", 121),
        params.get("frames_per_sec", 24),
    )  # fmt: skip


TIERS = {"256": (397, 320, 192), "480": (297, 832, 480), "720": (197, 1280, 720)}


def _cosmos3(kind: str, body: dict[str, Any], faults: Faults) -> Film:
    faults.known(body, {
        "prompt", "negative_prompt", "image", "seed", "guidance_scale", "steps", "resolution",
        "num_output_frames", "fps", "flow_shift",
    })  # fmt: skip
    faults.number(body, "guidance_scale", 1, 7, whole=False)
    faults.number(body, "steps", 1, 100)
    faults.number(body, "fps", 1, 60, whole=False)
    tier, _, ratio = str(body.get("resolution", "720_16_9")).partition("_")
    if tier not in TIERS or ratio not in ("", "16_9", "1_1", "9_16", "4_3", "3_4"):
        faults.add("resolution", "Input should be 256, 480 or 720 with an aspect ratio")
    most, width, height = TIERS.get(tier, TIERS["720"])
    frames = body.get("num_output_frames", 189)
    faults.number(body, "num_output_frames", 25, most)
    if not isinstance(frames, int) or (frames - 1) % 4:
        faults.add("num_output_frames", "Value should be 4k+1")
    if "image" in body:
        _media(body["image"], "image", faults, uri=True)
    return Film(width, height, int(frames), body.get("fps", 24.0))


def _transfer25(kind: str, body: dict[str, Any], faults: Faults) -> Film:
    hints = {"edge", "depth", "seg", "vis"}
    faults.known(body, {
        "prompt", "negative_prompt", "video", "seed", "guidance", "num_steps", "sigma_max",
        "resolution", *hints,
    })  # fmt: skip
    faults.number(body, "guidance", 0, 7)
    faults.number(body, "num_steps", 1, 100)
    faults.number(body, "sigma_max", 0, 200, whole=False)
    if str(body.get("resolution", 720)) not in ("256", "480", "512", "720"):
        faults.add("resolution", "Input should be 256, 480, 512 or 720")
    used = hints & set(body)
    if not used:
        faults.add("edge", "At least one control is required")
    videos = {"video": body.get("video")}
    for hint in used:
        faults.known(body[hint], {"control_weight", "control"}, f"{hint}.")
        faults.number(body[hint], "control_weight", 0, 1, whole=False)
        if "control" in body[hint]:
            videos[f"{hint}.control"] = body[hint]["control"]
    found = {key: _media(text, key, faults, uri=False) for key, text in videos.items()}
    if faults:
        raise Refused(422, {"detail": list(faults)})
    facts = {key: _facts(data) for key, data in found.items()}
    first = facts["video"]
    for key, one in facts.items():
        if not 93 <= one.frames <= 480:
            raise Refused(422, {"detail": f"{key}: expected 93 to 480 frames, got {one.frames}"})
        if one.frames != first.frames:
            raise Refused(500, {"detail": f"{key}: rank desync, {one.frames} != {first.frames}"})
    return first


def _media(text: Any, place: str, faults: Faults, *, uri: bool) -> bytes:
    """The bytes of a medium: a data URI or an address, or base64 without anything before it."""
    if not isinstance(text, str) or not text:
        faults.add(place, "Field required")
        return b""
    if uri and text.startswith("https://"):
        return b""
    if uri:
        head, comma, text = text.partition(",")
        if not comma or not head.startswith("data:") or not head.endswith(";base64"):
            faults.add(place, "Media has been provided in the invalid form")
            return b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        faults.add(place, f"invalid base64: {error}")
        return b""


def _facts(data: bytes) -> Film:
    """Size, rate and length of a video.  Raises Refused for one that the decoder does not take."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        Path(file.name).write_bytes(data)
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
             "stream=width,height,pix_fmt,color_range,r_frame_rate,nb_read_packets", "-of", "json",
             file.name],
            capture_output=True, text=True,
        )  # fmt: skip
    rows = json.loads(done.stdout or "{}").get("streams", [])
    if not rows:
        raise Refused(500, {"detail": "UnsupportedVideoFormat: no video stream"})
    row = rows[0]
    if row["pix_fmt"] != "yuv420p" or row.get("color_range", "tv") != "tv":
        raise Refused(500, {"detail": f"UnsupportedVideoFormat: pixel format '{row['pix_fmt']}'"})
    over, _, under = row["r_frame_rate"].partition("/")
    rate = int(over) / int(under or 1)
    return Film(row["width"], row["height"], int(row["nb_read_packets"]), rate)
