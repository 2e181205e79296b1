"""A report as tables and lines of a terminal."""

from __future__ import annotations

from cosmos_workflow.cli.screen import Screen
from cosmos_workflow.cli.words import counted, duration
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.workflows.report import Report

NONE = "-"
WORDS = {"success": "succeeded"}


def tell(screen: Screen, settings: Settings, found: Report, title: str) -> None:
    """All of it."""
    told = (
        f"{count} {WORDS.get(status, status)}" for status, count in found.counts.items() if count
    )
    again = f"; {counted(found.retried, 'RunSpec')} run more than once" if found.retried else ""
    screen.say(f"{title}: {', '.join(told)}{again}", "bold")
    screen.say()
    _causes(screen, found)
    _slots(screen, found)
    _engines(screen, found)
    _targets(screen, found)
    _totals(screen, found)
    _cost(screen, settings, found)


def _causes(screen: Screen, found: Report) -> None:
    if found.causes:
        rows = [
            (one.cause.replace("_", " "), str(one.count), one.run, one.message)
            for one in found.causes
        ]
        screen.table(("why not", "runs", "the latest", "what it said"), rows)
        screen.say()


def _slots(screen: Screen, found: Report) -> None:
    rows = [
        (
            one.name, str(one.runs), duration(one.busy), duration(one.idle),
            f"{one.busy_share:.0%}", _money(one.cost or None), _money(one.idle_cost or None),
        )
        for one in found.slots
    ]  # fmt: skip
    if rows:
        head = ("slot", "runs", "in use", "idle", "busy", "cost", "of idle time")
        screen.table(head, rows)
        screen.say()


def _engines(screen: Screen, found: Report) -> None:
    rows = [
        (
            one.engine, str(one.runs), *map(_took, (one.fastest, one.middle, one.slowest)),
            NONE if one.a_second is None else f"{one.a_second:.1f}", _took(one.lost or None),
        )
        for one in found.paces
    ]  # fmt: skip
    if rows:
        head = ("engine", "good", "fastest", "median", "slowest", "GPU s a second", "lost")
        screen.table(head, rows)
        screen.say()


def _targets(screen: Screen, found: Report) -> None:
    rows = [
        (
            one.target, str(one.runs), str(one.videos), duration(one.gpu_seconds),
            _money(one.cost), _money(one.cost_per_video),
        )
        for one in found.places
    ]  # fmt: skip
    if len(rows) > 1:
        screen.table(("target", "runs", "videos", "GPU time", "cost", "a video"), rows)
        screen.say()


def _totals(screen: Screen, found: Report) -> None:
    screen.say(f"made       {counted(found.videos, 'video')}, {duration(found.plays)} of video")
    each = found.gpu_seconds_per_second
    more = f"; {each:.1f} GPU seconds a second of video" if each else ""
    used = duration(found.gpu_seconds)
    idle = f"{duration(found.idle_gpu_seconds)} idle: {found.busy_share:.0%} busy"
    screen.say(f"GPU time   {used} used, {idle}{more}")
    if found.without_gpu:
        screen.say(f"           {duration(found.without_gpu)} of it on machines without a GPU")
    if found.waits:
        middle, longest = duration(found.waits.middle), duration(found.waits.longest)
        many = counted(found.waits.items, "item")
        screen.say(f"waited     {middle} in the queue (median of {many}), {longest} at most")


def _cost(screen: Screen, settings: Settings, found: Report) -> None:
    if found.cost is not None:
        parts = [_money(found.cost)]
        for word, value in (("a video", found.cost_per_video), ("a minute", found.cost_per_minute)):
            parts += [f"{_money(value)} {word}"] if value is not None else []
        parts += [f"{_money(found.idle_cost)} of idle time beside it"] if found.idle_cost else []
        screen.say(f"cost       {', '.join(parts)}")
    if found.unpriced:
        many = counted(found.unpriced, "run")
        said = "no run has a price" if found.cost is None else f"not in it: {many} without a price"
        screen.say(f"cost       {said}", "yellow")
        for place in _places(settings, found):
            screen.say(f"           set price_per_hour in {place}", "yellow")


def _places(settings: Settings, found: Report) -> list[str]:
    """Where the prices that are missing can be set."""
    from cosmos_workflow.workflows.plan_estimate import price_goes

    known = settings.all_targets()
    names = [one.target for one in found.places if one.unpriced and one.target in known]
    return list(dict.fromkeys(filter(None, (price_goes(settings, name) for name in names))))


def _took(seconds: float | None) -> str:
    return NONE if seconds is None else f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def _money(amount: float | None) -> str:
    if amount is None:
        return NONE
    return f"{amount:.2f}" if amount >= 0.1 or not amount else f"{amount:.2g}"
