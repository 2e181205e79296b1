"""What each model would use for each run of a job: its own rules for merging flags and files.

Written from the models' sources, and not from our engines: ``transfer.py`` of Transfer1,
``inference.py`` and ``config.py`` of Transfer2.5, ``scripts/inference.py`` of Cosmos 3.  Inputs are
shown as the files that they are, so that a job of one run and one of many can be compared.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from cosmos_workflow.execution.job import CommandJob, Derived, Place, fill

Effective = Mapping[str, Any]

T1_DEFAULTS: dict[str, Any] = {
    "prompt": "its own", "negative_prompt": "its own", "input_video_path": "", "sigma_max": "70.0",
    "blur_strength": "medium", "canny_threshold": "medium", "num_steps": "35", "guidance": "5",
    "fps": "24", "seed": "1", "num_gpus": "1", "batch_size": "1", "batch_input_path": None,
    "offload_diffusion_transformer": False, "offload_text_encoder_model": False,
    "offload_guardrail_models": False, "offload_prompt_upsampler": False, "upsample_prompt": False,
    "use_distilled": False, "is_av_sample": False, "save_input_noise": False,
    "regional_prompts": (),
}  # fmt: skip
T1_HINTS = ("vis", "seg", "edge", "depth", "keypoint", "upscale", "hdmap", "lidar")
T25_HINTS = ("edge", "vis", "depth", "seg")
T25_DEFAULTS: dict[str, Any] = {
    "negative_prompt": "its own", "seed": 2025, "guidance": 3, "max_frames": None,
    "context_frame_index": None, "image_context_path": None, "num_conditional_frames": 1,
    "resolution": "720", "sigma_max": None, "num_video_frames_per_chunk": 93, "num_steps": 35,
    "show_control_condition": False, "show_input": False, "keep_input_resolution": True,
    "guided_generation_mask": None, "guided_generation_step_threshold": 25,
    "guided_generation_foreground_labels": None,
}  # fmt: skip


def transfer1(job: CommandJob) -> dict[str, Effective]:
    """Flags win over the spec, a line of the batch over both, for its own words, video, controls.

    Everything else is of the whole job; and what the model makes on the way (controls, masks) is
    made from random numbers that it draws once a job, and kept for the items that follow.
    """
    flags, files = flags_of(job), documents(job)
    spec = files["spec.json"]
    hints = {name: value for name, value in spec.items() if name in T1_HINTS}
    settings = T1_DEFAULTS | {n: v for n, v in spec.items() if n not in hints} | flags
    first = {"prompt": settings["prompt"], "visual_input": settings["input_video_path"]}
    rows = files.get("batch.jsonl") if settings["batch_input_path"] else [first]
    assert settings["batch_size"] == "1", "several at a time: one refused shifts the others"
    found = []
    for place, row in enumerate(rows):
        merged = copy.deepcopy(hints)
        for name, override in row.get("control_overrides", {}).items():
            if name in merged:  # the model ignores others
                merged[name].update(override)
        for values in merged.values():
            values.setdefault("control_weight", "0.5")
            if values.get("input_control") is None or "control_weight_prompt" in values:
                values["made"] = f"with the random numbers of item {place}"
        masks = [region.get("mask_prompt") for region in settings["regional_prompts"]]
        once = {n: v for n, v in settings.items() if n not in ("controlnet_specs", *JOB)}
        found.append(
            once
            | {"prompt": row["prompt"], "input_video_path": row["visual_input"], "hints": merged}
            | {"masks": [rows[0]["visual_input"] if mask else None for mask in masks]}
            # Written after the line that says that a result is whole.
            | {"noise": settings["save_input_noise"] and len(rows)}
            | {"upsampled": settings["upsample_prompt"] and place}
        )
    return dict(zip(job.outputs, found, strict=True))


JOB = ("batch_input_path", "batch_size", "checkpoint_dir", "video_save_folder", "video_save_name")
"""Where Transfer1 finds and leaves its files: no part of what is made."""


def transfer25(job: CommandJob) -> dict[str, Effective]:
    """A sample over the defaults; set-up by flags; the branches of all samples are loaded."""
    flags, samples = flags_of(job), [one for one in documents(job).values()]
    branches = {hint for one in samples for hint in T25_HINTS if one.get(hint) is not None}
    loaded = branches if len(branches) == 1 else set(T25_HINTS)
    assert len({one["name"] for one in samples}) == len(samples)
    for one in samples:
        known = {*T25_DEFAULTS, *T25_HINTS, "name", "prompt", "video_path"}
        assert set(one) <= known, "it forbids others"
    return {
        one["name"]: {**T25_DEFAULTS, **one, "name": "", "flags": flags, "branches": loaded}
        for one in samples
    }


def cosmos3(job: CommandJob) -> dict[str, Effective]:
    """A sample over the defaults of its mode; set-up by flags.  Files are taken by name."""
    flags, by_name = flags_of(job), documents(job)
    assert list(by_name) == sorted(by_name), "the framework sorts them: the job says another order"
    assert flags["max-num-seqs"] == "1", "several at a time have one guidance, one shift, one seed"
    kinds = {one["model_mode"] for one in by_name.values()}
    assert len(kinds) == 1
    return {
        one["name"]: {"negative_prompt": "its own", **one, "name": "", "flags": flags}
        for one in by_name.values()
    }


def preview(job: CommandJob) -> dict[str, Effective]:
    """A file says all of it."""
    said = documents(job).values()
    return {one["run_id"]: {**one, "run_id": ""} for one in said}


READERS: Mapping[str, Callable[[CommandJob], dict[str, Effective]]] = {
    "transfer1": transfer1, "transfer25": transfer25, "cosmos3": cosmos3, "preview": preview,
}  # fmt: skip


def documents(job: CommandJob) -> dict[str, Any]:
    """The JSON files of the job, each input as the file that it is."""
    by_key = {item.key: item.source for item in job.inputs}

    def where(place: Place) -> str:
        if place.root != "input":
            return str(place)
        source = by_key[place.path]
        return repr(source) if isinstance(source, Derived) else str(source)

    return {file.path: fill(file.json, where) for file in job.files if not file.script}


def flags_of(job: CommandJob) -> dict[str, Any]:
    """The command line: a flag's value, or True for a switch; files of samples left out."""
    words = [str(arg) for arg in job.argv]
    start = next(place for place, word in enumerate(words) if word.startswith("--"))
    found: dict[str, Any] = {"gpus": job.env["NUM_GPU"]}
    name = ""
    for word in words[start:]:
        if word.startswith("--"):
            name = word[2:]
            found[name] = True
        elif name != "input-files":
            found[name] = word
    found.pop("input-files", None)
    return found
