"""A night in small: 60 runs of three batch keys through ``cosmos batch``, over SSH and Docker.

The model's stand-in loads for 5 s and samples for 1 s.  Starting Python takes a little more, so the
bound is what its program takes for the same jobs when nothing of ours is there: its own clock in
the same image on the same machine, without Docker's start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean

from benchmarks import night_model
from benchmarks.night_bare import Bare, bare
from benchmarks.night_bound import least
from benchmarks.night_ground import (
    HOSTS,
    KEYS,
    LOAD_S,
    SAMPLE_S,
    SEEDS,
    Ground,
    Span,
    Took,
    ground,
    spans,
)
from benchmarks.night_script import by_script
from benchmarks.table import Row, timed

GOAL_ONE, GOAL_FOUR, GOAL_IDLE_S = 1.10, 1.15, 2.0
ALONE = 6
"""Runs that really get a container each; the others would take as long."""

PAUSE_S = 3.0
"""What the predecessor waits between two of its steps: upload, run, download, the next upload."""


def measure() -> Iterator[Row]:
    """Rows for one GPU, what other ways would take, and four GPUs on two hosts."""
    with ground() as made:
        one = made.specs(range(1, SEEDS + 1))
        first = made.night(one, HOSTS[:1])
        jobs = spans(made, one)
        yield from _one(made, first, jobs)
        yield from _other_ways(made, first.seconds)
        made.configure(slots=2)
        four = made.specs(range(101, 101 + SEEDS))
        took = made.night(four, HOSTS)
        yield from _four(made, took, spans(made, four), _ours(first, jobs))


def _ours(took: Took, jobs: Sequence[Span]) -> night_model.Ground:
    """What we ourselves take, as the first night had it, for the model."""
    start = mean(after.began - before.over for before, after in pairwise(jobs))
    first, last = jobs[0].began - took.began - start, took.over - jobs[-1].over
    hand = took.processor / (len(KEYS) * SEEDS) / (os.cpu_count() or 1)
    return night_model.Ground((1,), first=first, start=start, hand=hand, last=last - hand)


def _one(made: Ground, took: Took, jobs: Sequence[Span]) -> Iterator[Row]:
    alone = bare(made, HOSTS[0], jobs)
    bound = sum(one.seconds for one in alone)
    yield Row(
        "60 runs, 3 batch keys, 1 GPU: over the model's own time", f"{took.seconds / bound:.3f}",
        f"{GOAL_ONE:.2f} or less", took.seconds / bound <= GOAL_ONE,
        f"{took.seconds:.1f} s; {_words(alone)} = {bound:.1f} s",
    )  # fmt: skip
    nominal = len(KEYS) * LOAD_S + len(KEYS) * SEEDS * SAMPLE_S
    yield Row(
        "  over 3 x 5 s + 60 x 1 s, without Python's start", f"{took.seconds / nominal:.3f}",
        compared=f"{nominal:.0f} s; the model's own time is {bound / nominal:.3f} of it",
    )  # fmt: skip
    yield from _where(took, jobs, alone)
    sample = mean(one.sample for one in alone)
    load = mean(one.over - one.began - len(one.runs) * sample for one in jobs)
    yield _modelled(took, load, sample, _ours(took, jobs))


def _modelled(took: Took, load: float, sample: float, ours: night_model.Ground) -> Row:
    """The model's makespan; what we take it has from the first night on one GPU."""
    work = night_model.Work([SEEDS] * len(KEYS), load, sample)
    said = night_model.simulate(work, ours).makespan
    ratio = said / took.seconds
    return Row(
        "  the model's makespan over the measured one", f"{ratio:.3f}", "0.90 to 1.10",
        0.9 <= ratio <= 1.1, f"{said:.1f} s with {load:.2f} + n x {sample:.2f}",
    )  # fmt: skip


def _words(alone: Sequence[Bare]) -> str:
    runs = sum(one.runs for one in alone)
    load = mean(one.load for one in alone)
    sample = sum(one.runs * one.sample for one in alone) / runs
    return f"{len(alone)} x {load:.2f} + {runs} x {sample:.2f}"


