"""Arguments that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmos_workflow.cli import completion

RunId = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: id, start of an id, folder, or the name of its RunSpec.",
        autocompletion=completion.runs,
    ),
]

RunSpecs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN_SPEC...",
        help="RunSpecs: path, glob, id, start of an id, or name.",
        autocompletion=completion.run_specs,
    ),
]

Targets = Annotated[
    str,
    typer.Option(
        "--targets", "-t", help="Where it may run, like a,b.", autocompletion=completion.targets
    ),
]
