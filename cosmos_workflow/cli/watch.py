"""``cosmos watch``: a folder that takes every shot rendered below it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, is_terminal

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings
    from cosmos_workflow.workflows.prepare import Wishes
    from cosmos_workflow.workflows.watch_journal import Entry
    from cosmos_workflow.workflows.watch_orders import Voice


def watch(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder below which every shot has its own folder."),
    ],
    then: Annotated[
        str,
        typer.Option(metavar="WHAT", help="What follows a prepared shot: create-run or run."),
    ] = "",
    spec_template: Annotated[
        str,
        typer.Option(
            metavar="F",
            help="RunSpec or PromptSpec whose words and settings every shot gets.",
            autocompletion=completion.run_specs,
        ),
    ] = "",
    target: Annotated[
        str,
        typer.Option("--target", "-t", help="Where to run.", autocompletion=completion.targets),
    ] = "",
    num_gpu: Annotated[int, typer.Option(min=1, help="GPUs for each run.")] = 1,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave each run once it runs on its own.")
    ] = False,
    frames: Annotated[
        str, typer.Option(metavar="RANGE", help="Frames of every shot, like 1001-1240.")
    ] = "",
    marker: Annotated[
        str, typer.Option(metavar="NAME", help="File that says: this shot is complete.")
    ] = "_cosmos_ready",
    settle: Annotated[
        float,
        typer.Option(metavar="S", min=1, help="Seconds without a change that end a shot."),
    ] = 60,
    poll: Annotated[
        bool, typer.Option("--poll", help="Ask every folder, as on a network share.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Take what is complete and leave: for cron.")
    ] = False,
    fps: Annotated[float, typer.Option(metavar="N", help="Frames a second.")] = 24,
    make: Annotated[
        str, typer.Option(metavar="CONTROLS", help="Controls made from color: edge,vis.")
    ] = "",
    for_engine: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="ENGINE",
            help="Engine that the shots are for.",
            autocompletion=completion.engines,
        ),
    ] = "",
    fit: Annotated[
        str, typer.Option(metavar="HOW", help="To its size by crop, pad or resize.")
    ] = "",
    masters: Annotated[bool, typer.Option("--masters", help="Keep lossless videos too.")] = False,
    view: Annotated[
        str, typer.Option(metavar="VIEW", help="OCIO view of EXR frames.  [default: config]")
    ] = "",
    no_ai: Annotated[
        bool, typer.Option("--no-ai", help="Use no local model to describe the shots.")
    ] = False,
    json: Json = False,
) -> None:
    """Take every shot that is rendered below DIR, once, when it is complete.

    A shot is complete when the marker file is there and newer than its frames; or when all of a
    known range is there (--frames, or _cosmos_shot.json beside the frames); or when it has no gaps
    and nothing has changed for --settle seconds. Folders named _x or .x are left alone. A shot
    that changes is taken again.

    What became of it stands in _cosmos_status.json or _cosmos_error.json beside the frames, and of
    all in DIR/_cosmos_watch.html, which a browser shows by a double click. Ctrl-C ends it; the
    same command goes on where it stopped.

    Example: cosmos watch renders --then create-run --spec-template street
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.request import How
    from cosmos_workflow.workflows.watch import watch as begin
    from cosmos_workflow.workflows.watch_orders import Orders

    settings = load()
    if view:
        settings = settings.model_copy(
            update={"colour": settings.colour.model_copy(update={"view": view})}
        )
    orders = Orders(
        folder=folder,
        wishes=_wishes(settings, fps, make, for_engine, fit, masters, no_ai, frames),
        then=_chosen("--then", then, ("create-run", "run")),  # type: ignore[arg-type]
        template=spec_template,
        target=target,
        how=How(num_gpu, "", settings.defaults.time_limit),
        detach=detach,
        marker=marker,
        settle=settle,
        poll=poll,
        once=once,
    )
    from cosmos_workflow.cli.passphrase import ask

    with open_screen(json=json) as screen, _until_told(folder):
        begin(settings, orders, _voice(screen), ask)


