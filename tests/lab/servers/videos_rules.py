"""What vLLM-Omni and SGLang take in a request for a Cosmos 3 video, how they refuse others."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.forms import Form, Upload

WHOLE = {
    "num_frames": (1, None), "fps": (1, None), "width": (1, None), "height": (1, None),
    "num_inference_steps": (1, 200), "num_outputs_per_prompt": (1, 10), "seed": (None, None),
    "max_sequence_length": (1, None),
}  # fmt: skip
NUMBERS = {
    "guidance_scale": (0.0, 20.0), "guidance_scale_2": (0.0, 20.0), "boundary_ratio": (0.0, 1.0),
    "flow_shift": (None, None),
}  # fmt: skip
TEXTS = {"prompt", "negative_prompt", "model", "size", "seconds", "user", "aspect_ratio"}
JSON_TEXTS = {"extra_params", "lora", "image_reference", "video_reference"}

HINTS: dict[str, set[str]] = {
    "edge": {"control_path", "preset_edge_threshold"},
    "blur": {"control_path", "preset_blur_strength"},
    "depth": {"control_path"},
    "seg": {"control_path"},
    "wsm": {"control_path"},
}
PRESETS = {"none", "very_low", "low", "medium", "high", "very_high"}
TRANSFER_ONLY = {
    "control_guidance", "control_guidance_interval", "num_video_frames_per_chunk",
    "num_conditional_frames", "max_frames", "show_control_condition", "show_input",
    "num_first_chunk_conditional_frames", "share_vision_temporal_positions",
    "emphasize_control_in_prompt",
}  # fmt: skip
EXTRA = {
    "guardrails", "use_resolution_template", "use_duration_template", "resolution",
    "condition_frame_indexes_vision", "condition_video_keep", "negative_metadata_mode",
}  # fmt: skip
SGLANG_EXTRA = EXTRA - {"resolution", "negative_metadata_mode"}
WEIGHTS_SINCE, UPLOADS_SINCE = (0, 27), (0, 28)
BLOCKED = "forbidden"


class Refused(Exception):
    """An answer with this status and body."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