def _where(took: Took, jobs: Sequence[Span], alone: Sequence[Bare]) -> Iterator[Row]:
    """Where the rest of the time is."""
    work = sum(one.over - one.began for one in jobs)
    gaps = [after.began - before.over for before, after in pairwise(jobs)]
    yield Row(
        "  longest that the GPU idled between two jobs", f"{max(gaps):.2f} s",
        f"{GOAL_IDLE_S:.0f} s or less", max(gaps) <= GOAL_IDLE_S,
        f"a container's start and end alone: {mean(one.docker for one in alone):.2f} s",
    )  # fmt: skip
    yield Row("  of it jobs at work, by the host's clock", f"{work:.1f} s")
    yield Row("  of it between jobs", f"{sum(gaps):.1f} s")
    yield Row("  of it before the first", f"{jobs[0].began - took.began:.1f} s")
    yield Row("  of it after the last", f"{took.over - jobs[-1].over:.1f} s")
    yield _processor(took)


def _processor(took: Took) -> Row:
    runs = len(KEYS) * SEEDS
    return Row(
        "  processor's seconds of cosmos batch, for each run", f"{took.processor / runs:.2f} s",
        compared=f"the machine's {os.cpu_count()} cores worked {took.busy:.0%} of the time: "
        "for us, the hosts, the models and whatever else runs",
    )  # fmt: skip


def _other_ways(made: Ground, took: float) -> Iterator[Row]:
    specs = made.specs(range(51, 51 + ALONE // len(KEYS)))
    single = mean(timed(lambda spec=spec: made.project.cosmos("run", spec)) for spec in specs)  # type: ignore[misc]
    runs = len(KEYS) * SEEDS
    yield Row(
        "  a container for each run", f"{single * runs:.0f} s",
        compared=f"{single * runs / took:.1f} times as long; {ALONE} measured, times "
        f"{runs / ALONE:.0f}: cosmos run, one after the other",
    )  # fmt: skip
    paused = (single + 3 * PAUSE_S) * runs
    yield Row(
        "  the predecessor's way: upload, run, download, next", f"{paused:.0f} s",
        compared=f"{paused / took:.1f} times as long; assumed: a run as above and "
        f"{PAUSE_S:.0f} s between its steps",
    )  # fmt: skip


def _four(
    made: Ground, took: Took, jobs: Sequence[Span], ours: night_model.Ground
) -> Iterator[Row]:
    lanes = 2 * len(HOSTS)
    alone = bare(made, HOSTS[0], [one for one in jobs if one.lane == HOSTS[0]], lanes)
    load = mean(one.load for one in alone)
    sample = mean(one.sample for one in alone if one.sample)
    bound = least([SEEDS] * len(KEYS), lanes, load, sample)
    yield Row(
        "the same on 4 GPUs over 2 hosts: over its own bound", f"{took.seconds / bound:.3f}",
        f"{GOAL_FOUR:.2f} or less", took.seconds / bound <= GOAL_FOUR,
        f"{took.seconds:.1f} s; no schedule is below {bound:.1f} s "
        f"with {load:.2f} + n x {sample:.2f}",
    )  # fmt: skip
    script = by_script(made, jobs)
    yield Row(
        "  over a script that knows all beforehand", f"{took.seconds / script:.3f}",
        compared=f"{script:.1f} s, {script / bound:.3f} of the bound: ssh, docker run, rsync for "
        "the same jobs, on the same machine",
    )  # fmt: skip
    first, last = min(one.began for one in jobs), max(one.over for one in jobs)
    yield Row("  of it before the first", f"{first - took.began:.1f} s")
    yield Row("  of it after the last", f"{took.over - last:.1f} s")
    shared = ", ".join(
        f"{one.lane} {one.began - first:.1f} to {one.over - first:.1f} ({len(one.runs)} runs)"
        for one in jobs
    )
    yield Row("  jobs, and when they worked", str(len(jobs)), compared=shared)
    yield _processor(took)
    yield _modelled(took, load, sample, replace(ours, slots=(2, 2)))
