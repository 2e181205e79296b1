"""Why a Cosmos 3 server refused or failed, by the words of its error, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.engines import crashes
from cosmos_workflow.engines.crashes import Crash
from cosmos_workflow.events import Blocked, Failed

MEMORY = (
    "a lower --option resolution or fewer --option frames; or start the server with "
    "--quantization fp8 or --enable-layerwise-offload. More GPUs help only with "
    "--tensor-parallel-size"
)

_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        r"Missing Cosmos3 transfer control_path",
        "the server does not find the control video on its disk",
        "its container must have the inputs folder of the target under the same path, as "
        "cosmos serve mounts it; or one control alone goes with --option controls=upload",
    ),
    (
        r"Unsupported Cosmos3 transfer hint .* fields",
        "the server's version does not know a field of a control",
        "cosmos status says its version; equal weights leave control_weight away",
    ),
    (
        r"condition_frame_indexes_vision outside latent video",
        "the input video is too short to go on from",
        "give one of 5 frames or more",
    ),
    (
        r"does not support .*control|control uploads? (?:is|are) not supported",
        "the model that is served takes no controls",
        "serve Cosmos3-Nano or Cosmos3-Super; Cosmos3-Edge has no transfer",
    ),
    (
        r"EngineDead|engine .*(?:dead|died)|Orchestrator .*(?:dead|died)",
        "the server's engine died",
        "start the server again: cosmos serve start; its log says why it died",
    ),
)
"""What is looked for in the server's words, what it means, what to do."""


def refusal(message: str) -> Blocked | None:
    """A guardrail's refusal: which text it was, where the words say so."""
    words = message.lower()
    if "guardrail" not in words or "not functional" in words:
        return None
    if "negative" in words:
        return Blocked(
            "negative prompt", "guardrail", message,
            "it names what it forbids, and is checked as well: leave it away",
        )  # fmt: skip
    if re.search(r"\b(video|frames|output|image)\b", words) and "prompt" not in words:
        return Blocked(
            "generated video", "guardrail", message,
            "the words passed, the picture did not: change them, or try another seed",
        )  # fmt: skip
    return Blocked(
        "prompt", "guardrail", message,
        "say it in other words; the server does not say which ones, its own log does",
    )  # fmt: skip


def failure(message: str, again: str) -> Failed:
    """The server's error; ``again``: the hint where nothing better is known."""
    crash = Crash("RuntimeError", message)
    if crashes.is_out_of_memory(crash) or "out of memory" in message.lower():
        return Failed("out_of_memory", message, MEMORY)
    for pattern, what, hint in _CAUSES:
        if re.search(pattern, message, re.IGNORECASE):
            return Failed("engine", f"{what}: {message}", hint)
    return Failed("engine", message, again)
