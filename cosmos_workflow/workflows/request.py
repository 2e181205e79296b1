"""A RunSpec and its PromptSpec, with every path found and every video probed: an engine's input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.engine import Engine, RunRequest
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import resolve
from cosmos_workflow.video.media import Media
from cosmos_workflow.video.probe import probe


@dataclass(frozen=True)
class How:
    """What is said at run time and is no part of the spec: GPUs, which ones, seconds allowed.

    ``after``: the run that has to succeed before it begins; empty: none.
    """

    gpus: int = 1
    cuda_devices: str = ""
    time_limit: int = 0
    after: str = ""


def prompt_of(settings: Settings, run: RunSpec) -> PromptSpec:
    """The PromptSpec that a RunSpec was made for.  Raises SpecError when it is gone or another."""
    path = resolve(run.prompt_spec_path, settings)
    if not path.is_file():
        path = library.find(settings, "prompt", run.prompt_spec_id)
    prompt = PromptSpec.load(path)
    if prompt.id != run.prompt_spec_id:
        raise SpecError(
            f"{run.id} was made for {run.prompt_spec_id}, but {path} is {prompt.id} now",
            hint=f"make a RunSpec for it: cosmos create-run {prompt.id}",
        )
    return prompt


def build_request(
    settings: Settings,
    engine: Engine,
    run: RunSpec,
    prompt: PromptSpec,
    how: How,
    run_id: str,
    job_name: str,
) -> RunRequest:
    """Everything an engine plans from.  Raises SpecError naming each file that is missing."""
    video = resolve(prompt.input_video_path, settings) if prompt.input_video_path else None
    controls = {key: resolve(path, settings) for key, path in prompt.control_inputs.items()}
    weights: dict[Modality, float | Path] = {
        key: resolve(value, settings) if isinstance(value, str) else value
        for key, value in run.control_weights.items()
    }
    extra = {text: resolve(text, settings) for text in engine.files(run)}
    maps = [path for path in weights.values() if isinstance(path, Path)]
    videos = [*([video] if video else []), *controls.values()]
    _all_there([*videos, *maps, *extra.values()])
    return RunRequest(
        run_id=run_id,
        job_name=job_name,
        prompt=prompt,
        run=run,
        input_video=video,
        controls=controls,
        weights=weights,
        media=_media([*videos, *extra.values()]),
        gpus=how.gpus,
        cuda_devices=how.cuda_devices,
        time_limit=how.time_limit,
        extra_files=extra,
    )


def _all_there(paths: Iterable[Path]) -> None:
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise SpecError(
            "these files are not there: " + ", ".join(missing),
            hint="paths in specs are relative to the project root (the folder of config.toml)",
        )


def _media(videos: Iterable[Path]) -> Mapping[Path, Media]:
    """Facts of each video, probed side by side; an array of labels (.npz) has none."""
    unique = [path for path in dict.fromkeys(videos) if path.suffix.lower() != ".npz"]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(unique, pool.map(_probed, unique), strict=True))


def _probed(path: Path) -> Media:
    facts = path.stat()
    return _probed_once(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=4096)
def _probed_once(path: Path, size: int, changed: int) -> Media:
    """The facts of a video as long as it is the same file: the runs of a night share shots."""
    return probe(path)
