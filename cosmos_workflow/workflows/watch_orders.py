"""What a watch is told to do, and what that means for one shot."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.arrivals import Note
from cosmos_workflow.houdini.arrivals_look import MARKER
from cosmos_workflow.ids import slug
from cosmos_workflow.workflows.assemble import engine
from cosmos_workflow.workflows.prepare import Report, Wishes
from cosmos_workflow.workflows.request import How
from cosmos_workflow.workflows.watch_journal import Entry

Then = Literal["", "create-run", "run"]


@dataclass(frozen=True)
class Orders:
    """What is watched, how shots are prepared, and what follows.  ``settle`` is in seconds."""

    folder: Path
    wishes: Wishes = field(default_factory=Wishes)
    then: Then = ""
    template: str = ""
    target: str = ""
    how: How = field(default_factory=How)
    detach: bool = False
    marker: str = MARKER
    settle: float = 60.0
    poll: bool = False
    once: bool = False


@dataclass(frozen=True)
class Voice:
    """Who hears of it: ``shot`` of every state that a shot comes to, ``say`` of the watch itself,
    ``report`` of the work on a shot."""

    shot: Callable[[Entry], None]
    say: Callable[[str], None]
    report: Report


def check(orders: Orders) -> None:
    """What is wrong for every shot is told now, not with each of them.

    Raises MediaError, ConfigError.
    """
    orders.wishes.check()
    if orders.wishes.engine:
        engine(orders.wishes.engine)
    if not orders.marker or Path(orders.marker).name != orders.marker:
        raise MediaError(
            f"--marker {orders.marker or repr('')}: this is not the name of a file",
            hint="one that lies beside the frames, like _cosmos_ready",
        )


def wishes_for(wishes: Wishes, folder: str, note: Note) -> Wishes:
    """The watch's wishes with what a shot's own note says."""
    frames = note.frames or wishes.reading.frames
    return replace(
        wishes,
        name=note.name or shot_title(folder),
        fps=note.fps if note.fps is not None else wishes.fps,
        description=note.description,
        reading=replace(wishes.reading, frames=frames),
    )


_VAGUE = re.compile(r"v?\d+|png|exr|frames?|renders?|images?|comp|out(put)?", re.IGNORECASE)


def shot_title(folder: str) -> str:
    """A shot's name by its path: ``"seq/sh010/comp/v3"`` -> ``"sh010_comp_v3"``."""
    parts = folder.split("/")
    first = len(parts) - 1
    while first > 0 and _VAGUE.fullmatch(parts[first]):
        first -= 1
    return slug("_".join(parts[first:]))


def mark_of(wishes: Wishes, settings: Settings) -> str:
    """Of everything that decides how a shot is prepared: another one may mend a broken shot."""
    tables: list[Any] = [settings.passes, settings.colour, settings.depth]
    text = repr(wishes) + json.dumps([table.model_dump(mode="json") for table in tables])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
