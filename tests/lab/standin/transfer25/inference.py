"""A stand-in for the inference program of Transfer2.5: its contract without its weights.

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

LEADER = os.environ.get("RANK", "0") == "0"
WORLD = int(os.environ.get("WORLD_SIZE", "1"))
VERBOSE = os.environ.get("COSMOS_VERBOSE", "0") in ("1", "true")
MAIN = "cosmos_transfer2/inference.py:_generate_sample"
PIPELINE = "cosmos_transfer2/_src/transfer2/inference/inference_pipeline.py:generate_img2world"
GUARDRAIL = "cosmos_transfer2/_src/imaginaire/auxiliary/guardrail/common/presets.py:run_guardrail"

logs: list[Path] = []


def log(message: str, level: str = "INFO", where: str = MAIN) -> None:
    """A line as the real one writes it: from its inner parts only at length, or to debug.log."""
    if not LEADER:
        return
    path, _, function = where.partition(":")
    line = f"[{time.strftime('%m-%d %H:%M:%S')}|{level}|{path}:123:{function}] {message}"
    inner = "/_src/" in where
    for file in logs:
        if not inner or file.name == "debug.log":
            with file.open("a", encoding="utf-8") as opened:
                print(line, file=opened)
    if VERBOSE or not inner:
        print(line, flush=True)


def parser() -> argparse.ArgumentParser:
    models = ["depth", "edge", "seg", "vis"]
    if os.environ.get("COSMOS_EXPERIMENTAL_CHECKPOINTS") == "1":
        models.append("edge/distilled")
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add, switch = parser.add_argument, argparse.BooleanOptionalAction
    add("--input-files", "-i", type=Path, nargs="+", required=True)
    add("--output-dir", "-o", type=Path, required=True)
    add("--model", choices=models, default="edge")
    add("--checkpoint-path")
    add("--experiment")
    add("--context-parallel-size", type=int, default=WORLD)
    add("--disable-guardrails", action=switch, default=False)
    add("--offload-guardrail-models", action=switch, default=False)
    add("--keep-going", action=switch, default=True)
    add("--compile-tokenizer", choices=["NONE", "MODERATE", "AGGRESSIVE"], default="NONE")
    add("--enable-parallel-tokenizer", action=switch, default=False)
    return parser


def main() -> None:
    given = parser().parse_args()
    samples = checks.read(given.input_files, LEADER)
    if given.context_parallel_size != WORLD:
        raise RuntimeError(f"world_size ({WORLD}) is not {given.context_parallel_size}")
    if given.checkpoint_path and not Path(given.checkpoint_path).exists():
        raise ValueError(f"Checkpoint path does not exist: {given.checkpoint_path}")
    start_logs(given.output_dir)
    asked = faults.words(" ".join(one["prompt"] for one in samples), "checkpoints")
    faults.before_loading(asked)
    hints = load(given, samples)
    log(f"Generating {len(samples)} samples: {[one['name'] for one in samples]}")
    for number, one in enumerate(samples, 1):
        log(f"[{number}/{len(samples)}] Processing sample {one['name']}")
        generate(given, one, hints)


def start_logs(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if LEADER:
        logs.extend(folder / name for name in ("console.log", "debug.log"))
        for file in logs:
            file.write_text("")
        where = "packages/cosmos-oss/cosmos_oss/init.py:_init_log_files"
        log(f"Log saved to {logs[0]}", where=where)


def load(given: argparse.Namespace, samples: list[dict[str, Any]]) -> list[str]:
    """The branches: one for one kind of control in the job, all four for several."""
    keys = [key for key in checks.CONTROLS if any(one[key] is not None for one in samples)]
    if "gated" in faults.words(" ".join(one["prompt"] for one in samples), "checkpoints"):
        print("Error: Access denied. 403 Client Error: Cosmos-Guardrail1 is gated", file=sys.stderr)
        raise SystemExit(
            "subprocess.CalledProcessError: Command '['uvx', 'hf>=1.3.5', 'download', "
            "'nvidia/Cosmos-Guardrail1']' returned non-zero exit status 1."
        )
    branches = keys if len(keys) == 1 else list(checks.CONTROLS)
    if len(keys) > 1:
        log(
            "Loading the multicontrol model. Multicontrol inference is not strictly equal to "
            "single control", "WARNING", "cosmos_transfer2/inference.py:__init__",
        )  # fmt: skip
    if LEADER:
        (given.output_dir / "config.yaml").write_text(json.dumps({"branches": branches}))
    log(f"Saved config to {given.output_dir / 'config.yaml'}")
    return branches


def blocked(given: argparse.Namespace, message: str) -> bool:
    """After a refusal: on to the next sample, or the end.  Alone, the first process goes on."""
    if not given.keep_going:
        raise Exception(message)  # as the real one does
    return True


def generate(given: argparse.Namespace, one: dict[str, Any], branches: list[str]) -> None:
    stem = given.output_dir / one["name"]
    asked = faults.words(one["prompt"], "checkpoints")
    if LEADER:
        Path(f"{stem}.json").write_text(json.dumps(one))
        log(f"Saved arguments to {stem}.json")
    if not given.disable_guardrails:
        refused = LEADER and not text_is_safe(given, one)
        if not LEADER and refusal_in(one):
            faults.hang()  # the first process never comes to the collective
        if refused:
            return
    clips, frames = read_clips(one)
    for chunk in range(count := chunks(frames, one)):
        log(f"Generating chunk {chunk + 1}/{count}", where=PIPELINE)
        log(f"Seed: {one['seed'] + chunk}", where=PIPELINE)
        sample(one, asked, count)
    if LEADER:
        finish(given, one, clips, frames, branches, asked)


def refusal_in(one: dict[str, Any]) -> bool:
    texts = (one["prompt"], one["negative_prompt"])
    return any("block" in faults.words(text, "checkpoints") for text in texts)


def text_is_safe(given: argparse.Namespace, one: dict[str, Any]) -> bool:
    log("Running guardrail check on prompt...")
    for what, key in (("Prompt", "prompt"), ("Negative prompt", "negative_prompt")):
        text = one[key]
        if "block" in faults.words(text, "checkpoints"):
            reason = f"Prompt blocked by exact match blocklist: Prompt: {text}, Exact Match Word: x"
            log(f"GUARDRAIL BLOCKED: BLOCKLIST: {reason}", "CRITICAL", GUARDRAIL)
            message = f"Guardrail blocked generation. {what}: {text}"
            log(message, "CRITICAL")
            return not blocked(given, message)
        log(f"Passed guardrail on {what.lower()}", "SUCCESS")
    return True


def read_clips(one: dict[str, Any]) -> tuple[film.Clip, int]:
    log("Loading input video...", where=PIPELINE)
    first = film.read(one["video_path"])
    frames = min(first.frames, one["max_frames"] or first.frames)
    log("Loading control inputs...", where=PIPELINE)
    for key in checks.CONTROLS:
        for path in ((one[key] or {}).get("control_path"), (one[key] or {}).get("mask_path")):
            if path and film.read(path).frames < frames:
                raise ValueError(
                    "No input frames; cannot pad. Verify that video frame counts match."
                )
    return first, frames


def chunks(frames: int, one: dict[str, Any]) -> int:
    size, kept = one["num_video_frames_per_chunk"], one["num_conditional_frames"]
    return 1 if size == 1 or frames <= size else 1 + -(-(frames - size) // (size - kept))


def sample(one: dict[str, Any], asked: dict[str, str], count: int) -> None:
    """A bar that is drawn by every process, and ends with a new line, as tqdm's does."""
    steps = one["num_steps"]
    for step in range(steps + 1):
        percent, filled = 100 * step // steps, "█" * (10 * step // steps)
        times = f"[00:{step:02d}<00:{steps - step:02d},  1.00s/it]"
        shown = f"\rGenerating samples: {percent:3d}%|{filled:<10}| {step}/{steps} {times}"
        print(shown, end="\n" if step == steps else "", file=sys.stderr, flush=True)
        time.sleep(float(asked.get("slow", 0)) / count / steps)
        if step == steps // 2:
            faults.while_sampling(asked)


