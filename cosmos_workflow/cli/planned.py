"""A run that is only planned, told on a screen."""

from __future__ import annotations

from collections.abc import Sequence

from cosmos_workflow.cli.screen import Screen
from cosmos_workflow.cli.words import counted, duration, size
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.workflows.plan import Drawn
from cosmos_workflow.workflows.plan_estimate import Estimate, price_goes


def tell(screen: Screen, settings: Settings, drawn: Drawn) -> None:
    """Facts of the engine, the exact command or request, files, time and cost."""
    screen.data(drawn.to_json())
    screen.say(f"{drawn.run.id}  {drawn.run.name}: {drawn.run.engine} on {drawn.target}", "bold")
    for fact in drawn.facts:
        screen.say(fact)
    screen.say()
    screen.say(drawn.text)
    screen.say()
    if drawn.uploads:
        screen.table(("file", "size", "how it goes"), [
            (one.name, "?" if one.size is None else size(one.size), one.way)
            for one in drawn.uploads
        ])  # fmt: skip
        screen.say()
    screen.say(f"uploads      {_uploads(drawn)}")
    _tell_estimate(screen, drawn.estimate, price_goes(settings, drawn.target))


def tell_sum(screen: Screen, all_drawn: Sequence[Drawn]) -> None:
    """Several together, as far as they are known."""
    known = [one.estimate for one in all_drawn if one.estimate.gpu_seconds is not None]
    seconds = sum(one.gpu_seconds or 0 for one in known)
    costs = [one.cost for one in known if one.cost is not None]
    cost = f", cost {sum(costs):.2f}" if costs and len(costs) == len(known) else ""
    unknown = len(all_drawn) - len(known)
    rest = f"; {counted(unknown, 'run')} of which nobody can tell" if unknown else ""
    screen.say(f"{len(all_drawn)} runs: {duration(seconds)} of GPU time{cost}{rest}", "bold")


def _uploads(drawn: Drawn) -> str:
    if not drawn.uploads:
        return "no files"
    made = sum(1 for one in drawn.uploads if one.size is None)
    known = len(drawn.uploads) - made
    parts = [f"up to {size(drawn.upload_bytes)} in {counted(known, 'file')}"] if known else []
    if made:
        are = "is" if made == 1 else "are"
        parts.append(f"{counted(made, 'file')} of unknown size that {are} made first")
    there = any(one.way.endswith("once") for one in drawn.uploads)
    return ", and ".join(parts) + ("; less what is there already" if there else "")


def _tell_estimate(screen: Screen, estimate: Estimate, table: str) -> None:
    seconds = estimate.seconds
    if seconds is None or estimate.gpu_seconds is None:
        screen.say(f"time         unknown: {estimate.origin}")
    else:
        screen.say(f"time         about {duration(seconds)} ({estimate.origin})")
        if estimate.gpus:
            many = counted(estimate.gpus, "GPU")
            screen.say(f"GPU seconds  about {estimate.gpu_seconds:.0f} on {many}")
    price = f"{estimate.price_per_hour:g} an hour of one GPU"
    if estimate.cost is not None:
        screen.say(f"cost         about {estimate.cost:.2f} ({price})")
    elif estimate.price_per_hour:
        screen.say(f"cost         unknown; {price}")
    elif table:
        screen.say(f"cost         unknown: {table} has no price_per_hour")
