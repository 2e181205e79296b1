"""``cosmos prepare-inference``: a folder of render passes becomes videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, nearby, size

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings
    from cosmos_workflow.houdini.metadata import ShotMetadata


def prepare_inference(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder with color.NNNN.png and the other passes."),
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the shot.  [default: from the description]")
    ] = "",
    fps: Annotated[float, typer.Option(metavar="N", help="Frames a second.")] = 24,
    description: Annotated[
        str, typer.Option(metavar="TEXT", help="What the shot shows, kept in metadata.json.")
    ] = "",
    no_ai: Annotated[
        bool, typer.Option("--no-ai", help="Use no local model to describe the shot.")
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Turn a folder of render passes into videos that every engine reads.

    DIR holds color.NNNN.png and any of depth, segmentation, vis and edge with the same numbers.
    Gaps, other numbers, mixed sizes and unreadable frames are named, and nothing is half written.

    Example: cosmos prepare-inference renders/atrium --name atrium
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.houdini.metadata import ShotMetadata
    from cosmos_workflow.workflows.prepare import Wishes, prepare

    settings = load()
    with open_screen(json=json, verbose=verbose) as screen:
        wishes = Wishes(name=name, fps=fps, description=description, no_ai=no_ai)
        made = prepare(settings, folder, wishes, report=screen.step)
        shot = ShotMetadata.load(made)
        screen.clear()
        screen.data({**shot.model_dump(mode="json"), "folder": str(made)})
        _tell(screen, settings, made, shot, verbose)


def _tell(
    screen: Screen, settings: Settings, made: Path, shot: ShotMetadata, verbose: bool
) -> None:
    from cosmos_workflow.prompts.spec import resolve

    width, height = shot.resolution
    seconds = shot.frame_count / shot.fps
    screen.say(f"{shot.name}: {counted(shot.frame_count, 'frame')}, {width}x{height}, "
               f"{shot.fps:g} fps, {seconds:.2f} s", "bold")  # fmt: skip
    screen.say(nearby(made))
    screen.say()
    rows = []
    for modality in shot.modalities:
        file = resolve(shot.control_inputs.get(modality, shot.video_path), settings)
        rows.append((str(modality), file.name, size(file.stat().st_size)))
    screen.table(("pass", "video", "size"), rows)
    if verbose:
        screen.say()
        screen.say(f"id: {shot.id}")
        screen.say(f"description: {shot.description or 'none'}")
    screen.say()
    screen.say(f'next: cosmos create-spec NAME "PROMPT" --from {made.name}', "cyan")
