"""``cosmos describe``: a sentence, tags and objects for a shot, by models on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, size
from cosmos_workflow.errors import MediaError

if TYPE_CHECKING:
    from cosmos_workflow.config.settings import Settings
    from cosmos_workflow.workflows.describe import Description


def describe(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[SOURCE]",
            help="A video, a prepared shot (folder or name), or a folder of frames.",
            autocompletion=completion.shots,
        ),
    ] = "",
    download: Annotated[
        bool,
        typer.Option("--download", help="Fetch the models that are not on this machine first."),
    ] = False,
    json: Json = False,
) -> None:
    """Say what a shot shows: a sentence, tags, objects, and a name for it.

    Three models look at a few of its frames: BLIP, ViT and DETR, or those set in [ai] of
    config.toml. They run on this machine and send nothing anywhere. Only --download uses the
    network: some 1.5 GB, once.

    Example: cosmos describe inputs/videos/atrium_20260101_120000/color.mp4
    """
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.describe import describe_source

    if not source and not download:
        raise MediaError(
            "nothing is named to describe",
            hint="a video, a prepared shot, or a folder of frames; --download alone fetches the "
            "models",
        )
    settings = load()
    with open_screen(json=json) as screen:
        if download:
            _download(screen, settings)
        if source:
            _tell(screen, describe_source(settings, source, screen.step))


def _download(screen: Screen, settings: Settings) -> None:
    from cosmos_workflow.workflows.describe import fetch_models

    brought = fetch_models(settings, screen.step)
    screen.clear()
    screen.data({"fetched": [str(model) for model in brought]})
    for model in brought:
        screen.say(f"fetched: {model}")
    if not brought:
        screen.say("the models are on this machine")


def _tell(screen: Screen, found: Description) -> None:
    screen.clear()
    words = found.words
    screen.data(
        {
            "source": str(found.source),
            "caption": words.caption,
            "tags": list(words.tags),
            "objects": list(words.objects),
            "name": found.name,
            **found.facts,
            "models": dict(words.models),
        }
    )
    screen.say(_measured(found), "bold")
    if not words.models:
        for fault in found.missing[1:]:
            screen.warn(f"{fault.message}\n{fault.hint}".rstrip())
        raise found.missing[0]
    screen.say()
    rows = [
        ("caption", words.caption or "-"),
        ("tags", ", ".join(words.tags) or "-"),
        ("objects", ", ".join(words.objects) or "-"),
        ("name", found.name),
    ]
    screen.table(("what", "as the models see it"), rows)
    for fault in found.missing:
        screen.warn(f"{fault.message}\n{fault.hint}".rstrip())


def _measured(found: Description) -> str:
    facts = found.facts
    parts = [f"{facts['width']}x{facts['height']}", counted(facts["frames"], "frame")]
    if "codec" in facts:
        parts += [f"{facts['fps']:g} fps", f"{facts['seconds']:.2f} s"]
        parts += [f"{facts['codec']} {facts['pix_fmt']}", size(facts["size"])]
    else:
        parts += [f"{facts['files']} {facts['range']}"]
    return ", ".join(parts)
