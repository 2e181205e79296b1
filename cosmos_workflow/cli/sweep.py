"""``cosmos sweep``: many RunSpecs from few words, told before any of it is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, takes_several
from cosmos_workflow.cli.screen import Screen, open_screen

PATIENCE = 1.0
"""Seconds without a bar."""


@takes_several(vary="axis", weight="key=value", option="key=value")
def sweep(
    prompt_spec: Annotated[
        list[str],
        typer.Argument(
            metavar="PROMPT_SPEC...",
            help="PromptSpecs: paths, ids, starts of ids, names, or glob patterns.",
            autocompletion=completion.prompts,
        ),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS",
            help="seed=1..20, depth=0.2,0.4,0.6, steps=20..40..10, guidance~uniform(3,7); "
            "several after one flag, or the flag again.",
            autocompletion=completion.axes,
        ),
    ] = None,
    prompts: Annotated[
        str,
        typer.Option(metavar="FILE", help="Words: .txt a prompt a line, .csv, .jsonl."),
    ] = "",
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="N points in all, drawn; 0: the whole grid.")
    ] = 0,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the draws; a run's own: --vary seed=...")
    ] = 0,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="cosmos engines lists them.  [default: preview, or transfer1 with a remote host]",
            autocompletion=completion.engines,
        ),
    ] = "",
    weights: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(metavar="V E D S", help="Weights of vis, edge, depth, segmentation."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY=W", help="One weight by name.", autocompletion=completion.weights
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(metavar="X", help="Prompt strength.")] = None,
    fps: Annotated[
        int | None, typer.Option(metavar="N", help="Frames a second.  [default: the shot's]")
    ] = None,
    sigma_max: Annotated[
        float | None, typer.Option(metavar="X", help="How much noise replaces the input.")
    ] = None,
    blur_strength: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="How far vis is blurred.")
    ] = None,
    canny_threshold: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="How strong an edge must be.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the engine's own."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help='Of the sweep.  [default: "PROMPT sweep"]')
    ] = "",
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="Keep the first N runs; 0: all.")
    ] = 0,
    budget: Annotated[
        float | None,
        typer.Option(metavar="MONEY", help="Keep as many as their cost allows."),
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="HH:MM", help="Keep as many as are done by then.")
    ] = "",
    target: Annotated[
        str,
        typer.Option(
            "--target", "-t", help="Where they will run.", autocompletion=completion.targets
        ),
    ] = "",
    num_gpu: Annotated[int, typer.Option(min=1, help="GPUs of each run.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would be, and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Write many RunSpecs: every combination of some values, or a number of draws.

    What can be varied: parameters, weights by their control, options, prompt, negative_prompt,
    and {places} in the words. Draws: uniform(a,b), loguniform(a,b), normal(mean,sd),
    choice(a,b,c). The count, GPU time and cost are told before anything is written.

    Example: cosmos sweep atrium --vary seed=1..20 depth=0.2,0.4,0.6 --limit 50
    """
    from cosmos_workflow.cli.swept import tell_outlook, tell_saved
    from cosmos_workflow.config.load import load
    from cosmos_workflow.workflows.compose_runs import Knobs
    from cosmos_workflow.workflows.sweep import Bounds, look_ahead, save
    from cosmos_workflow.workflows.sweep_draft import Wanted

    settings = load()
    parameters = {
        "num_steps": steps, "guidance": guidance, "fps": fps, "sigma_max": sigma_max,
        "blur_strength": blur_strength, "canny_threshold": canny_threshold,
    }  # fmt: skip
    knobs = Knobs(engine, weights, weight or (), parameters, option or ())
    wanted = Wanted(prompt_spec, vary or (), knobs, prompts, sample, seed, name)
    with open_screen(json=json) as screen:
        outlook = look_ahead(
            settings, wanted, Bounds(limit, budget, until), target, num_gpu, datetime.now(),
            _when_slow(screen),
        )  # fmt: skip
        screen.clear()
        tell_outlook(screen, outlook, dry_run=dry_run)
        if not dry_run:
            swept = save(settings, outlook, _when_slow(screen))
            screen.clear()
            tell_saved(screen, settings, swept)


def _when_slow(screen: Screen) -> Callable[[str, float], None]:
    """A bar for what takes longer than a second; what is done at once needs none."""
    begun = time.monotonic()

    def step(stage: str, fraction: float) -> None:
        if time.monotonic() - begun > PATIENCE:
            screen.step(stage, fraction)

    return step
