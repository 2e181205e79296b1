"""Several Transfer1 runs in one job: the model is loaded once, and takes a line of a file for each.

A line says words, video and, for every control of the batch, its video and weight.  All else is
said once, so only runs that agree in it share a job; and what a line cannot say, or what depends on
the place in the batch (the model draws its own random numbers once), keeps a run by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cosmos_workflow.engines import shared_log, transfer1_media, transfer1_spec
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.together import key_of, numbered
from cosmos_workflow.engines.transfer1_log import LOG, pieces
from cosmos_workflow.engines.transfer1_media import Sources
from cosmos_workflow.engines.transfer1_options import IGNORES_INPUT, in_use, is_made, options_of
from cosmos_workflow.execution.job import Arg, CommandJob, Input, Place, WrittenFile
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

MOST = 64
"""Runs in one job."""

_SAVED = re.compile(r"^Saved prompt to (?:.*/)?outputs/video_(\d+)/prompt\.txt$")


def key(run: RunSpec, prompt: PromptSpec) -> str:
    """What a batch says once; the run's own id where it must be alone."""
    if _alone(run, prompt):
        return run.id
    options = options_of(run).model_dump(mode="json")
    said = [
        "transfer1", sorted(in_use(run)), run.parameters.model_dump(mode="json"), options,
        prompt.negative_prompt if prompt.negative_prompt.strip() else "",
    ]  # fmt: skip
    return json.dumps(said, sort_keys=True)


def _alone(run: RunSpec, prompt: PromptSpec) -> bool:
    options = options_of(run)
    sigma = run.parameters.sigma_max
    made = [c for c in in_use(run) if is_made(c, run, prompt) and c is not Modality.EDGE]
    maps = [weight for weight in in_use(run).values() if isinstance(weight, str)]
    words = options.regional_prompts or options.control_weight_prompt or options.upsample_prompt
    unseen = sigma is None or sigma >= IGNORES_INPUT or not prompt.input_video_path
    # Its noise is written after the line that says that a result is whole.
    late = options.save_input_noise
    return bool(made or maps or words or unseen or late or options.use_distilled)


def extend(
    job: CommandJob, requests: Sequence[RunRequest], all_files: Sequence[Sources]
) -> CommandJob:
    """The job of the first run alone, made one of all of them."""
    pairs = list(zip(requests, all_files, strict=True))
    parts = [_part(number, request, files) for number, (request, files) in enumerate(pairs)]
    spec = next(file for file in job.files if file.path == "spec.json")
    shared = [
        replace(spec, json=numbered(0, spec.json)),
        WrittenFile("batch.jsonl", json=[line for line, _ in parts]),
        WrittenFile("runs.py", script="runs.py"),
    ]
    more: tuple[Arg, ...] = (
        "--batch_input_path", Place("workspace", "batch.jsonl"), "--batch_size", "1",
    )  # fmt: skip
    limits = [request.time_limit for request in requests]
    return replace(
        job,
        argv=(*job.argv, *more),
        env={**job.env, "RUNS": " ".join(request.run_id for request in requests)},
        inputs=tuple(item for _, items in parts for item in items),
        files=(*(file for file in job.files if file is not spec), *shared),
        outputs={r.run_id: _outputs(n) for n, r in enumerate(requests)},
        time_limit=sum(limits) if all(limits) else 0,
        proofs={r.run_id: _proofs(n, r.prompt) for n, r in enumerate(requests)},
    )


def _part(number: int, request: RunRequest, files: Sources) -> tuple[Any, tuple[Input, ...]]:
    """A run's line, and its inputs under keys of its own."""
    said = transfer1_spec.spec_json(request, files)
    hints = (transfer1_spec.HINTS[control] for control in files.controls)
    line = {
        "visual_input": said["input_video_path"],
        "prompt": said["prompt"],
        "control_overrides": {hint: said[hint] for hint in hints},
    }
    items = transfer1_media.inputs(request, files)
    return numbered(number, line), tuple(replace(i, key=key_of(number, i.key)) for i in items)


def _outputs(number: int) -> tuple[str, ...]:
    return tuple(f"outputs/video_{number}/{name}" for name in ("output.mp4", "prompt.txt"))


def _proofs(number: int, prompt: PromptSpec) -> dict[str, str]:
    """The model writes the words beside its result: it drops refused ones, and what comes later
    may then lie under another number."""
    said = hashlib.sha256(prompt.prompt.encode()).hexdigest()
    return {f"outputs/video_{number}/prompt.txt": said}


# -- what its log says ----------------------------------------------------------------------------


def result(number: int) -> str:
    """The video of run ``number``, from 1."""
    return f"outputs/video_{number - 1}/output.mp4"


def saved(line: str) -> str | None:
    """The result that is whole once this line was written: its words are saved after it."""
    for piece in pieces(line):
        logged = LOG.match(shared_log.split(piece)[2])
        found = _SAVED.match(logged["message"]) if logged else None
        if found:
            return f"outputs/video_{found[1]}/output.mp4"
    return None
