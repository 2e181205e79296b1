"""Prepare: a folder of rendered frames becomes videos that every engine reads, and their facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.houdini.metadata import Described
from cosmos_workflow.houdini.sequence import read_shot
from cosmos_workflow.houdini.shot import Shot
from cosmos_workflow.ids import slug
from cosmos_workflow.local_ai.names import smart_name
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.workflows.assemble import engine
from cosmos_workflow.workflows.prepare_encode import check, encode
from cosmos_workflow.workflows.prepare_facts import Outcome, files_of, metadata, write_legend
from cosmos_workflow.workflows.prepare_fit import Framing, framed, told
from cosmos_workflow.workflows.prepare_folder import land, part_folder
from cosmos_workflow.workflows.prepare_make import check_missing, make
from cosmos_workflow.workflows.prepare_reuse import fingerprint, prepared
from cosmos_workflow.workflows.prepare_wishes import VERSION, Wishes, reading_of

__all__ = ["ALREADY", "Report", "Say", "Wishes", "prepare", "reading_of", "shot_name"]

ALREADY = "already prepared"
"""How the only thing that is said begins, when a shot is used again."""

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""

Say = Callable[[str], None]
"""Called with a line for people: what was done beyond the encoding."""


def prepare(
    settings: Settings,
    folder: Path,
    wishes: Wishes | None = None,
    *,
    report: Report | None = None,
    say: Say | None = None,
) -> Path:
    """Make ``inputs/videos/{name}_{YYYYMMDD_HHMMSS}/`` from a folder of frames; returns it.

    It holds one H.264 video a pass (4:2:0, tv range, BT.709, constant rate, every frame),
    ``metadata.json``, and what else is wished.  It appears whole or not at all.  The same files
    and wishes a second time give the folder that is there.  Raises MediaError with every fault.
    """
    wishes, say = wishes or Wishes(reading=reading_of(settings)), say or _silent
    wishes.check()
    if wishes.engine:
        engine(wishes.engine)  # a name that is none is told before anything is read
    mark = fingerprint(settings, folder, wishes)
    if mark and not wishes.again and (found := prepared(settings.videos_dir, mark)):
        say(f"{ALREADY}: {portable(found, settings)}")
        return found
    reading = replace(wishes.reading, mixed_sizes=wishes.resize)
    shot = read_shot(folder, reading, report=_stage("checking frames", report))
    check_missing(shot, wishes)
    framing, notes = framed(shot, wishes)
    made = _made(settings, shot, framing, wishes, mark, report, say)
    for modality, text in told(shot, framing).items():
        say(f"{modality}: {text}")
    for note in notes:
        say(note)
    return made


def _made(
    settings: Settings,
    shot: Shot,
    framing: Framing,
    wishes: Wishes,
    mark: str,
    report: Report | None,
    say: Say,
) -> Path:
    """The folder, made in a hidden place and renamed when all of it is there."""
    title = shot_name(wishes.name, wishes.description, shot.folder)
    with part_folder(settings.videos_dir, title) as part:
        encode(shot, framing, wishes.fps, wishes.masters, part, lambda at: _stage(at, report))
        made = make(wishes, part, lambda at: _stage(at, report))
        for modality in made:
            check(part / f"{modality}.mp4", framing, len(shot.frames), wishes.fps)
        write_legend(shot, part)
        seen = (
            None if wishes.no_ai or wishes.description else _described(settings, part, report, say)
        )
        if seen and seen.caption:
            title = shot_name(wishes.name, seen.caption, shot.folder)
        outcome = Outcome(shot, wishes, title, framing.size, made, told(shot, framing), seen, mark)
        files = files_of(part)
        return land(
            settings.videos_dir, part, title, lambda dest: metadata(settings, outcome, files, dest)
        )


def _described(settings: Settings, part: Path, report: Report | None, say: Say) -> Described | None:
    from cosmos_workflow.workflows.describe import described

    return described(part / f"{Modality.COLOR}.mp4", settings, say, report)


def shot_name(name: str, description: str, folder: Path) -> str:
    """``name``, else the first two telling words of the description, else the folder's name.

    ``"a modern architectural interior with stairs"`` -> ``"modern_architectural"``.  A folder that
    is a version has its parent's name too: ``comp/v3`` -> ``"comp_v3"``.
    """
    place = folder.absolute()
    own = f"{place.parent.name} {place.name}" if VERSION.fullmatch(place.name) else place.name
    return slug(name or smart_name(description) or own)


def _silent(text: str) -> None:
    """Nobody listens."""


def _stage(stage: str, report: Report | None) -> Callable[[int, int], None]:
    def say(done: int, total: int) -> None:
        if report:
            report(stage, done / max(total, 1))

    return say
