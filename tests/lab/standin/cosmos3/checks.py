"""What a sample file of the Cosmos 3 framework may say, and how the real one refuses.

Unknown keys are refused everywhere, also inside of a control.
"""

import json
import os
from pathlib import Path
from typing import Any

HINTS = ("edge", "blur", "depth", "seg", "wsm")
MODES = ("text2image", "text2video", "image2video", "video2video", "reasoner")
RATIOS = ("1,1", "4,3", "3,4", "16,9", "9,16")
PRESETS = ("very_low", "low", "medium", "high", "very_high")
IMAGES, VIDEOS = (".png", ".jpg", ".jpeg", ".webp"), (".mp4",)
MORE = "    For further information visit https://errors.pydantic.dev/2.12/v/"

DEFAULTS: dict[str, Any] = {
    "num_steps": 35, "guidance": 6.0, "shift": 10.0, "negative_prompt": "[]", "fps": 24,
    "aspect_ratio": "16,9", "num_frames": 189, "video_save_quality": 10, "resolution": "720",
    "vision_path": None, "condition_video_keep": "first", "control_guidance": 1.0, "seed": None,
}  # fmt: skip
TRANSFER: dict[str, Any] = {
    "num_video_frames_per_chunk": 93, "num_conditional_frames": 1, "max_frames": 5000,
    "show_control_condition": False, "show_input": False,
    "num_first_chunk_conditional_frames": 0, "share_vision_temporal_positions": True,
    "emphasize_control_in_prompt": True,
}  # fmt: skip
OTHERS = {"name", "prompt", "prompt_path", "model_mode", "control_guidance_interval"}
KEYS = {*DEFAULTS, *TRANSFER, *OTHERS, *HINTS}


class Faults:
    """Every fault of one sample."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, key: str, text: str, kind: str, value: Any) -> None:
        shown = f"input_value={value!r}, input_type={type(value).__name__}"
        self.lines += [key, f"  {text} [type={kind}, {shown}]", MORE + kind]

    def one_of(self, data: dict[str, Any], key: str, choices: tuple[str, ...]) -> None:
        if key in data and data[key] not in choices:
            said = ", ".join(repr(choice) for choice in choices)
            self.add(key, f"Input should be {said}", "literal_error", data[key])

    def number(
        self, data: dict[str, Any], key: str, low: float, high: float | None = None, *,
        named: str = "", whole: bool = False,
    ) -> None:  # fmt: skip
        value = data.get(key)
        if value is None:
            return
        kind = "integer" if whole else "number"
        allowed = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, allowed):
            self.add(named or key, f"Input should be a valid {kind}", f"{kind}_type", value)
        elif value < low:
            text = f"Input should be greater than or equal to {low}"
            self.add(named or key, text, "greater_than_equal", value)
        elif high is not None and value > high:
            text = f"Input should be less than or equal to {high}"
            self.add(named or key, text, "less_than_equal", value)

    def file(self, data: dict[str, Any], key: str, named: str) -> None:
        value = data.get(key)
        if value is None or str(value).startswith(("http://", "https://", "s3://")):
            return
        if not (isinstance(value, str) and Path(value).is_file()):
            text = f"Value error, Path does not point to a file: {value}"
            self.add(named, text, "value_error", value)
        else:
            data[key] = str(Path(value).absolute())


def sample(data: dict[str, Any]) -> list[str]:
    """What is wrong with a sample as it is read, before a model is known."""
    faults = Faults()
    for key in data:
        if key not in KEYS:
            faults.add(key, "Extra inputs are not permitted", "extra_forbidden", data[key])
    faults.one_of(data, "model_mode", MODES)
    faults.one_of(data, "resolution", ("256", "480", "720", "768"))
    faults.one_of(data, "aspect_ratio", RATIOS)
    faults.one_of(data, "condition_video_keep", ("first", "last"))
    faults.number(data, "guidance", 0, 7)
    faults.number(data, "control_guidance", 0, 10)
    for key, low in (
        ("fps", 1), ("num_frames", 1), ("num_steps", 1), ("num_video_frames_per_chunk", 1),
        ("max_frames", 1), ("num_conditional_frames", 0), ("seed", -(2**63)),
        ("num_first_chunk_conditional_frames", 0),
    ):  # fmt: skip
        faults.number(data, key, low, whole=True)
    faults.number(data, "video_save_quality", 0, 10, whole=True)
    faults.file(data, "vision_path", "vision_path")
    for hint in HINTS:
        if data.get(hint) is not None:
            check_hint(hint, data[hint], faults)
    transfer = any(data.get(key) is not None for key in TRANSFER)
    transfer = transfer or data.get("control_guidance", 1.0) != 1.0
    if transfer and not any(data.get(hint) is not None for hint in HINTS):
        text = "Value error, transfer inference requires at least one control hint"
        faults.add("", text, "value_error", data)
    return faults.lines


def check_hint(hint: str, given: Any, faults: Faults) -> None:
    known = {"control_path", "weight"}
    known |= {"edge": {"preset_edge_threshold"}, "blur": {"preset_blur_strength"}}.get(hint, set())
    for key in given:
        if key not in known:
            text = "Extra inputs are not permitted"
            faults.add(f"{hint}.{key}", text, "extra_forbidden", given[key])
    faults.number(given, "weight", 0, named=f"{hint}.weight")
    faults.file(given, "control_path", f"{hint}.control_path")
    for key, more in (("preset_edge_threshold", ()), ("preset_blur_strength", ("none",))):
        faults.one_of(given, key, (*PRESETS, *more))


def read(paths: list[Path]) -> list[dict[str, Any]]:
    """All samples of all files.  Raises ValueError as the real one does."""
    found: list[dict[str, Any]] = []
    for path in paths:
        back = Path.cwd()
        data = json.loads(path.read_text(encoding="utf-8"))
        os.chdir(path.parent)
        faults = sample(data)
        if faults:
            count = sum(not fault.startswith(" ") for fault in faults)
            head = f"Error validating parameters from '{path}' at sample 0\nParameters: {data}\n"
            many = f"{count} validation error{'s' * (count > 1)} for OmniSampleOverrides\n"
            raise ValueError(head + many + "\n".join(faults))
        os.chdir(back)
        data.setdefault("name", path.stem)
        if any(one["name"] == data["name"] for one in found):
            raise ValueError(f"Duplicate name: '{data['name']}'")
        found.append(data)
    return found


def resolved(data: dict[str, Any], mode: str) -> dict[str, Any]:
    """With all defaults; frames rounded up as the tokenizer packs them."""
    full = {**DEFAULTS, **data, "model_mode": mode}
    if any(data.get(hint) is not None for hint in HINTS):
        full = {**TRANSFER, **full}
    full["num_frames"] = -(-(full["num_frames"] - 1) // 4) * 4 + 1
    return full
