"""Requests for the engines' tests, and a plan as text that a person can read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.execution.job import (
    Attached,
    CommandJob,
    Derived,
    Job,
    RequestJob,
    fill,
    fill_attached,
)
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

SHOT = Path("/shots/street")
PLAIN = Media(1280, 704, 24.0, 121, "h264", "yuv420p")


def prompt_spec(
    text: str = "a wet street at night",
    *,
    negative: str = "",
    video: bool = True,
    controls: Sequence[str] = (),
) -> PromptSpec:
    """A PromptSpec whose paths are ``shot/<modality>.mp4``."""
    return PromptSpec.made(
        name="street",
        prompt=text,
        negative_prompt=negative,
        input_video_path="shot/color.mp4" if video else None,
        control_inputs={
            str(Modality(control)): f"shot/{Modality(control)}.mp4" for control in controls
        },
    )


def run_spec(
    engine: str,
    prompt: PromptSpec,
    *,
    weights: Mapping[str, float | str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> RunSpec:
    """A RunSpec as create-run would draft it, not settled yet."""
    return RunSpec.create(
        name=prompt.name,
        prompt_spec_id=prompt.id,
        prompt_spec_path="prompt.json",
        engine=engine,
        control_weights=weights or {},
        parameters=dict(parameters or {}),
        options=dict(options or {}),
    )


def request(
    engine: Engine,
    prompt: PromptSpec,
    *,
    media: Mapping[str, Media] | None = None,
    gpus: int = 1,
    cuda_devices: str = "",
    **run: Any,
) -> RunRequest:
    """A settled request over ``/shots/street``; ``media`` by modality, else ``PLAIN``."""
    settled = settle(engine, run_spec(engine.name, prompt, **run), prompt)
    video = SHOT / "color.mp4" if prompt.input_video_path else None
    controls = {control: SHOT / f"{control}.mp4" for control in prompt.control_inputs}
    extra = {path: SHOT / path for path in engine.files(settled)}
    videos = [*([video] if video else []), *controls.values(), *extra.values()]
    given = media or {}
    return RunRequest(
        run_id=f"{settled.id}.1",
        job_name=f"{settled.id}.1-0a1b2c",
        prompt=prompt,
        run=settled,
        input_video=video,
        controls=controls,
        weights={
            control: SHOT / weight if isinstance(weight, str) else weight
            for control, weight in settled.control_weights.items()
        },
        media={path: given.get(path.stem, PLAIN) for path in videos},
        gpus=gpus,
        cuda_devices=cuda_devices,
        extra_files=extra,
    )


def smaller(media: Media = PLAIN, **changes: Any) -> Media:
    """``media`` with some facts changed."""
    return replace(media, **changes)


def as_text(job: Job) -> str:
    """The whole job, a fact a line; Places as ``{root}/path``."""
    return _request_text(job) if isinstance(job, RequestJob) else _command_text(job)


def _request_text(job: RequestJob) -> str:
    lines = [f"engine   {job.engine}", f"dialect  {job.dialect}"]
    lines += [f"route    {job.route}"] if job.route else []
    lines += [f"requires {', '.join(job.requires)}"] if job.requires else []
    lines += ["inputs", *_inputs(job), f"body     ({job.encoding})"]
    named = fill_attached(job.body, _named)
    lines += [f"  {line}" for line in json.dumps(named, ensure_ascii=False, indent=2).splitlines()]
    for parameters in job.parameters.values() or [{}]:
        sent = " ".join(f"{key}={value}" for key, value in parameters.items())
        lines.append(f"sent     {sent}")
    lines += ["outputs  " + " ".join(patterns) for patterns in job.outputs.values()]
    return "\n".join(lines) + "\n"


def _named(attached: Attached) -> str:
    return f"<{attached.key} as {attached.form}, {attached.media_type}>"


def _command_text(job: CommandJob) -> str:
    lines = [f"engine   {job.engine}", f"image    {job.image}", f"gpus     {job.gpus}"]
    if job.cuda_devices:
        lines.append(f"devices  {job.cuda_devices}")
    lines += [f"env      {key}={value}" for key, value in job.env.items()]
    words = [str(arg) for arg in job.argv]
    lines.append("argv")
    line = " "
    for index, word in enumerate(words):
        if word.startswith("--") and line.strip():
            lines.append(line)
            line = " "
        line += f" {word}"
        if index + 1 == len(words):
            lines.append(line)
    lines += ["inputs", *_inputs(job)]
    for file in job.files:
        lines.append(f"file     {file.path}" + (f" (script {file.script})" if file.script else ""))
        if not file.script:
            shown = json.dumps(fill(file.json, str), ensure_ascii=False, indent=2)
            lines += [f"  {line}" for line in shown.splitlines()]
    for patterns in job.outputs.values():
        lines.append("outputs  " + " ".join(patterns))
    return "\n".join(lines) + "\n"


def _inputs(job: Job) -> list[str]:
    lines = []
    for item in job.inputs:
        source = item.source
        if isinstance(source, Derived):
            made = ", ".join(f"{key} {value}" for key, value in source.settings.items())
            text = f"{source.recipe}({made}) of {source.source}"
        else:
            text = str(source)
        lines.append(f"  {item.key}: {item.name} <- {text}")
    return lines
