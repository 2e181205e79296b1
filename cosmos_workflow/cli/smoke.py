"""``smoke``: a live trial of a service, and a record of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli.options import Json, Verbose, takes_several
from cosmos_workflow.cli.screen import Screen, open_screen

if TYPE_CHECKING:
    from cosmos_workflow.workflows.smoke import Wants


@takes_several(option="key=value")
def smoke(
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="Which one: nim.")],
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Where the MP4 goes.")] = None,
    summary_json: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where a summary goes.")
    ] = None,
    run_manifest: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where a record without secrets goes."),
    ] = None,
    prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="What to make.  [default: a street at dusk]")
    ] = "",
    input_video: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A video or an image to start from.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the engine's own."),
    ] = None,
    target: Annotated[
        str, typer.Option("--target", "-t", help="Which service.  [default: the engine's name]")
    ] = "",
    needs: Annotated[bool, typer.Option("--needs", help="Only say what it wants.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Try a service for real: health, one small video, files that prove it.

    Example: cosmos smoke nim --output smoke.mp4 --summary-json s.json
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.errors import JobFailed
    from cosmos_workflow.events import ExecutionStatus
    from cosmos_workflow.workflows import smoke as work

    with open_screen(json=json, verbose=verbose) as screen:
        wanted = work.wants(engine)
        if needs:
            _needs(screen, engine, wanted)
            return
        trial = work.Trial(
            engine,
            target,
            prompt or work.PROMPT,
            input_video.absolute() if input_video else None,
            tuple(option or ()),
            output,
            summary_json,
            run_manifest,
        )
        summary = work.smoke(load(), trial, screen.events)
        screen.data(summary)
        for name, path in (("summary", summary_json), ("manifest", run_manifest)):
            if path is not None:
                screen.picture(path, name)
        if summary["status"] != ExecutionStatus.SUCCESS:
            raise JobFailed(f"{engine}: {summary['error']}", hint=summary["hint"] or "")
        if output is None:
            screen.say("its video was looked at and is not kept; --output PATH keeps it", "dim")
        else:
            screen.picture(output, "video")


def _needs(screen: Screen, engine: str, wanted: Wants) -> None:
    facts = {key: value for key, value in asdict(wanted).items() if key != "small"}
    screen.data({"engine": engine, **facts})
    rows = [(name, "required", about) for name, about in wanted.required.items()]
    rows += [(name, "optional", about) for name, about in wanted.optional.items()]
    screen.table(("variable", "", "what it is"), rows)
    screen.say()
    screen.say("the host owns:", "bold")
    for one in wanted.host:
        screen.say(f"  {one}")
    screen.say()
    screen.say(f"expected: {wanted.signal}")
    screen.say(f"next: {wanted.command}", "cyan")
