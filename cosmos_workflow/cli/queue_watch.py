"""``queue watch``: GPUs, queue and money, live."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from cosmos_workflow.cli.arguments import Targets
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.queue_drawn import drawn
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.cli.words import is_terminal, one_line
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import ConfigError, CosmosError, did_you_mean
from cosmos_workflow.runs.queue import queue_of
from cosmos_workflow.workflows.queue_view import Lookout, View

PAUSE_S = 1.0
GLANCES = 4
"""Between two looks: whether the window has another size now."""
SLOW = 5
"""A look that takes long is taken less often: so many times its length lie between two."""


def watch(
    targets: Targets = "",
    once: Annotated[bool, typer.Option("--once", help="Look once, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Watch what every GPU does, what waits and what it costs. Ctrl-C leaves all as it is.

    Busy: from the first use of each GPU in the last 24 hours until now, or until its last use.
    Spent: by the runs that ended in these 24 hours. Without a terminal it looks once. --json gives
    an object a look.
    """
    settings = load()
    places = _named(settings, targets)
    lookout = Lookout(settings, queue_of(settings), places)
    once = once or not is_terminal(sys.stdout)
    try:
        if as_json:
            _as_json(lookout, once)
        elif once:
            console = _console()
            console.print(drawn(lookout.look(), console.width))
        else:
            _live(lookout)
    except KeyboardInterrupt:
        return  # it only looked


def _named(settings: Settings, text: str) -> tuple[str, ...]:
    """The targets of ``a,b``; whether they can be reached is no matter here."""
    names, known = [name.strip() for name in text.split(",")], settings.all_targets()
    for name in filter(None, names):
        if name not in known:
            raise ConfigError(
                f"there is no target named {name!r}",
                hint=f"{did_you_mean(name, list(known))}cosmos targets lists them",
            )
    return tuple(dict.fromkeys(filter(None, names)))


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def _as_json(lookout: Lookout, once: bool) -> None:
    with open_screen(json=True) as screen:
        screen.data(lookout.look().to_json())
        while not once:
            time.sleep(PAUSE_S)
            screen.data(lookout.look().to_json())


def _live(lookout: Lookout) -> None:
    """On a screen of its own; the last view stays in the terminal afterwards."""
    console = _console()
    view = lookout.look()
    try:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            trouble = ""
            while True:
                began = time.monotonic()
                try:
                    view, trouble = lookout.look(), ""
                except CosmosError as error:  # a full disk, say: it may pass
                    trouble = f"{one_line(error.message)}; looking again"
                _shown(
                    live, console, view, trouble, max(PAUSE_S, SLOW * (time.monotonic() - began))
                )
    finally:
        console.print(drawn(view, console.width))


def _shown(live: Live, console: Console, view: View, trouble: str, seconds: float) -> None:
    """Show it so long, drawn anew when the window has another size."""
    size = None
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if console.size != size:
            size = console.size
            below = [Text(trouble, "red", no_wrap=True, overflow="ellipsis")] if trouble else []
            height = size.height - len(below)
            live.update(Group(*below, drawn(view, size.width, height)), refresh=True)
        time.sleep(min(left, PAUSE_S / GLANCES))
