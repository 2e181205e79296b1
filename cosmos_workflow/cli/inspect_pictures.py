"""``cosmos inspect``: what a render folder, a picture, a video or a prepared shot is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, nearby

if TYPE_CHECKING:
    from cosmos_workflow.houdini.inspect import Inspected, SequenceFacts
    from cosmos_workflow.houdini.inspect_exr import LayerFacts
    from cosmos_workflow.workflows.inspect import PreparedFacts, VideoFacts

_TELLING = re.compile(r"camera|focal|aperture|fps|framespersecond|renderer|software", re.IGNORECASE)
"""Attributes of a file that are told without --verbose."""


def inspect(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Render folder, picture, video, prepared shot.")
    ],
    latest: Annotated[
        bool,
        typer.Option("--latest", help="The highest version (v1, v2 ...) below PATH, or beside it."),
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show what renders hold and which pass each layer becomes, and what is wrong with them.

    Sizes, frame ranges and gaps, layers, colour space, camera and cryptomattes of EXR files. Names
    are those of [passes] in config.toml. Every file of a pass is checked as prepare-inference
    would; problems are listed, and are no failure.

    Example: cosmos inspect renders/atrium
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.houdini.inspect import Inspected
    from cosmos_workflow.workflows import inspect as workflow

    settings = load()
    with open_screen(json=json, verbose=verbose) as screen:
        found = workflow.inspect(
            settings,
            path,
            latest=latest,
            report=lambda done, total: screen.step("checking frames", done / max(total, 1)),
        )
        screen.clear()
        after = _next(found, path)
        screen.data({**found.as_json(), "next": after})
        if isinstance(found, Inspected):
            _folder(screen, found, verbose)
        elif isinstance(found, workflow.PreparedFacts):
            _prepared(screen, found)
        else:
            _video(screen, found)
        _problems(screen, found.problems)
        screen.say()
        first = "put these right, then " if found.problems and isinstance(found, Inspected) else ""
        screen.say(f"next: {first}{after}", "cyan")


def _next(found: Inspected | VideoFacts | PreparedFacts, path: Path) -> str:
    """The command that goes on from here."""
    from cosmos_workflow.houdini.inspect import Inspected
    from cosmos_workflow.workflows.inspect import VideoFacts

    if isinstance(found, Inspected):
        folder = shlex.quote(nearby(found.folder))
        if found.versions:
            return f"cosmos inspect {folder} --latest"
        return f"cosmos prepare-inference {folder}"
    if isinstance(found, VideoFacts):
        return f'cosmos create-spec NAME "PROMPT" --input-video {shlex.quote(nearby(path))}'
    return f'cosmos create-spec NAME "PROMPT" --from {shlex.quote(found.folder.absolute().name)}'


def _folder(screen: Screen, found: Inspected, verbose: bool) -> None:
    screen.say(nearby(found.folder), "bold")
    if found.versions:
        versions = [(one.name, ", ".join(one.files), one.frames) for one in found.versions]
        screen.table(("version", "files", "frames"), versions)
        return
    if not found.sequences:
        screen.say("no numbered pictures")
        return
    rows = [
        (one.pattern, _frames(one), _size(one), one.values, ", ".join(one.becomes) or _else(one))
        for one in found.sequences
    ]
    screen.table(("files", "frames", "size", "values", "becomes"), rows)
    for one in found.sequences:
        if one.exr:
            screen.say()
            _exr(screen, one, verbose)


def _frames(one: SequenceFacts) -> str:
    return f"{one.frames} ({one.count})" if one.count > 1 else one.frames


def _size(one: SequenceFacts) -> str:
    return f"{one.width}x{one.height}" if one.width else "?"


def _else(one: SequenceFacts) -> str:
    return "nothing" if one.values != "not read" else "not read"


def _exr(screen: Screen, one: SequenceFacts, verbose: bool) -> None:
    assert one.exr is not None
    facts = one.exr
    screen.say(one.pattern, "bold")
    lines = [facts.storage]
    if facts.data:
        left, top, width, height = facts.data
        lines.append(f"data window {width}x{height} at {left}, {top}; black around it")
    lines.append(f"colour space: {facts.space or 'the files do not say'}")
    if one.colour:
        lines.append(f"shown as: {_colour(one.colour)}")
    lines += [
        f"{name}: {value}"
        for name, value in facts.about.items()
        if verbose or _TELLING.search(name)
    ]
    for line in lines:
        screen.say(line)
    rows = [
        (layer.name, _components(layer), layer.kind, _becomes(layer, one)) for layer in facts.layers
    ]
    screen.table(("layer", "channels", "values", "becomes"), rows)


def _colour(colour: Mapping[str, Any]) -> str:
    stops = f", {colour['exposure']:+g} stops" if colour.get("exposure") else ""
    if "view" not in colour:
        return f"{colour['space']} by the sRGB curve{stops}"
    return f"{colour['space']} by {colour['view']} of {colour['display']}{stops}"


def _components(layer: LayerFacts) -> str:
    return counted(layer.ranks, "rank") if layer.ranks else layer.components.upper() or "1"


def _becomes(layer: LayerFacts, one: SequenceFacts) -> str:
    said = [str(modality) for modality, name in one.becomes.items() if name == layer.name]
    if layer.name in one.unsent:
        said.append(f"nothing yet ({one.unsent[layer.name]})")
    if layer.ranks:
        known = counted(layer.named, "object") + " named" if layer.named else "no names"
        said.append(known)
    return ", ".join(said)


def _video(screen: Screen, found: VideoFacts) -> None:
    media = found.media
    screen.say(nearby(found.path), "bold")
    screen.say(
        f"{counted(media.frames, 'frame')}, {media.width}x{media.height}, {media.fps:g} fps,"
        f" {media.seconds:.2f} s"
    )
    levels = "full range" if media.full_range else "tv range"
    screen.say(f"{media.codec}, {media.pix_fmt}, {levels}")


def _prepared(screen: Screen, found: PreparedFacts) -> None:
    shot = found.shot
    width, height = shot.resolution
    screen.say(nearby(found.folder), "bold")
    screen.say(f"prepared shot {shot.name}: {counted(shot.frame_count, 'frame')}, "
               f"{width}x{height}, {shot.fps:g} fps")  # fmt: skip
    if shot.description:
        screen.say(f"shows: {shot.description}")
    rows = []
    for modality in shot.modalities:
        media, facts = found.videos.get(modality), shot.passes.get(modality)
        source = "" if not facts else "made" if facts.made else f"{facts.pattern} {facts.layer}"
        coded = f"{media.codec} {media.pix_fmt}" if media else "cannot be read"
        rows.append((str(modality), coded, str(media.frames) if media else "", source.strip()))
    screen.table(("pass", "video", "frames", "from"), rows)
    if shot.source:
        screen.say(f"from {shot.source}")


def _problems(screen: Screen, problems: Sequence[str]) -> None:
    if problems:
        screen.say()
        screen.say(f"{counted(len(problems), 'problem')}:", "yellow")
    for one in problems:
        screen.say(f"- {one}")
