"""``sample``: a small shot to try everything with."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    frames: Annotated[int, typer.Option(min=1, help="How many frames.")] = 48,
    exr: Annotated[
        bool,
        typer.Option(
            "--exr", help="One EXR a frame: linear colour, Pz, N, cryptomatte; not PNG passes."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Render a small sample shot into DIR, as Houdini would.

    Color, depth, segmentation and edge passes of an animated scene, 1280x704, always the same.
    """
    from cosmos_workflow.houdini.samples import render_sample

    with open_screen(json=json) as screen:
        render_sample(
            folder,
            frames=frames,
            exr=exr,
            report=lambda done, total: screen.step("rendering", done / total),
        )
        screen.picture(folder, "passes")
        screen.data({"folder": str(folder.absolute()), "frames": frames, "exr": exr})
        screen.say(f"next: cosmos prepare-inference {quote(str(folder))} --name NAME", "cyan")
