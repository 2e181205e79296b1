"""A stand-in for the inference program of the Cosmos 3 framework: its contract, no weights.

It takes the same flags and sample files, refuses what the real one refuses, writes the same lines
and files, and a real video whose colour and comment tell its settings.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from standin import checks, faults, film

RANK = int(os.environ.get("RANK", "0"))
WORLD = int(os.environ.get("WORLD_SIZE", "1"))
MODELS = ("Cosmos3-Nano", "Cosmos3-Super", "Cosmos3-Edge")
SIZES = {
    "256": {"16,9": (320, 192), "4,3": (320, 256), "1,1": (256, 256)},
    "480": {"16,9": (832, 480), "4,3": (736, 544), "1,1": (640, 640)},
    "720": {"16,9": (1280, 720), "4,3": (1104, 832), "1,1": (960, 960)},
    "768": {"16,9": (1360, 768), "4,3": (1184, 880), "1,1": (1024, 1024)},
}


def log(message: str, level: str = "INFO", *, of_any: bool = False) -> None:
    """A line of the first process; one that any process may write says which it is, even alone."""
    if RANK == 0:
        message = f"[RANK {RANK}] {message}" if of_any else message
        where = "cosmos_framework/inference/inference.py:123:generate"
        print(f"[{time.strftime('%m-%d %H:%M:%S')}|job=|{level}|{where}] {message}", flush=True)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add, switch = parser.add_argument, argparse.BooleanOptionalAction
    add("--input-files", "-i", type=Path, nargs="+", required=True)
    add("--output-dir", "-o", type=Path, required=True)
    add("--checkpoint-path", required=True)
    add("--parallelism-preset", choices=["latency", "throughput"], default="latency")
    for size in ("--dp-shard-size", "--dp-replicate-size", "--cp-size", "--cfgp-size"):
        add(size, type=int, default=0)
    add("--guardrails", action=switch, default=True)
    add("--offload-guardrail-models", action=switch, default=False)
    add("--keep-going", action=switch, default=False)
    add("--skip-invalid-samples", action=switch, default=False)
    add("--max-num-seqs", type=int, default=1)
    add("--diffusion-cache", action=switch, default=True)
    return parser


def main() -> None:
    given = parser().parse_args()
    check_setup(given)
    given.output_dir.mkdir(parents=True, exist_ok=True)
    log(f"Console log saved to {given.output_dir / 'console.log'}")
    samples = checks.read(sorted(set(given.input_files)))
    log(f"Loaded {len(samples)} samples")
    asked = faults.words(" ".join(one.get("prompt", "") for one in samples), "checkpoints")
    faults.before_loading(asked)
    for full in [full for one in samples if (full := valid(given, one))]:
        generate(given, full)


def valid(given: argparse.Namespace, one: dict[str, Any]) -> dict[str, Any] | None:
    """The sample as it will be run, None where it is left out."""
    try:
        return build(one)
    except ValueError as error:
        if not given.skip_invalid_samples:
            raise
        message = f"Skipping sample '{one['name']}': {error}"
        log(message, "WARNING")
        account(given, one, "skip", [], message)
        return None


def check_setup(given: argparse.Namespace) -> None:
    own = given.checkpoint_path not in MODELS
    if own and not Path(given.checkpoint_path).is_dir():
        raise ValueError(f"Checkpoint directory does not exist: {given.checkpoint_path}")
    shard, replicate = given.dp_shard_size or WORLD, given.dp_replicate_size or 1
    if shard * replicate > WORLD or WORLD % (shard * replicate):
        raise ValueError(
            f"dp_shard_size({shard}) * dp_replicate_size({replicate}) must divide "
            f"WORLD_SIZE({WORLD})"
        )
    if given.checkpoint_path == "Cosmos3-Super" and shard < 2:
        print(faults.OUT_OF_MEMORY, file=sys.stderr, flush=True)
        sys.exit(1)


def build(one: dict[str, Any]) -> dict[str, Any]:
    """The sample as it will be run."""
    vision = one.get("vision_path")
    kind = "text"
    if vision:
        suffix = Path(vision).suffix.lower()
        if suffix not in (*checks.IMAGES, *checks.VIDEOS):
            raise ValueError(f"Invalid vision extension: {suffix}")
        kind = "image" if suffix in checks.IMAGES else "video"
    full = checks.resolved(one, one.get("model_mode") or f"{kind}2video")
    for hint in hints(full):
        if not vision and full[hint].get("control_path") is None:
            raise ValueError(
                "transfer inference requires 'vision_path' or a pre-computed 'control_path' "
                f"(hint: {hint})"
            )
    return full


def hints(full: dict[str, Any]) -> list[str]:
    return [hint for hint in checks.HINTS if full.get(hint) is not None]


def generate(given: argparse.Namespace, full: dict[str, Any]) -> None:
    folder = given.output_dir / full["name"]
    if RANK == 0:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sample_args.json").write_text(json.dumps(full))
    log(f"Saved sample args to '{folder / 'sample_args.json'}'", of_any=True)
    asked = faults.words(full["prompt"], "checkpoints")
    transfer = hints(full)
    frames, rate = measure(full) if transfer else (full["num_frames"], float(full["fps"]))
    count = chunks(frames, full) if transfer else 1
    for _ in range(count):
        sample(full, asked, count)
    if RANK:
        return
    try:  # what comes before is not caught: the processes would wait for each other
        if not transfer and given.guardrails:
            look(folder, full["prompt"], asked)
        finish(given, full, frames, rate, asked)
    except Exception as error:
        message = f"Error generating sample '{full['name']}': {error}"
        if not given.keep_going:
            raise ValueError(message) from error
        log(message, "ERROR")  # and no file says so


def measure(full: dict[str, Any]) -> tuple[int, float]:
    """Frames and rate of a transfer: those of its first control, and of the input video."""
    first = film.read(full["vision_path"]) if full["vision_path"] else None
    lengths, rates = [], []
    for hint in hints(full):
        path = full[hint].get("control_path")
        if path:
            clip = film.read(path)
            log(f"Loaded pre-computed {hint} control from {path}")
        elif hint in ("edge", "blur"):
            log(f"Computing {hint} control input on the fly")
            clip = first
        else:
            raise FileNotFoundError(f"Missing pre-computed control input for '{hint}'.")
        assert clip is not None
        lengths.append(clip.frames)
        rates.append(float(full["fps"]))
    return min(lengths[0], full["max_frames"]), first.fps if first else rates[0]


def chunks(frames: int, full: dict[str, Any]) -> int:
    size = -(-(full["num_video_frames_per_chunk"] - 1) // 4) * 4 + 1
    kept = full["num_conditional_frames"]
    return 1 if frames <= size else 1 + -(-(frames - size) // (size - kept))


def sample(full: dict[str, Any], asked: dict[str, str], count: int) -> None:
    """The bar of the sampler, which only the first process draws."""
    steps = full["num_steps"]
    for step in range(steps + 1):
        percent, filled = 100 * step // steps, "█" * (10 * step // steps)
        times = f"[00:{step:02d}<00:{steps - step:02d},  1.00s/it]"
        shown = f"\rSampling: {percent:3d}%|{filled:<10}| {step}/{steps} {times}"
        if RANK == 0:
            print(shown, end="\n" if step == steps else "", file=sys.stderr, flush=True)
        time.sleep(float(asked.get("slow", 0)) / count / steps)
        if step == steps // 2:
            faults.while_sampling(asked)


def look(folder: Path, prompt: str, asked: dict[str, str]) -> None:
    """The guardrails, which look when all is done, and not at a transfer."""
    if "block" in asked:
        reason = "Prompt blocked by Qwen3Guard. Safety: Unsafe, Categories: Violent"
        log(f"GUARDRAIL BLOCKED: QWEN3GUARD: {reason}", "CRITICAL")
        raise ValueError(f"Guardrail blocked prompt '{folder}': '{prompt}'")
    if "blockvideo" in asked:
        reason = "VIDEOCONTENTSAFETYFILTER: unsafe frame detected"
        log(f"GUARDRAIL BLOCKED: {reason}", "CRITICAL")
        raise ValueError(f"Guardrail blocked video '{folder}': {reason}")


def finish(
    given: argparse.Namespace, full: dict[str, Any], frames: int, rate: float, asked: dict[str, str]
) -> None:
    folder = given.output_dir / full["name"]
    ratio = full["aspect_ratio"]
    turned = ratio in ("3,4", "9,16")
    width, height = SIZES[full["resolution"]][
        ",".join(reversed(ratio.split(","))) if turned else ratio
    ]
    size = (height, width) if turned else (width, height)
    video = folder / ("vision.jpg" if full["num_frames"] == 1 else "vision.mp4")
    film.write(video, size, frames, round(rate), {**full, "checkpoint": given.checkpoint_path})
    files = [video]
    for hint in hints(full):
        files.append(folder / f"control_{hint}.mp4")
        film.write(files[-1], size, frames, round(rate), {"control": hint})
        log(f"Saved control video to '{files[-1]}'", of_any=True)
    account(given, full, "success", files, None)
    kind = "transfer" if hints(full) else "sample"
    said = f"Saved {kind} outputs to '{folder / 'sample_outputs.json'}'"
    log(said, "SUCCESS", of_any=True)
    faults.spoil(asked, video)


def account(
    given: argparse.Namespace,
    full: dict[str, Any],
    status: str,
    files: list[Path],
    message: str | None,
) -> None:
    folder = given.output_dir / full["name"]
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "args": full, "status": status, "message": message, "stack_trace": None,
        "outputs": [{"content": {}, "files": [str(file) for file in files]}],
    }  # fmt: skip
    (folder / "sample_outputs.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
