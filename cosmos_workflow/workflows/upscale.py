"""Upscaling is a run like any other, on the engine ``upscale``, of a run's result or any video."""

from __future__ import annotations

from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.collect import find_run, main_video

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm")
"""Ends of names that mean a file, not a run."""

GENERIC = "A detailed, sharp, photorealistic video."
"""The prompt for a video of which we know none."""


def upscale_specs(
    settings: Settings, text: str, weight: float, *, save: bool = True
) -> tuple[RunSpec, PromptSpec]:
    """Specs that upscale ``text``: a run (its result, its prompt) or a video file.

    Raises SpecError when there is no such thing, MediaError when it is no video.
    """
    path = Path(text).expanduser()
    if path.is_file() and path.suffix != ".json":
        video, name, words, parent = path, path.stem, GENERIC, None
    else:
        if path.suffix.lower() in VIDEOS:
            raise SpecError(
                f"there is no file {text}", hint="name a video file, or a run: cosmos list runs"
            )
        folder = find_run(settings, text)
        result = main_video(folder)
        if result is None:
            raise SpecError(
                f"{folder.id} ({folder.run().status.lower()}) has no video to upscale",
                hint=f"cosmos show {folder.id}",
            )
        video, name, words, parent = result, folder.spec().name, folder.prompt().prompt, folder.id
    probe(video)
    prompt = PromptSpec.create(f"{name} 4k", words, input_video_path=video, settings=settings)
    run = RunSpec.create(
        name=prompt.name,
        prompt_spec_id=prompt.id,
        prompt_spec_path=portable(prompt.save(settings=settings), settings) if save else "",
        engine="upscale",
        options={"upscale_weight": weight},
        parent=parent,
    )
    run = settle(assemble.engine("upscale"), run, prompt)
    if save:
        run.save(settings=settings)
    return run, prompt
