"""``sheet``: a picture of what went into a run and what came out."""

from __future__ import annotations

from cosmos_workflow.cli.arguments import RunId
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import open_screen


def sheet(
    run_id: RunId,
    json: Json = False,
) -> None:
    """Make a contact sheet PNG: a run's inputs beside its output."""
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.collect import find_run
    from cosmos_workflow.workflows.sheet import run_sheet

    settings = load()
    with open_screen(json=json) as screen:
        picture = run_sheet(settings, find_run(settings, run_id))
        screen.picture(picture, "contact sheet")
        screen.data({"contact_sheet": str(picture)})
