"""A stand-in for the transfer program of the model: its contract without its weights.

It takes the same flags and control specs, refuses what the real one refuses with the same words,
writes the same log lines and files, and a real video whose colour and comment tell its settings.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cosmos_transfer1.standin import faults, film
from cosmos_transfer1.standin.arguments import CHECKPOINT, DISTILLED, effective

HERE = "cosmos_transfer1/diffusion/inference"
PIPELINE = f"{HERE}/world_generation_pipeline.py:{{}}"
LEADER = os.environ.get("RANK", "0") == "0"


def log(message: str, level: str = "INFO", where: str = f"{HERE}/transfer.py:demo") -> None:
    """One line as the real program writes it, from the first process only."""
    if LEADER:
        path, _, function = where.partition(":")
        stamp = time.strftime("%m-%d %H:%M:%S")
        print(f"[{stamp}|{level}|{path}:123:{function}] {message}", flush=True)


def main() -> None:
    settings, hints = effective(sys.argv[1:])
    check_processes(settings)
    if settings.upsample_prompt:
        os.environ["RANK"]  # the real one reads it, and fails without torchrun
    items = read_items(settings, hints)
    asked = faults.words(" ".join(item["prompt"] for item in items), settings.checkpoint_dir)
    faults.before_loading(asked)
    load(settings, hints)
    batch_size = 1 if "upscale" in hints else settings.batch_size
    for start in range(0, len(items), batch_size):
        run_batch(settings, items[start : start + batch_size], start)


def check_processes(settings: argparse.Namespace) -> None:
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if settings.num_gpus != world:
        raise RuntimeError(
            f"world_size ({world}) is not divisible by context_parallel_size ({settings.num_gpus})"
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and len([gpu for gpu in visible.split(",") if gpu]) < world:
        raise RuntimeError("CUDA error: invalid device ordinal")


def read_items(settings: argparse.Namespace, hints: dict[str, Any]) -> list[dict[str, Any]]:
    """What to make: one item, or one for each line of the batch file."""
    first = {"visual_input": settings.input_video_path, "prompt": settings.prompt, "hints": hints}
    if not settings.batch_input_path:
        return [first]
    items = []
    for line in Path(settings.batch_input_path).read_text(encoding="utf-8").split("\n")[:-1]:
        row = json.loads(line)
        merged = {hint: dict(values) for hint, values in hints.items()}
        for hint, values in row.get("control_overrides", {}).items():
            if hint in merged:
                merged[hint].update(values)
            else:
                log(f"Ignoring unknown control key in override: {hint}", "WARNING")
        items.append(
            {
                "visual_input": row["visual_input"],
                "prompt": row.get("prompt", settings.prompt),
                "hints": merged,
            }
        )
    return items


def load(settings: argparse.Namespace, hints: dict[str, Any]) -> None:
    """Open the weights as the real one would: missing files and git-LFS pointers are found here."""
    model = "Cosmos-Transfer1-7B" + ("-Sample-AV" if settings.is_av_sample else "")
    wanted = [f"nvidia/{model}/base_model.pt"]
    table = DISTILLED if settings.use_distilled else CHECKPOINT
    wanted += [values.get("ckpt_path") or table[hint] for hint, values in hints.items()]
    for path in wanted:
        file = Path(settings.checkpoint_dir, path)
        if not file.is_file():
            raise FileNotFoundError(f"[Errno 2] No such file or directory: '{file}'")
        with file.open("rb") as opened:
            start = opened.read(40)
        if start.startswith(b"version https://git-lfs"):
            raise RuntimeError("_pickle.UnpicklingError: invalid load key, 'v'.")
        log(f"Loading model weights from {file}", where=f"{HERE}/model_io.py:load_model")


def run_batch(settings: argparse.Namespace, items: list[dict[str, Any]], start: int) -> None:
    log("running preprocessor")
    for item in items:
        item["clips"] = read_clips(settings, item)
    safe = [item for n, item in enumerate(items) if text_is_safe(settings, item, n)]
    if not safe:
        log("All prompts failed safety checks", "CRITICAL", PIPELINE.format("generate"))
    made = [item for n, item in enumerate(safe) if sample(settings, item, n)]
    if not made:
        if safe:
            log(
                "All generated videos failed safety checks", "CRITICAL", PIPELINE.format("generate")
            )
        log("Guardrail blocked generation for entire batch.", "CRITICAL")
    videos, prompts = unpack(made)
    for n, (item, prompt) in enumerate(zip(videos, prompts, strict=True)):
        save(settings, item, prompt, start + n)


def unpack(made: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The real program unpacks None after a refusal, and dies of it."""
    result = (made, [item["prompt"] for item in made]) if made else None
    if result is None:
        raise TypeError("cannot unpack non-iterable NoneType object")
    return result


