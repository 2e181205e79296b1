"""``status`` and ``doctor``: how a target is doing, and what it lacks, each with its fix."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import wrap
from typing import Annotated

import typer

from cosmos_workflow.cli import completion
from cosmos_workflow.cli.options import Json, Verbose
from cosmos_workflow.cli.passphrase import ask
from cosmos_workflow.cli.screen import Screen, open_screen
from cosmos_workflow.cli.words import counted, screen_width
from cosmos_workflow.config.load import load
from cosmos_workflow.errors import HostError
from cosmos_workflow.execution.facts import Cluster
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.workflows.doctor import GIB, Report, examine

TargetName = Annotated[
    str, typer.Option("--target", "-t", help="Which target.", autocompletion=completion.targets)
]
EngineName = Annotated[
    str, typer.Option("--engine", "-e", help="For which engine.", autocompletion=completion.engines)
]

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def status(
    target: TargetName = "",
    engine: EngineName = "",
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """How a target is doing: GPUs, containers, disk, image. One connection, one command."""
    report = examine(load(), target, engine, ask=ask)
    with open_screen(json=as_json) as screen:
        screen.data(_facts(report))
        screen.say(_title(report, report.engine), "bold")
        screen.table(
            ["", "check", "found"], [[one.level, one.name, one.said] for one in report.checks]
        )
        _working(screen, report, verbose)
    _judge(report, only_reachable=True)


def doctor(
    target: TargetName = "",
    engine: EngineName = "",
    run: Annotated[
        str,
        typer.Option(
            "--run",
            metavar="RUN_SPEC",
            help="For exactly what this RunSpec needs.",
            autocompletion=completion.run_specs,
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Check everything a run needs, with the fix for each fault. Exit code 4 if one is left."""
    settings = load()
    spec = RunSpec.load(library.find(settings, "run", run)) if run else None
    report = examine(settings, target, engine, spec, ask)
    with open_screen(json=as_json) as screen:
        screen.data(_facts(report))
        screen.say(_title(report, spec.id if spec else report.engine), "bold")
        for check in report.checks:
            _tell(screen, f"{check.level:>4}  {check.name}: ", check.said, _STYLES[check.level])
            if check.level != "ok" and check.fix:
                _tell(screen, "      ", check.fix, "cyan")
    _judge(report, only_reachable=False)


def _title(report: Report, what: str) -> str:
    return report.target + _for(what)


def _for(what: str) -> str:
    """ " for WHAT"; nothing where a service was looked at for no engine."""
    return f" for {what}" if what else ""


def _tell(screen: Screen, head: str, text: str, style: str) -> None:
    """A paragraph that hangs below its first word."""
    width = max(40, screen_width())
    for line in text.splitlines():
        told = wrap(
            line, width, initial_indent=head, subsequent_indent="      ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        screen.say("\n".join(told), style)
        head = "      "


def _working(screen: Screen, report: Report, verbose: bool) -> None:
    if report.facts is None:
        return
    if report.facts.containers:
        screen.say()
        rows = [[box.run, box.name, box.status] for box in report.facts.containers]
        screen.table(["run", "container", "state"], rows)
    if report.facts.cluster:
        _cluster(screen, report.facts.cluster)
    if verbose:
        facts = report.facts
        screen.say()
        screen.say(
            f"{facts.hostname}: {facts.system}, {facts.cpus} cores, "
            f"{facts.memory / GIB:.0f} GiB memory, Python {facts.python or 'none'}"
        )
        for gpu in facts.gpus:
            screen.say(
                f"gpu {gpu.index}: {gpu.name}, {gpu.memory_used} of {gpu.memory_total} MiB used, "
                f"{gpu.utilization} % busy"
            )


def _cluster(screen: Screen, cluster: Cluster) -> None:
    if cluster.partitions:
        screen.say()
        rows = []
        for one in cluster.partitions:
            nodes = map(str, (one.nodes, one.idle, one.mixed, one.allocated, one.down))
            rows.append([one.name if one.up else f"{one.name} (down)", *nodes, one.gres])
        screen.table(["partition", "nodes", "idle", "mixed", "full", "down", "each has"], rows)
    if cluster.jobs:
        screen.say()
        rows = [
            [job.number, job.name if job.count == 1 else counted(job.count, "job"), job.state,
             job.reason] for job in cluster.jobs
        ]  # fmt: skip
        screen.table(["number", "submitted as", "state", "why"], rows)


def _facts(report: Report) -> dict[str, object]:
    facts = asdict(report.facts) if report.facts else None
    if facts:
        facts["programs"] = sorted(facts["programs"])
    return {
        "target": report.target,
        "engine": report.engine,
        "fit": report.fit,
        "checks": [asdict(check) for check in report.checks],
        "facts": facts,
    }


def _judge(report: Report, *, only_reachable: bool) -> None:
    failed = [check for check in report.checks if check.level == "fail"]
    if only_reachable:
        failed = [check for check in failed if check.name == "reachable"]
    if failed:
        names = ", ".join(dict.fromkeys(check.name for check in failed))
        raise HostError(
            f"{report.target} is not ready{_for(report.engine)}: {names}",
            hint=failed[0].fix if only_reachable else "each fix stands below its line",
        )
