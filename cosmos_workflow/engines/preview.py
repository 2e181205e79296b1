"""Preview: a rehearsal of a run on the CPU, from the same spec and controls, in real time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from cosmos_workflow.engines import engine, shared_log
from cosmos_workflow.engines.command import CommandEngine
from cosmos_workflow.engines.engine import Limit, RunRequest
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.together import check_together, key_of, numbered, spec_name
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, JobEnded, Output, Progress, Succeeded, Verdict
from cosmos_workflow.execution.job import CommandJob, Input, Place, WrittenFile
from cosmos_workflow.prompts.enums import WEIGHT_ORDER, BlurStrength, CannyThreshold, Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec

MADE_FROM_BASE = (Modality.VIS, Modality.EDGE)
"""Controls that are made from the input video where there is no video of them."""

_BASES = (Modality.VIS, Modality.SEGMENTATION, Modality.DEPTH, Modality.EDGE)
"""Without an input video, the first of these that is there is drawn on."""

ENVIRONMENT: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "33554432",
}
"""glibc keeps the memory of a frame for the next: a fifth of the time.  Others ignore it."""

_FRAME = re.compile(r"frame (\d+)/(\d+)")
_WHOLE = re.compile(r"whole: (rs_[^/\s]+/output\.mp4)")


class PreviewOptions(engine.Options):
    """``depth_near``: which end of the depth pass is close to the camera."""

    depth_near: Literal["white", "black"] = Field(
        "white", description="which end of the depth pass is close to the camera"
    )


class Preview(CommandEngine):
    """An animatic made on any machine: grade from the prompt's words, controls drawn over it."""

    name: ClassVar[str] = "preview"
    summary: ClassVar[str] = (
        "CPU rehearsal: your passes, graded by the prompt's words, in real time"
    )
    Options: ClassVar[type[engine.Options]] = PreviewOptions
    modalities: ClassVar[tuple[Modality, ...]] = WEIGHT_ORDER
    makes: ClassVar[tuple[Modality, ...]] = MADE_FROM_BASE
    max_batch: ClassVar[int] = 32
    limits: ClassVar[Mapping[str, Limit]] = {
        "seed": Limit(1, 0, 2**32 - 1, help="grain, weather and fog"),
        "num_steps": Limit(35, 1, 200, help="changes nothing here"),
        "guidance": Limit(7.0, 0.0, 20.0, help="how strongly the words grade; 7 is in full"),
        "sigma_max": Limit(70.0, 0.0, 80.0, help="how far from the input; 0 leaves it, 70 is far"),
        "fps": Limit(24, 1, 120, help="frames a second of the result"),
        "blur_strength": Limit(
            "medium", choices=tuple(BlurStrength), help="how far vis is blurred"
        ),
        "canny_threshold": Limit(
            "medium", choices=tuple(CannyThreshold), help="how strong an edge must be to count"
        ),
    }

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError: nothing to draw on, a weight without a video."""
        for control, weight in run.control_weights.items():
            given = control in prompt.control_inputs
            if weight and not given and control not in MADE_FROM_BASE:
                raise SpecError(
                    f"{control} has weight {weight:g} but {prompt.name!r} has no video of it",
                    hint=f"--weight {control}=0, or a PromptSpec with --control-inputs "
                    f"{control}:PATH",
                )
        if prompt.input_video_path is None and not any(m in prompt.control_inputs for m in _BASES):
            raise SpecError(
                f"{prompt.name!r} has no video that could be drawn on",
                hint="make a PromptSpec with --input-video PATH",
            )

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What the run will be, a line each."""
        _, base = _base(request)
        media, fps = request.media[base], request.run.parameters.fps or 24
        size = f"{media.width}x{media.height}, {media.frames} frames at {fps} fps"
        made = [str(control) for control in _used(request) if control not in request.controls]
        lines = [f"{size} ({media.frames / fps:.1f} s)"]
        return [*lines, *([f"made from the input video: {', '.join(made)}"] if made else [])]

    def batch_key(self, run: RunSpec, prompt: PromptSpec) -> str:
        """Any previews may share a job: each says all for itself."""
        return self.name

    def plan(self, requests: Sequence[RunRequest]) -> CommandJob:
        """The job of up to 32 runs.  Raises SpecError before anything is sent."""
        settled = [replace(one, run=settle(self, one.run, one.prompt)) for one in requests]
        check_together(self, settled, "what each says for itself")
        parts = [_part(number, one, len(settled)) for number, one in enumerate(settled)]
        limits = [one.time_limit for one in settled]
        return CommandJob(
            name=settled[0].job_name,
            engine=self.name,
            argv=(
                Place("python"),
                "-m",
                "cosmos_workflow.rehearsal",
                *(arg for part in parts for arg in part.args),
            ),
            env=ENVIRONMENT,
            inputs=tuple(item for part in parts for item in part.inputs),
            files=tuple(part.spec for part in parts),
            outputs={
                one.run_id: (f"{part.args[1].path}/output.mp4", f"{part.args[1].path}/*.json")
                for one, part in zip(settled, parts, strict=True)
            },
            time_limit=sum(limits) if all(limits) else 0,
            parameters={
                one.run_id: one.run.parameters.model_dump(mode="json", exclude_none=True)
                for one in settled
            },
        )

    def progress(self, line: str) -> Progress | None:
        """``frame 12/48``, of the whole job where several runs share it."""
        number, of, text = shared_log.split(line.strip())
        found = _FRAME.fullmatch(text)
        if found is None:
            return None
        done, total = int(found[1]), max(1, int(found[2]))
        said = Progress("painting", min(1.0, done / total), f"frame {done} of {total}")
        return shared_log.of_job(said, number, of)

    def echoed(self, log: Sequence[str], documents: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters that the renderer used, which it writes beside its video."""
        echo = next(
            (one for one in documents.values() if isinstance(one, dict) and one.get("preview")), {}
        )
        used = echo.get("parameters")
        return used if isinstance(used, dict) else {}

    def made(self, line: str) -> str | None:
        """The renderer says so once video and echo are written."""
        found = _WHOLE.fullmatch(shared_log.split(line.strip())[2])
        return f"outputs/{found[1]}" if found else None

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A video that is whole, or the renderer's own last word on the run."""
        lines, home = list(log), "outputs/"
        if run_id in shared_log.runs(log):
            shared, home = shared_log.read(shared_log.numbered(log)), f"outputs/{run_id}/"
            if shared_log.had_not_begun(shared, run_id):
                why = _last(shared.about[shared.inside])
                return shared_log.not_begun(run_id, ended, why)
            lines = list(shared_log.lines_of(shared, run_id))
            whole = any(self.made(line) == f"{home}output.mp4" for line in lines)
            ended = shared_log.end_of(shared, run_id, ended)
            ended = replace(ended, exit_code=0) if whole else ended
        return _verdict(run_id, ended, lines, home)


@dataclass(frozen=True)
class _Part:
    """What one run adds to the job: its file and its folder, in this order, are its arguments."""

    spec: WrittenFile
    args: tuple[Place, Place]
    inputs: tuple[Input, ...]


def _part(number: int, request: RunRequest, of: int) -> _Part:
    base = _base(request)
    videos = {base[0]: base[1]} | {
        control: request.controls[control]
        for control in _used(request)
        if control in request.controls
    }
    _check_media(base, videos, request)
    inputs = tuple(
        Input(key=str(control), name=f"{control}{_suffix(path)}", source=path)
        for control, path in videos.items()
    )
    said, folder = _spec(request, base[0], videos), "outputs"
    if of > 1:
        said, folder = numbered(number, said), f"outputs/{request.run_id}"
        inputs = tuple(replace(item, key=key_of(number, item.key)) for item in inputs)
    spec = WrittenFile(spec_name(number, of, request.run_id), json=said)
    return _Part(spec, (Place("workspace", spec.path), Place("workspace", folder)), inputs)


def _verdict(run_id: str, ended: JobEnded, log: Sequence[str], home: str) -> Verdict:
    said = {
        key: next((ln[len(key) :] for ln in reversed(log) if ln.startswith(key)), "")
        for key in ("error: ", "hint: ")
    }
    if ended.exit_code != 0 or said["error: "]:
        message = said["error: "] or _last(log) or "the renderer said nothing"
        code = f" (exit code {ended.exit_code})" if ended.exit_code else ""
        return Failed(
            "engine",
            f"the rehearsal failed{code}: {message}",
            said["hint: "] or _advice(message, run_id),
        )
    mine = [file for file in ended.files if file.path.startswith(home)]
    files = sorted(mine, key=lambda file: file.path != f"{home}output.mp4")
    if not files or files[0].path != f"{home}output.mp4" or not files[0].size:
        return Failed(
            "no_output",
            "the rehearsal ended without a video",
            f"cosmos logs {run_id} shows what it said",
        )
    return Succeeded(tuple(Output(file.path, file.size, file.sha256) for file in files))


def _used(request: RunRequest) -> list[Modality]:
    """Controls that count, in the order of ``--weights``."""
    return [control for control in WEIGHT_ORDER if request.run.control_weights.get(control)]


def _base(request: RunRequest) -> tuple[Modality, Path]:
    """The video that is drawn on: the input, or else a control."""
    if request.input_video is not None:
        return Modality.COLOR, request.input_video
    control = next(control for control in _BASES if control in request.controls)
    return control, request.controls[control]


def _check_media(
    base: tuple[Modality, Path], videos: Mapping[Modality, Path], request: RunRequest
) -> None:
    name, first = base[0], request.media[base[1]]
    if first.width % 2 or first.height % 2:
        raise SpecError(
            f"{name} is {first.width}x{first.height}: a video needs even sides",
            hint=f"render at {first.width - first.width % 2}x{first.height - first.height % 2}",
        )
    for control, path in videos.items():
        media = request.media[path]
        if media.frames != first.frames:
            raise SpecError(
                f"{control} has {media.frames} frames, {name} has {first.frames}: {path}",
                hint="render both over the same frame range",
            )
        if (media.width, media.height) != (first.width, first.height):
            raise SpecError(
                f"{control} is {media.width}x{media.height}, "
                f"{name} is {first.width}x{first.height}: {path}",
                hint="render all passes at one size",
            )


def _spec(request: RunRequest, base: Modality, videos: Mapping[Modality, Path]) -> dict[str, Any]:
    """What the renderer reads, see ``rehearsal/request.py``."""
    run = request.run
    return {
        "run_id": request.run_id,
        "name": run.name,
        "engine": "preview",
        "prompt": request.prompt.prompt,
        "negative_prompt": request.prompt.negative_prompt,
        "base": {"modality": str(base), "video": Place("input", str(base))},
        "controls": {
            str(control): {
                "weight": run.control_weights[control],
                "video": Place("input", str(control)) if control in videos else None,
            }
            for control in _used(request)
        },
        "parameters": run.parameters.model_dump(mode="json"),
        "options": PreviewOptions.model_validate(run.options).model_dump(mode="json"),
    }


def _suffix(path: Path) -> str:
    """The file's ending if it is a plain one, since names on hosts are ours."""
    return path.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,5}", path.suffix) else ".mp4"


def _last(log: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(log) if line.strip()), "")


def _advice(message: str, run_id: str) -> str:
    if "No module named" in message:
        return (
            "the target's Python has not got this package: pip install cosmos-workflow there, "
            "and name that Python in [targets.NAME] python"
        )
    return f"cosmos logs {run_id} shows all it said"