class Broken(Exception):
    """The job fails later, with this code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Flavour:
    """Which server it is: "omni" of a version, or "sglang"."""

    name: str = "omni"
    version: tuple[int, int] = (0, 28)

    @property
    def files(self) -> set[str]:
        """Fields that hold a file."""
        if self.name == "sglang":
            return {"input_reference", "video_reference"}
        return {"input_reference"} | (
            {"control_reference"} if self.version >= UPLOADS_SINCE else set()
        )

    @property
    def fields(self) -> set[str]:
        """All fields of the form."""
        more = {"control_type"} if "control_reference" in self.files else set()
        texts = JSON_TEXTS - self.files
        return {*WHOLE, *NUMBERS, *TEXTS, *texts, *more, *self.files}


def check(form: Form, flavour: Flavour, model: str) -> dict[str, Any]:
    """The request as values.  Raises Refused with 400 or 422, as FastAPI and the server do."""
    faults: list[dict[str, Any]] = []
    values: dict[str, Any] = {}
    for key, value in form.items():
        if key not in flavour.fields:
            faults.append(_fault(key, "extra_forbidden", "Extra inputs are not permitted"))
        elif isinstance(value, Upload) != (key in flavour.files):
            faults.append(_fault(key, "value_error", "Expected another kind of part"))
        else:
            values[key] = value if isinstance(value, Upload) else _value(key, value, faults)
    if not values.get("prompt"):
        faults.append(_fault("prompt", "missing", "Field required"))
    if faults:
        raise Refused(422, faults)
    if values.get("model") not in (None, model):
        raise Refused(400, f"Model mismatch: the server runs {model}")
    extra = values.setdefault("extra_params", {})
    if not isinstance(extra, dict):
        raise Refused(400, "extra_params must be a JSON object")
    (_sglang if flavour.name == "sglang" else _omni)(values, extra, flavour)
    return values


def _value(key: str, text: str, faults: list[dict[str, Any]]) -> Any:
    if key in WHOLE or key in NUMBERS:
        try:
            number: float = int(text) if key in WHOLE else float(text)
        except ValueError:
            kind = "int_parsing" if key in WHOLE else "float_parsing"
            faults.append(_fault(key, kind, "Input should be a valid number", text))
            return None
        low, high = (WHOLE if key in WHOLE else NUMBERS)[key]
        if not math.isfinite(number) or (low is not None and number < low):
            bound = f"Input should be greater than or equal to {low}"
            faults.append(_fault(key, "greater_than_equal", bound, text))
        elif high is not None and number > high:
            bound = f"Input should be less than or equal to {high}"
            faults.append(_fault(key, "less_than_equal", bound, text))
        return number
    if key == "size" and not re.fullmatch(r"\d+x\d+", text):
        faults.append(_fault(key, "string_pattern_mismatch", r"should match '^\d+x\d+$'", text))
    if key in JSON_TEXTS:
        try:
            return json.loads(text)
        except ValueError as error:
            raise Refused(400, f"Invalid JSON in {key}: {error}") from error
    return text


def _fault(field: str, kind: str, message: str, given: Any = None) -> dict[str, Any]:
    return {"type": kind, "loc": ["body", field], "msg": message, "input": given}


def _sglang(values: Mapping[str, Any], extra: Mapping[str, Any], flavour: Flavour) -> None:
    if unknown := set(extra) - SGLANG_EXTRA:
        raise Refused(400, f"unsupported fields: {sorted(unknown)}")
    image = values.get("input_reference")
    if isinstance(image, Upload) and not image.media_type.startswith("image/"):
        raise Refused(400, "Failed to process image source: cannot identify image file")


def _omni(values: dict[str, Any], extra: Mapping[str, Any], flavour: Flavour) -> None:
    control, kind = values.get("control_reference"), values.get("control_type")
    if (control is None) != (kind is None):
        raise Refused(400, "control_reference and control_type must be given together")
    if kind is not None and kind not in HINTS:
        raise Refused(400, f"Unsupported control_type {kind!r}")
    if kind is not None and isinstance(extra.get(kind), dict) and "control_path" in extra[kind]:
        raise Refused(400, f"{kind}.control_path cannot be combined with control_reference")
    if unknown := set(extra) - EXTRA - TRANSFER_ONLY - set(HINTS):
        raise Refused(400, f"unknown extra_params: {sorted(unknown)}")


def hints(values: Mapping[str, Any], flavour: Flavour, folder: Path) -> dict[str, Path | None]:
    """Control files by hint, None where it is made of the input.  Raises Broken.

    What the pipeline itself checks: the job was taken by then.
    """
    extra = values["extra_params"]
    found: dict[str, Path | None] = {}
    asked = {key: extra[key] for key in HINTS if extra.get(key) is not None}
    if values.get("control_type"):
        asked.setdefault(values["control_type"], {})
    for key, raw in asked.items():
        hint = {} if raw is True else {"control_path": raw} if isinstance(raw, str) else raw
        _check_hint(key, hint, flavour)
        found[key] = _control(key, hint, values, folder)
    if not asked and any(extra.get(key) is not None for key in TRANSFER_ONLY):
        raise Broken(
            500, "Cosmos3 transfer options were provided, but no transfer hint was selected."
        )
    weights = [hint.get("control_weight", 1.0) for hint in asked.values() if isinstance(hint, dict)]
    if weights and sum(weights) <= 0:
        raise Broken(500, "Cosmos3 transfer control_weight values must have a positive sum.")
    return found


def _check_hint(key: str, hint: Mapping[str, Any], flavour: Flavour) -> None:
    known = HINTS[key] | {"control"}
    if flavour.version >= WEIGHTS_SINCE:
        known = known | {"control_weight"}
    elif "control_weight" in hint:
        raise AssertionError("an older server would drop the weight without a word")
    if unknown := set(hint) - known:
        raise Broken(
            500,
            f"Unsupported Cosmos3 transfer hint '{key}' fields: {sorted(unknown)}. "
            f"Supported fields are: {sorted(known)}.",
        )
    for preset in ("preset_edge_threshold", "preset_blur_strength"):
        if hint.get(preset, "medium") not in PRESETS:
            raise Broken(500, f"Unsupported Cosmos3 {key} preset: {hint[preset]!r}.")


def _control(
    key: str, hint: Mapping[str, Any], values: Mapping[str, Any], folder: Path
) -> Path | None:
    if values.get("control_type") == key:
        path = folder / f"{key}.mp4"
        path.write_bytes(values["control_reference"].data)
        return path
    if "control_path" in hint:
        path = Path(hint["control_path"])
        if not path.exists():
            raise Broken(500, f"Missing Cosmos3 transfer control_path: {path}")
        return path
    if key not in ("edge", "blur"):
        raise Broken(
            500,
            f"Cosmos3 transfer hint '{key}' requires a precomputed control_path; "
            "on-the-fly generation is supported only for edge and blur.",
        )
    if "input_reference" not in values:
        raise Broken(500, f"Cosmos3 transfer hint '{key}' requires a video input")
    return None
