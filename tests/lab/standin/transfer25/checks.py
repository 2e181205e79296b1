"""What the sample file of Transfer2.5 may say, and the words in which the real one refuses.

As strict as the real one, and as lax: unknown keys of a sample are refused, those of a control are
not looked at.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

CONTROLS = ("edge", "vis", "depth", "seg")
PRESETS = ("very_low", "low", "medium", "high", "very_high")
NEGATIVE = "The video captures a game playing, with bad crappy graphics and cartoonish frames."
MORE = "    For further information visit https://errors.pydantic.dev/2.12/v/"

DEFAULTS: dict[str, Any] = {
    "prompt_path": None, "negative_prompt": NEGATIVE, "seed": 2025, "guidance": 3,
    "max_frames": None, "context_frame_index": None, "image_context_path": None,
    "num_conditional_frames": 1, "resolution": "720", "sigma_max": None,
    "num_video_frames_per_chunk": 93, "num_steps": 35, "show_control_condition": False,
    "show_input": False, "keep_input_resolution": True, "edge": None, "depth": None, "vis": None,
    "seg": None, "guided_generation_mask": None, "guided_generation_step_threshold": 25,
    "guided_generation_foreground_labels": None,
}  # fmt: skip
KEYS = {*DEFAULTS, "name", "prompt", "video_path"}


class Faults:
    """Every fault of one sample, told together, as the real one tells them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, key: str, text: str, kind: str, value: Any) -> None:
        shown = f"input_value={value!r}, input_type={type(value).__name__}"
        self.lines += [key, f"  {text} [type={kind}, {shown}]", MORE + kind]

    def integer(self, data: dict[str, Any], key: str, low: int, high: int | None = None) -> None:
        """An int, as laxly as the real one: 3.0 and "3" are whole."""
        value = data.get(key)
        if value is None and DEFAULTS.get(key, "") is None:
            return
        try:
            whole = int(value)
            exact = not isinstance(value, bool) and float(value) == whole
        except (TypeError, ValueError):
            self.add(key, "Input should be a valid integer", "int_type", value)
            return
        if not exact:
            text = "Input should be a valid integer, got a number with a fractional part"
            self.add(key, text, "int_from_float", value)
        elif whole < low:
            self.add(key, f"Input should be greater than {low - 1}", "greater_than", value)
        elif high is not None and whole > high:
            text = f"Input should be less than or equal to {high}"
            self.add(key, text, "less_than_equal", value)
        else:
            data[key] = whole

    def text(self, data: dict[str, Any], key: str) -> None:
        value = data.get(key)
        if not (isinstance(value, str) or (value is None and DEFAULTS.get(key, "") is None)):
            self.add(key, "Input should be a valid string", "string_type", value)

    def boolean(self, data: dict[str, Any], key: str) -> None:
        if not isinstance(data[key], bool):
            self.add(key, "Input should be a valid boolean", "bool_type", data[key])

    def file(self, data: dict[str, Any], key: str, named: str) -> None:
        """A path: found from where the sample's file lies."""
        value = data.get(key)
        if value is None:
            return
        if not (isinstance(value, str) and Path(value).is_file()):
            self.add(named, "Path does not point to a file", "path_not_file", value)
        else:
            data[key] = str(Path(value).absolute())


def sample(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The sample with all its defaults, and what is wrong with it."""
    faults = Faults()
    for key in data:
        if key not in KEYS:
            faults.add(key, "Extra inputs are not permitted", "extra_forbidden", data[key])
    for key in ("name", "prompt", "video_path"):
        if key not in data:
            faults.add(key, "Field required", "missing", data)
    full = {**DEFAULTS, **data}
    for key in ("name", "prompt", "negative_prompt", "resolution", "sigma_max"):
        if key in full:
            faults.text(full, key)
    faults.integer(full, "seed", -(2**63))
    faults.integer(full, "guidance", 0, 7)
    faults.integer(full, "guided_generation_step_threshold", -(2**63))
    for key in ("max_frames", "context_frame_index", "num_video_frames_per_chunk", "num_steps"):
        faults.integer(full, key, 1)
    if full["num_conditional_frames"] not in (0, 1, 2):
        text, value = "Input should be 0, 1 or 2", full["num_conditional_frames"]
        faults.add("num_conditional_frames", text, "literal_error", value)
    for key in ("show_control_condition", "show_input", "keep_input_resolution"):
        faults.boolean(full, key)
    for key in ("video_path", "image_context_path", "guided_generation_mask"):
        faults.file(full, key, key)
    for key in CONTROLS:
        if full[key] is not None:
            full[key] = control(key, full[key], faults)
    if not any(full[key] is not None for key in CONTROLS):
        text = "Value error, No controls provided, please provide at least one control key"
        faults.add("", f"{text} (edge, blur, depth, seg)", "value_error", data)
    if full["vis"] is not None and full["image_context_path"]:
        text = "Value error, vis control and image_context_path are both used to transfer style."
        faults.add("", text, "value_error", data)
    return full, faults.lines


def control(name: str, given: Any, faults: Faults) -> dict[str, Any]:
    if not isinstance(given, dict):
        faults.add(name, "Input should be a valid dictionary or object", "model_type", given)
        return {}
    known: dict[str, Any] = {
        "control_path": None, "control_weight": 1.0, "mask_path": None, "mask_prompt": None
    }  # fmt: skip
    if name in ("edge", "vis"):
        known["preset_edge_threshold" if name == "edge" else "preset_blur_strength"] = "medium"
    if name == "seg":
        known["control_prompt"] = None
    made = {key: given.get(key, default) for key, default in known.items()}
    weight = made["control_weight"]
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        faults.add(f"{name}.control_weight", "Input should be a valid number", "float_type", weight)
    elif weight > 1:
        text = "Input should be less than or equal to 1"
        faults.add(f"{name}.control_weight", text, "less_than_equal", weight)
    elif weight < 0:
        text = "Input should be greater than or equal to 0"
        faults.add(f"{name}.control_weight", text, "greater_than_equal", weight)
    for key in ("control_path", "mask_path"):
        faults.file(made, key, f"{name}.{key}")
    for key in ("preset_edge_threshold", "preset_blur_strength"):
        if made.get(key, "medium") not in PRESETS:
            text = "Input should be 'very_low', 'low', 'medium', 'high' or 'very_high'"
            faults.add(f"{name}.{key}", text, "literal_error", made[key])
    return made


def read(paths: list[Path], leader: bool) -> list[dict[str, Any]]:
    """All samples of all files.  Ends the program as the real one does."""
    found: list[dict[str, Any]] = []
    for path in paths:
        found += read_file(path, leader)
    names = [one["name"] for one in found]
    for name in names:
        if names.count(name) > 1:
            print(f"Error: Inference samplename {name} is not unique", file=sys.stderr)
            sys.exit(1)
    return found


def read_file(path: Path, leader: bool) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        items = [json.loads(text)]
    elif path.suffix == ".jsonl":
        items = [json.loads(line) for line in text.splitlines()]
    else:
        raise ValueError(f"Unsupported file extension: {path.suffix}")
    back = Path.cwd()
    os.chdir(path.parent)
    found = []
    for line, item in enumerate(items):
        full, faults = sample(item)
        if faults:
            if leader:
                count = sum(not fault.startswith(" ") for fault in faults)
                print(f"Error validating parameters from '{path}' at line {line}\n"
                      f"{count} validation error{'s' * (count > 1)} for InferenceArguments",
                      *faults, sep="\n", file=sys.stderr)  # fmt: skip
            sys.exit(1)
        found.append(full)
    os.chdir(back)
    return found
