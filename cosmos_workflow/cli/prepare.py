"""``cosmos prepare-inference``: a folder of render passes becomes videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, nearby, size

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings
    from cosmos_workflow.houdini.metadata import PassFacts, ShotMetadata


def prepare_inference(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder with the passes: PNG files, EXR files, both."),
    ],
    name: Annotated[
        str,
        typer.Option(metavar="NAME", help="Name of the shot.  [default: words of its description]"),
    ] = "",
    fps: Annotated[float, typer.Option(metavar="N", help="Frames a second.")] = 24,
    description: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What the shot shows.  [default: what a local model sees]"
        ),
    ] = "",
    no_ai: Annotated[
        bool, typer.Option("--no-ai", help="Use no local model to describe the shot.")
    ] = False,
    frames: Annotated[
        str,
        typer.Option(
            metavar="RANGE", help="Only these: 1001-1240, 1001-1240x2 (every second), 1,5,9-12."
        ),
    ] = "",
    handles: Annotated[
        int,
        typer.Option(metavar="N", help="Frames more at each end: added to --frames, if given."),
    ] = 0,
    latest: Annotated[
        bool,
        typer.Option("--latest", help="The highest version (v1, v2 ...) below DIR, or beside it."),
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="ENGINE",
            help="Hold the shot to the size and length it works at.",
            autocompletion=completion.engines,
        ),
    ] = "",
    fit: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Bring the shot to that size: crop, pad or resize.",
            autocompletion=completion.fits,
        ),
    ] = "",
    resize: Annotated[
        bool, typer.Option("--resize", help="Bring passes of other sizes to color's.")
    ] = False,
    make: Annotated[
        str,
        typer.Option(
            metavar="CONTROLS",
            help="Make what was not rendered from color: edge, vis, edge,vis.",
            autocompletion=completion.makeable,
        ),
    ] = "",
    canny_threshold: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            help="How strong a made edge must be.",
            autocompletion=completion.levels,
        ),
    ] = "medium",
    blur_strength: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            help="How far a made vis is blurred.",
            autocompletion=completion.levels,
        ),
    ] = "medium",
    masters: Annotated[
        bool, typer.Option("--masters", help="Keep lossless videos too: masters/*.mkv, FFV1.")
    ] = False,
    view: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="OCIO view of EXR color.  [default: the config's]"),
    ] = None,
    colour_config: Annotated[
        str | None,
        typer.Option(
            "--colour-config",
            metavar="NAME",
            help="OCIO config: built-in name, .ocio file, or srgb.  [default: [colour] config]",
        ),
    ] = None,
    depth_mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="Grey of EXR depth: inverse, linear or log.",
            autocompletion=completion.depth_modes,
        ),
    ] = None,
    near: Annotated[
        float | None,
        typer.Option(metavar="X", help="Distance that is white.  [default: measured, per shot]"),
    ] = None,
    far: Annotated[
        float | None,
        typer.Option(metavar="X", help="Distance that is black.  [default: measured, per shot]"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make it even if the same was prepared before.")
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Turn a folder of render passes into videos that every engine reads.

    DIR holds color and any of depth, segmentation, vis and edge with the same frames: numbered
    PNG files (color.0001.png), or EXR files with one layer or many. Every fault is named before
    anything is encoded, and nothing is half written. The same files and flags a second time give
    the shot that is there already. LEVEL is very_low, low, medium, high or very_high.

    Example: cosmos prepare-inference renders/atrium --for transfer1 --make edge,vis
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.houdini.metadata import ShotMetadata
    from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold
    from cosmos_workflow.workflows import prepare_wishes as asked
    from cosmos_workflow.workflows.prepare import prepare

    settings = load()
    with open_screen(json=json, verbose=verbose) as screen:
        wishes = asked.Wishes(
            name=name,
            fps=fps,
            description=description,
            reading=asked.reading_of(
                settings,
                frames=frames,
                handles=handles,
                latest=latest,
                colour={"view": view, "config": colour_config},
                depth={"mode": depth_mode, "near": near, "far": far},
            ),
            make=asked.controls_of(make),
            canny_threshold=asked.word_of(CannyThreshold, "--canny-threshold", canny_threshold),
            blur_strength=asked.word_of(BlurStrength, "--blur-strength", blur_strength),
            engine=engine,
            fit=asked.fit_of(fit),
            resize=resize,
            masters=masters,
            no_ai=no_ai,
            again=again,
        )
        notes: list[str] = []
        report = _progress(screen) if json else screen.step
        made = prepare(settings, folder, wishes, report=report, say=notes.append)
        shot = ShotMetadata.load(made)
        given = {
            "--canny-threshold": canny_threshold != "medium",
            "--blur-strength": blur_strength != "medium",
            "--view": view is not None,
            "--colour-config": colour_config is not None,
            "--depth-mode": depth_mode is not None,
            "--near": near is not None,
            "--far": far is not None,
        }
        notes += _idle(shot, [flag for flag, there in given.items() if there])
        screen.clear()
        screen.data({**shot.model_dump(mode="json"), "folder": str(made), "notes": notes})
        _tell(screen, settings, made, shot, notes, verbose)


def _progress(screen: Screen) -> Callable[[str, float], None]:
    """Progress for programs: a line for each stage, and for each twentieth of it."""
    from cosmos_workflow.events import Progress

    last = ("", -1)

    def report(stage: str, share: float) -> None:
        nonlocal last
        now = (stage, int(share * 20))
        if now != last:
            last = now
            screen.show(Progress(stage, round(share, 3)))

    return report


def _idle(shot: ShotMetadata, flags: Sequence[str]) -> list[str]:
    """Which of the flags changed nothing in this shot, and why."""
    applied = {key for facts in shot.passes.values() for key in facts.settings}
    recipes = {facts.made.get("recipe") for facts in shot.passes.values()}
    picture = "color is no EXR, and a picture already" if "config" not in applied else ""
    distance = "no depth comes from an EXR" if "mode" not in applied else ""
    why = {
        "--canny-threshold": "" if "canny" in recipes else "edge is not made (--make edge)",
        "--blur-strength": "" if "blur" in recipes else "vis is not made (--make vis)",
        **dict.fromkeys(("--view", "--colour-config"), picture),
        **dict.fromkeys(("--depth-mode", "--near", "--far"), distance),
    }
    return [f"{flag} changes nothing: {why[flag]}" for flag in flags if why[flag]]


def _tell(
    screen: Screen,
    settings: Settings,
    made: Path,
    shot: ShotMetadata,
    notes: Sequence[str],
    verbose: bool,
) -> None:
    from cosmos_workflow.prompts.spec import resolve
    from cosmos_workflow.workflows.prepare import ALREADY

    width, height = shot.resolution
    seconds = shot.frame_count / shot.fps
    screen.say(f"{shot.name}: {counted(shot.frame_count, 'frame')}, {width}x{height}, "
               f"{shot.fps:g} fps, {seconds:.2f} s", "bold")  # fmt: skip
    screen.say(nearby(made))
    if notes and notes[0].startswith(ALREADY):
        screen.say(f"{notes[0]}; --again makes it anew")
        notes = notes[1:]
    screen.say()
    rows = []
    for modality in shot.modalities:
        file = resolve(shot.control_inputs.get(modality, shot.video_path), settings)
        source = _source(shot.passes.get(modality))
        rows.append((str(modality), file.name, size(file.stat().st_size), source))
    screen.table(("pass", "video", "size", "from"), rows)
    lines = [*notes, *_about(shot, verbose)]
    if lines:
        screen.say()
    for line in lines:
        screen.say(line)
    screen.say()
    screen.say(f'next: cosmos create-spec NAME "PROMPT" --from {made.name}', "cyan")


def _source(facts: PassFacts | None) -> str:
    """Where a pass comes from: its files and layer, or how it was made."""
    if facts is None:
        return ""
    if facts.made:
        return f"made from {facts.made['from']}: {facts.made['recipe']} {facts.made['preset']}"
    return f"{facts.pattern} ({facts.layer})" if facts.layer else facts.pattern


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return " and ".join(map(str, value)) or "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _about(shot: ShotMetadata, verbose: bool) -> list[str]:
    lines = []
    if shot.masters:
        lines.append(f"lossless: masters/ ({', '.join(shot.masters)})")
    if shot.legend:
        lines.append("segmentation: legend.json says what its colours mean")
    if shot.description and (verbose or shot.described):
        lines.append(f"description: {shot.description}")
    if not verbose:
        return lines
    if shot.described:
        lines += [
            f"{what}: {', '.join(words)}"
            for what, words in (("tags", shot.described.tags), ("objects", shot.described.objects))
            if words
        ]
    for modality, facts in shot.passes.items():
        if facts.settings:
            said = ", ".join(f"{key} {_shown(value)}" for key, value in facts.settings.items())
            lines.append(f"{modality}: {said}")
    if shot.frame_range:
        frames = shot.frame_range
        step = f"x{frames.step}" if frames.step > 1 else ""
        lines.append(f"frames: {frames.numbers or f'{frames.first}-{frames.last}{step}'}")
    return [*lines, f"id: {shot.id}"]
