"""Controls that were not rendered: edges and blur, made from the prepared color video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.prompts.enums import CANNY_PAIRS, Modality
from cosmos_workflow.video import controls
from cosmos_workflow.workflows.prepare_wishes import Wishes

Made = Mapping[Modality, Mapping[str, Any]]
"""The recipe of each control that was made, with its settings."""


def check_missing(shot: Shot, wishes: Wishes) -> None:
    """Raises MediaError when a control that shall be made was rendered."""
    there = [modality for modality in wishes.make if modality in shot.modalities]
    if there:
        listed = ", ".join(f"{one} ({shot.reel(one).origin(one).pattern})" for one in there)
        raise MediaError(
            f"--make: {shot.folder} has its own {listed}",
            hint=f"leave {' and '.join(there)} out of --make to use what was rendered, or take "
            "those files away to have it made",
        )


def make(wishes: Wishes, part: Path, report: Callable[[str], Callable[[int, int], None]]) -> Made:
    """Write ``{modality}.mp4`` for each wish beside ``color.mp4``.  Raises MediaError."""
    color = part / f"{Modality.COLOR}.mp4"
    made: dict[Modality, Mapping[str, Any]] = {}
    for modality in sorted(set(wishes.make), key=list(Modality).index):
        dest, say = part / f"{modality}.mp4", report(f"making {modality}")
        if modality is Modality.EDGE:
            low, high = CANNY_PAIRS[wishes.canny_threshold]
            controls.canny(color, dest, low, high, report=say)
            recipe = {"recipe": "canny", "preset": wishes.canny_threshold, "low": low, "high": high}
        else:
            preset = controls.BLURS[wishes.blur_strength]
            controls.blur(color, dest, preset, report=say)
            recipe = {"recipe": "blur", "preset": wishes.blur_strength, **asdict(preset)}
        made[modality] = {**recipe, "from": str(Modality.COLOR)}
    return made