def _wishes(
    settings: Settings, fps: float, make: str, engine: str, fit: str, masters: bool,
    no_ai: bool, frames: str,
) -> Wishes:  # fmt: skip
    from cosmos_workflow.houdini.frame_range import FrameRange
    from cosmos_workflow.houdini.shot import Reading
    from cosmos_workflow.prompts.enums import Modality
    from cosmos_workflow.workflows.prepare import Wishes

    words = [word.strip() for word in make.split(",") if word.strip()]
    made = tuple(Modality(_chosen("--make", word, ("edge", "vis"))) for word in words)
    reading = Reading(
        frames=FrameRange.parse(frames) if frames else None,
        passes=settings.passes, colour=settings.colour, depth=settings.depth,
    )  # fmt: skip
    return Wishes(
        fps=fps, reading=reading, make=made, engine=engine,
        fit=_chosen("--fit", fit, ("crop", "pad", "resize")),  # type: ignore[arg-type]
        masters=masters, no_ai=no_ai,
    )  # fmt: skip


def _chosen(flag: str, word: str, choices: tuple[str, ...]) -> str:
    from cosmos_workflow.errors import SpecError, did_you_mean

    if word and word not in choices:
        raise SpecError(
            f"{flag} {word}: not a choice",
            hint=f"{did_you_mean(word, choices)}choices: {', '.join(choices)}",
        )
    return word


@contextmanager
def _until_told(folder: Path) -> Iterator[None]:
    """Ctrl-C, or SIGTERM likewise, ends the watch and says how to go on."""

    by = []  # not an argument of what is raised: libraries on the way raise their own

    def end(number: int, frame: FrameType | None) -> None:
        by.append("SIGTERM")
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"cosmos watch {folder} goes on where this stopped, and takes nothing twice;"
            " runs that have begun go on by themselves",
            *by[:1],
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)


_STYLES = {
    "taking": "dim", "prepared": "green", "created": "green", "done": "green",
    "broken": "red", "failed": "red", "changed": "yellow",
}  # fmt: skip


def _voice(screen: Screen) -> Voice:
    from cosmos_workflow.workflows.watch_orders import Voice

    def shot(entry: Entry) -> None:
        screen.clear()
        screen.data({"event": "shot", **entry.to_json()})
        screen.say(told(entry), _STYLES.get(entry.state, ""))

    def say(text: str) -> None:
        screen.data({"event": "watch", "time": time.time(), "message": text})
        screen.say(f"{_clock(time.time())}  {text}".replace("\n", f"\n{'':10}"))

    def report(stage: str, share: float) -> None:
        """A line that moves; in a file, a line a shot is enough."""
        if is_terminal(sys.stdout):
            screen.step(stage, share)

    return Voice(shot, say, report)


def told(entry: Entry) -> str:
    """``14:02:11  prepared  seq/sh010, 121 frames, 6.2 s: inputs/videos/sh010_...``."""
    facts = [entry.shot]
    facts += [f"take {entry.take}"] if entry.take > 1 else []
    facts += [counted(entry.frames, "frame")] if entry.state in ("taking", "prepared") else []
    facts += [f"{entry.seconds:.1f} s"] if entry.state == "prepared" else []
    more = {
        "prepared": entry.prepared, "created": entry.spec, "running": entry.run,
        "done": entry.result,
    }.get(entry.state, "")  # fmt: skip
    lines = (entry.message + ("\nhint: " + entry.hint if entry.hint else "")).split("\n")
    head = f"{_clock(entry.time)}  {entry.state:<8}  {', '.join(facts)}"
    head += f": {more or lines[0]}" if more or lines[0] else ""
    rest = lines[1:] if not more else [line for line in lines if line]
    return "\n".join([head, *(f"{'':10}{line}" for line in rest)])


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")
