"""The upsampler's words: how far it is, and how it went."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.engines import crashes, enhance_result
from cosmos_workflow.engines.transfer1_log import pieces
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, Verdict
from cosmos_workflow.execution.dialects.chat_text import is_refusal

START = "Upsampled prompt:"
"""What it prints before its answer, which may have several lines."""

_MILESTONES = (
    ("Starting to load model", "loading the model"),
    ("Loading safetensors checkpoint shards", "loading the model"),
    ("Model loading took", "warming up"),
    ("Graph capturing finished", "reading the frames"),
    ("init engine", "reading the frames"),
    ("Processed prompts", "writing"),
    (START, "done"),
)
_MEMORY = re.compile(
    r"Free memory on device .{0,80}less than desired GPU memory utilization"
    r"|No available memory for the cache blocks"
    r"|larger than the maximum number of tokens that can be stored in KV cache"
)
_TOO_LONG = re.compile(
    r"(?:prompt|decoder prompt) \((?:total )?length \d+\) .{0,40}longer than|is too long to fit"
)
_ALONE = (
    "it takes 98 % of a GPU and shares it with nobody: cosmos status shows what is on it; "
    "--cuda-devices names another GPU"
)


def progress(line: str) -> Progress | None:
    """What one line says of how far it is."""
    found = None
    for piece in pieces(line):
        for words, stage in _MILESTONES:
            if words in piece:
                found = Progress(stage)
    return found


def verdict(run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
    """How a run of the upsampler went."""
    lines = [piece for line in log for piece in pieces(line)]
    said = next((line for line in reversed(lines) if line.startswith(START)), "")
    words = said.removeprefix(START).strip()
    if ended.exit_code == 0 and is_refusal(words):
        hint = "say it in other words, or ask another model: --engine chat"
        return Blocked("prompt", "the upsampler", words[:300], hint)
    good = enhance_result.succeeded(ended)
    if good is not None:
        return good
    logs = f"cosmos logs {run_id} has everything it said"
    if ended.exit_code == 0:
        what = "the upsampler ended without an error, and said nothing"
        return Failed("no_output", what, hint=logs)
    return _failure(run_id, ended, lines, logs)


def _failure(run_id: str, ended: JobEnded, lines: Sequence[str], logs: str) -> Failed:
    script = "enhance.sh: "
    ours = [line.removeprefix(script) for line in lines if line.startswith(script)]
    if ours and ended.exit_code == 66:
        hint = "set repo of the target to a clone of cosmos-transfer1, or use an image with it"
        return Failed("engine", ours[-1], hint=hint)
    full = next((line for line in lines if _MEMORY.search(line)), "")
    if full:
        return Failed("out_of_memory", full.strip()[-300:], hint=_ALONE)
    crash = crashes.last(lines)
    if any(_TOO_LONG.search(line) for line in lines):
        what = "the prompt and the two frames are more than the 4096 tokens it reads"
        return Failed("engine", what, hint="shorten the prompt; the engine chat has more room")
    if crash:
        known = (
            crashes.out_of_memory(crash, _ALONE)
            or crashes.disk(crash)
            or crashes.pointer(crash)
            or _weights(crash)
        )
        if known:
            return known
    killed = crashes.killed(lines, ended)
    if killed:
        return killed
    if crash:
        return Failed("engine", str(crash), hint=logs)
    worker = crashes.worker_exit(lines)
    if worker is not None:
        return Failed("engine", crashes.ended(worker), hint=logs)
    last = lines[-1].strip()[:300] if lines else ""
    what = f"the upsampler ended with exit code {ended.exit_code}"
    return Failed("engine", f"{what}: {last}" if last else what, hint=logs)


def _weights(crash: crashes.Crash) -> Failed | None:
    """Its folder is not there: vLLM then takes the path for a name of Hugging Face's."""
    if "UpsamplePrompt1" not in str(crash):
        return None
    return Failed(
        "engine",
        f"the host lacks the upsampler's weights: {crash}"[:400],
        hint="download nvidia/Cosmos-UpsamplePrompt1-12B-Transfer into the checkpoints there; "
        "cosmos doctor names all that are missing",
    )
