"""A stand-in for the prompt upsampler of the model: its contract without its weights.

The same flags, limits, words and ends as the real one, which is a Pixtral in vLLM: 4096 tokens for
words and pictures, 300 for the answer, 98 % of a GPU.  Besides the words of faults.py:

shared      something else is on the GPU                refuse    it does not want to help
long        the answer is cut off at 300 tokens         empty     it answers nothing
"""

import argparse
import math
import os
import sys
from pathlib import Path

from cosmos_transfer1.standin import faults, film

WEIGHTS = "nvidia/Cosmos-UpsamplePrompt1-12B-Transfer"
MOST_TOKENS, MOST_SIDE, PATCH = 4096, 1024, 16


def say(message: str, level: str = "INFO") -> None:
    """One line as vLLM logs it: on standard output."""
    print(f"{level} 11-21 04:33:57 [llm_engine.py:230] {message}", flush=True)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prompt upsampler pipeline, stand-in")
    parser.add_argument("--prompt", type=str, required=False)
    parser.add_argument("--input_video", type=str, required=True)
    parser.add_argument("--checkpoint_dir", type=str, default="checkpoints")
    parser.add_argument("--offload_prompt_upsampler", action="store_true")
    return parser.parse_args()


def load(checkpoints: str, asked: dict[str, str]) -> None:
    folder = f"{checkpoints}/{WEIGHTS}"
    say(f"Initializing a V0 LLM engine (v0.9.2) with config: model='{folder}'")
    if not Path(folder).is_dir():
        raise HFValidationError(
            "Repo id must be in the form 'repo_name' or 'namespace/repo_name': "
            f"'{folder}'. Use `repo_type` argument if needed."
        )
    weights = Path(folder, "consolidated.safetensors")
    if not weights.is_file():
        raise RuntimeError(f"Cannot find any model weights with `{folder}`")
    if "shared" in asked:
        raise ValueError(
            "Free memory on device (41.20/79.11 GiB) on startup is less than desired GPU memory "
            "utilization (0.98, 77.53 GiB). Decrease GPU memory utilization or reduce GPU memory "
            "used by other processes."
        )
    say(f"Starting to load model {folder}...")
    print("Loading safetensors checkpoint shards: 100% 1/1 [00:01<00:00]", file=sys.stderr)
    say("Model loading took 23.6552 GiB and 4.1 seconds")


class HFValidationError(ValueError):
    """Hugging Face's word for a path that is no name."""


HFValidationError.__module__ = "huggingface_hub.errors"


def frames_of(video: str) -> list[film.Clip]:
    """Its first two frames; a file that it cannot read has none, and nobody is told."""
    try:
        clip = film.read(video)
    except (ValueError, FileNotFoundError):
        return []
    return [clip] * min(2, clip.frames)


def tokens(clip: film.Clip) -> int:
    """One for each patch, and one for the end of each row of them."""
    factor = min(1.0, MOST_SIDE / max(clip.width, clip.height))
    across, down = (math.ceil(side * factor / PATCH) for side in (clip.width, clip.height))
    return across * down + down


def upsample(prompt: str, frames: list[film.Clip], asked: dict[str, str]) -> str:
    length = sum(tokens(frame) for frame in frames) + max(1, len(prompt.encode()) // 3)
    if length > MOST_TOKENS:
        raise ValueError(
            f"The decoder prompt (length {length}) is longer than the maximum model length of "
            f"{MOST_TOKENS}. Make sure that `max_model_len` is no smaller than the number of text "
            "tokens plus multimodal tokens."
        )
    print("Processed prompts: 100%|██████| 1/1 [00:02<00:00,  2.10s/it]", file=sys.stderr)
    if "refuse" in asked:
        return "I'm sorry, but I can't help with that."
    if "empty" in asked:
        return ""
    if not frames:
        return "There is nothing to be seen."
    seen = f"{len(frames)} frames of {frames[0].width}x{frames[0].height}"
    told = f"The video shows {prompt}. It was seen in {seen}.\nThe camera moves slowly."
    if "long" in asked:
        told += " The light is soft." * 60 + " And then the"
    return told


def main() -> None:
    args = parse_args()
    prompt = args.prompt if args.prompt else "describe the following images"
    asked = faults.words(prompt, args.checkpoint_dir)
    faults.before_loading(asked)
    load(args.checkpoint_dir, asked)
    faults.while_sampling(asked)
    print("Upsampled prompt:", upsample(faults.WORD.sub("", prompt), frames_of(args.input_video),
                                        asked).strip())  # fmt: skip
    say("Shutting down the engine")


if __name__ == "__main__":
    rank = int(os.environ["RANK"])
    for key in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
                "MASTER_PORT"):  # fmt: skip
        del os.environ[key]
    if rank == 0:
        main()
