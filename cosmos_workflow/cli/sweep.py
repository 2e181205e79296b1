"""``sweep``: many RunSpecs from few words; what they take and cost is told before that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, takes_several
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.run import NumGpu, TargetName, how_to
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, duration, nearby
from cosmos_workflow.config.load import load
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.sweep import Drafted, Wanted, draft, named, save, weights_of
from cosmos_workflow.workflows.sweep_cost import Cost, cost_of, limited, moment

SHOWN = 12
"""Rows of a dry run."""


@takes_several(weight="key=value", option="key=value")
def sweep(
    prompts: Annotated[
        list[str],
        typer.Argument(
            metavar="PROMPT_SPEC...",
            help="PromptSpecs: path, id, start of an id, or name.",
            autocompletion=completion.prompts,
        ),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS",
            help="seed=1..20, depth=0.2,0.4, guidance~uniform(3,7), weather=rain,snow; repeatable.",
        ),
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            "--prompts", metavar="FILE", help="Prompts: text, a line each; CSV or JSONL by column."
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            "-e",
            metavar="NAME",
            help="cosmos engines lists them.",
            autocompletion=completion.engines,
        ),
    ] = "",
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many points, drawn.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of what is drawn; the same again.")] = 0,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="MODALITY=W", help="A weight for all of them.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An engine's option for all.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="Of the sweep; else that of the first PromptSpec.")
    ] = "",
    target: TargetName = "",
    num_gpu: NumGpu = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep the first ones.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Keep as many as this much money is enough for.")
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="Keep as many as are done by then, like 07:30.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what, and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write RunSpecs over a grid of values, or drawn ones, or over many prompts.

    Axes are parameters (seed, steps, guidance, ...), control weights by name, options of the
    engine, prompt and negative_prompt, and {placeholders} of the words. The same command gives the
    same RunSpecs anywhere.

    Example: cosmos sweep atrium --vary seed=1..5 --vary depth=0.2,0.4 --engine transfer25
    """
    settings = load()
    until_then = moment(until) if until else None
    wanted = Wanted(
        sources=prompts, axes=vary or (), engine=engine, prompts=words, sample=sample, seed=seed,
        name=name, weights=weights_of(weight or ()), options=dict(named(option or ())),
    )  # fmt: skip
    with open_screen(json=as_json) as screen:
        drafted = draft(settings, wanted, lambda share: screen.step("making RunSpecs", share))
        bench = assemble.bench(settings, drafted.sweep.engine, target, ask)
        try:
            cost = cost_of(bench, drafted, how_to(settings, num_gpu, "", -1))
        finally:
            bench.target.close()
        screen.clear()
        drafted, cost, left = limited(drafted, cost, limit=limit, budget=budget, until=until_then)
        _tell(screen, drafted, cost, left, bench.target.name)
        if dry_run:
            _tell_points(screen, drafted)
            screen.say("a dry run: nothing was written", "dim")
            return
        path, _ = save(settings, drafted, lambda share: screen.step("writing RunSpecs", share))
        screen.clear()
        screen.data({"sweep": drafted.sweep.id, "path": str(path)})
        screen.say(nearby(path))
        screen.say()
        where = f" --targets {target}" if target else ""
        screen.say(f"next: cosmos batch {drafted.sweep.id}{where}", "cyan")


def _tell(
    screen: Screen, drafted: Drafted, cost: Cost, left: Mapping[str, int], target: str
) -> None:
    sweep, runs = drafted.sweep, drafted.runs
    screen.data({
        "sweep": sweep.id, "name": sweep.name, "engine": sweep.engine, "runs": sweep.runs,
        "prompts": len(drafted.prompts), "gpu_seconds": cost.gpu_seconds, "cost": cost.cost,
        "seconds": cost.seconds, "left_out": dict(left), "clipped": dict(drafted.clipped),
        "same": drafted.same,
    })  # fmt: skip
    of = f" of {counted(len(drafted.prompts), 'prompt')}" if len(drafted.prompts) > 1 else ""
    screen.say(
        f"{sweep.id}  {sweep.name}: {counted(len(runs), 'run')}{of} on {sweep.engine}", "bold"
    )
    _tell_cost(screen, cost, target)
    if drafted.same:
        screen.say(f"{counted(drafted.same, 'point')} gave what another one had given", "yellow")
    for axis, number in drafted.clipped.items():
        screen.say(f"{axis}: {counted(number, 'draw')} put back to the engine's range", "yellow")
    for flag, number in left.items():
        screen.say(f"left out by {flag}: {number}", "yellow")


def _tell_cost(screen: Screen, cost: Cost, target: str) -> None:
    if cost.gpu_seconds is None or cost.seconds is None:
        why = next((one.origin for one in cost.each if one.gpu_seconds is None), "there is none")
        screen.say(f"GPU time   unknown: {why}")
        return
    origin = cost.each[0].origin if cost.each else ""
    screen.say(f"GPU time   about {duration(cost.gpu_seconds)} ({origin})")
    end = datetime.now() + timedelta(seconds=cost.seconds)
    at_once = f", {cost.slots} at once" if cost.slots > 1 else ""
    shown = end.strftime("%H:%M" if cost.seconds < 64800 else "%a %H:%M")
    screen.say(f"done       in {duration(cost.seconds)} on {target}{at_once}: {shown} if begun now")
    if cost.cost is not None:
        screen.say(f"cost       about {cost.cost:.2f}")
    else:
        screen.say(f"cost       unknown: {target} has no price_per_hour")


def _tell_points(screen: Screen, drafted: Drafted) -> None:
    points = [run.origin.point for run in drafted.runs[:SHOWN] if run.origin]
    axes = list(points[0]) if points else []
    rows = [
        [
            run.id,
            *(str(point[axis]) for axis in axes),
            drafted.prompts[run.prompt_spec_id].prompt[:48],
        ]
        for run, point in zip(drafted.runs, points, strict=False)
    ]
    screen.say()
    screen.table(["id", *axes, "prompt"], rows)
    if len(drafted.runs) > SHOWN:
        screen.say(f"and {len(drafted.runs) - SHOWN} more", "dim")
    screen.say()
