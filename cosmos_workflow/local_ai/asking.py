"""What each of the three models is asked of a batch of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cosmos_workflow.local_ai.loading import Loaded, Overflow

if TYPE_CHECKING:
    import torch

    from cosmos_workflow.local_ai.loading import Frame

WORDS = 30
"""Tokens that a caption may have."""

BEAMS = 3
"""Ways that a caption is thought on at once; the likeliest is taken."""

KNOWN = 20
"""Labels of a frame that are looked at."""

SURE = 0.8
"""Probability from which something is an object of the picture."""


def caption(loaded: Loaded, frames: Sequence[Frame]) -> list[str]:
    """A sentence a frame (BLIP)."""
    made = loaded.network.generate(
        **loaded.inputs(frames), max_new_tokens=WORDS, num_beams=BEAMS, do_sample=False,
        return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    if not made.sequences_scores.isfinite().all():
        raise Overflow
    said: list[str] = loaded.processor.batch_decode(made.sequences, skip_special_tokens=True)
    return said


def tags(loaded: Loaded, frames: Sequence[Frame]) -> list[dict[str, float]]:
    """The likeliest labels of each frame with their probabilities (ViT)."""
    likely = _logits(loaded, frames).softmax(-1)
    names = loaded.network.config.id2label
    found = []
    for row in likely:
        values, numbers = row.topk(min(KNOWN, row.numel()))
        pairs = zip(numbers.tolist(), values.tolist(), strict=True)
        found.append({names[number]: value for number, value in pairs})
    return found


def objects(loaded: Loaded, frames: Sequence[Frame]) -> list[list[str]]:
    """The labels of what is surely in each frame, once for each one there is (DETR)."""
    likely = _logits(loaded, frames).softmax(-1)
    sure, numbers = likely[..., :-1].max(-1)  # the last class: nothing is there
    names = loaded.network.config.id2label
    return [
        [names[n] for n, value in zip(row.tolist(), values.tolist(), strict=True) if value >= SURE]
        for row, values in zip(numbers, sure, strict=True)
    ]


def _logits(loaded: Loaded, frames: Sequence[Frame]) -> torch.Tensor:
    logits: torch.Tensor = loaded.network(**loaded.inputs(frames)).logits.float()
    if not logits.isfinite().all():
        raise Overflow
    return logits