def finish(
    given: argparse.Namespace, one: dict[str, Any], clip: film.Clip, frames: int,
    branches: list[str], asked: dict[str, str],
) -> None:  # fmt: skip
    stem = given.output_dir / one["name"]
    keep = one["keep_input_resolution"]
    size = (clip.width, clip.height) if keep else film.size_for(clip)
    rate, facts = int(clip.fps), {**one, "branches": branches, "model": given.model}
    for key in checks.CONTROLS:
        if one[key] is not None:
            film.write(Path(f"{stem}_control_{key}.mp4"), size, frames, rate, {"control": key})
            log(f"{key} control video saved to {stem}_control_{key}.mp4")
    if not given.disable_guardrails:
        log("Running guardrail check on video...")
        if "blockvideo" in asked:
            reason = "VIDEOCONTENTSAFETYFILTER: unsafe frame detected"
            log(f"GUARDRAIL BLOCKED: {reason}", "CRITICAL", GUARDRAIL)
            blocked(given, "Guardrail blocked video2world generation.")
            return
        log("Passed guardrail on generated video", "SUCCESS")
    video = Path(f"{stem}.jpg" if frames == 1 else f"{stem}.mp4")
    film.write(video, size, frames, rate, facts)
    Path(f"{stem}.txt").write_text(one["prompt"], encoding="utf-8")
    faults.spoil(asked, video)
    if video.exists():
        log(f"Generated video saved to {video}", "SUCCESS")


if __name__ == "__main__":
    main()