def read_clips(settings: argparse.Namespace, item: dict[str, Any]) -> list[film.Clip]:
    clips = [film.read(item["visual_input"])] if item["visual_input"] else []
    for hint, values in item["hints"].items():
        control = values.get("input_control")
        if control:
            clips.append(film.read(control))
        elif hint in ("hdmap", "lidar"):
            raise ValueError(f"{hint} has no preprocessor: input_control is required")
        weight = str(values["control_weight"])
        if weight.endswith(".pt") and not Path(weight).is_file():
            raise FileNotFoundError(f"[Errno 2] No such file or directory: {weight!r}")
    check_clips(settings, clips)
    return clips


def check_clips(settings: argparse.Namespace, clips: list[film.Clip]) -> None:
    frames = {clip.frames for clip in clips}
    if settings.num_gpus > 1 and len(frames) > 1:
        faults.hang()  # the processes wait for each other
    regions = getattr(settings, "regional_prompts", [])
    if regions and min(frames) % 121:
        raise ValueError(f"Temporal dimension {min(frames)} is not divisible by chunk_length 121")
    for region in regions:
        if not ("mask_prompt" in region or "region_definitions_path" in region):
            raise ValueError("Number of regional prompts and region definitions must match")


def text_is_safe(settings: argparse.Namespace, item: dict[str, Any], number: int) -> bool:
    asked = faults.words(item["prompt"], settings.checkpoint_dir)
    if "block" not in asked:
        return True
    where = "cosmos_transfer1/auxiliary/guardrail/common/presets.py:run_text_guardrail"
    log("GUARDRAIL BLOCKED: BLOCKLIST: Prompt blocked by safety filters.", "CRITICAL", where)
    log(f"Input text prompt {number} is not safe", "CRITICAL", PIPELINE.format("generate"))
    return False


def sample(settings: argparse.Namespace, item: dict[str, Any], number: int) -> bool:
    """All the stages of one item; False when the guardrail refuses the video."""
    asked = faults.words(item["prompt"], settings.checkpoint_dir)
    where = PIPELINE.format("_run_model")
    frames = min(clip.frames for clip in item["clips"])
    chunks = 1 + max(0, frames - 2) // 120
    log("Starting data augmentation", where=where)
    log("Starting latent encoding", where=where)
    for chunk in range(chunks):
        if LEADER:
            bar(chunk, chunks)
        log("Starting diffusion sampling", where=where)
        time.sleep(float(asked.get("slow", 0)) / chunks)
        faults.while_sampling(asked)
        log("Completed diffusion sampling", where=where)
        log("Starting VAE decode", where=where)
        log("Completed VAE decode", where=where)
    if LEADER:
        bar(chunks, chunks)
    log("Finish generation", where=where)
    log("Run guardrail on generated videos", where=where)
    if "blockvideo" not in asked:
        return True
    presets = "cosmos_transfer1/auxiliary/guardrail/common/presets.py:run_video_guardrail"
    refused = "GUARDRAIL BLOCKED: VIDEOCONTENTSAFETYFILTER: unsafe frame detected"
    log(refused, "CRITICAL", presets)
    log(f"Generated video {number} is not safe", "CRITICAL", PIPELINE.format("generate"))
    return False


def bar(done: int, total: int) -> None:
    """A line as tqdm draws it, on stderr, ended by a carriage return."""
    filled = "█" * (10 * done // total)
    text = f"{100 * done // total:3d}%|{filled:<10}| {done}/{total} [00:{done:02d}<00:00, 1.00s/it]"
    print(f"\r{text}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def save(settings: argparse.Namespace, item: dict[str, Any], prompt: str, number: int) -> None:
    if not LEADER:
        return
    folder = Path(settings.video_save_folder)
    if settings.batch_input_path:
        video = folder / f"video_{number}" / "output.mp4"
        text = video.with_name("prompt.txt")
    else:
        video = folder / f"{settings.video_save_name}.mp4"
        text = folder / f"{settings.video_save_name}.txt"
    asked = faults.words(prompt, settings.checkpoint_dir)
    size = film.size_for(item["clips"][0])
    if "upscale" in item["hints"]:
        size = (size[0] * 3, size[1] * 3)
    frames = min(clip.frames for clip in item["clips"])
    film.write(video, size, frames, settings.fps, facts(settings, item))
    if "big" in asked:
        film.pad(video, float(asked["big"]))
    text.write_text(prompt, encoding="utf-8")
    if settings.save_input_noise:
        video.with_name("noise.pickle").write_bytes(b"\x80\x04N.")
    faults.spoil(asked, video)
    if video.exists():
        log(f"Saved video to {video}")
    log(f"Saved prompt to {text}")


def facts(settings: argparse.Namespace, item: dict[str, Any]) -> dict[str, Any]:
    """What was effective, for tests that compare it with what was asked."""
    known = {key: value for key, value in vars(settings).items() if key != "controlnet_specs"}
    return {**known, "prompt": item["prompt"], "hints": item["hints"]}


if __name__ == "__main__":
    main()
