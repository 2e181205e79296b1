"""Ten thousand runs a night, simulated: one GPU, one box, four boxes, a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.night_model import Ground, Night, Work, simulate
from benchmarks.table import Row

RUNS, SHOTS = 10_000, 500
SEEDS = RUNS // SHOTS

SAMPLE_S = 64.5
"""The makers' table: Transfer2.5 distilled, 4 steps, 93 frames at 720, one H100 NVL."""

LOAD_S = 90.0
"""Assumed: the model from a local disk into one GPU, guardrails included."""

PASSES_B, RESULT_B = 6e6, 5e6
"""Assumed: three passes of a shot; a result and the control video beside it."""

UP_BS, DOWN_BS = 12.5e6, 50e6
"""Assumed: 100 Mbit/s up, 400 down, for all hosts together."""

PRICE, FAILING = 2.5, 0.002
"""Assumed: of one GPU for an hour; the chance that a run ends its job for a passing reason."""

KEYS = 20
"""Batch keys: the runs of a night differ in controls, seldom in what a model is loaded with."""


@dataclass(frozen=True)
class Case:
    """Where a night is done.  ``paid``: whether GPUs cost while they are ours, or at work."""

    name: str
    ground: Ground
    paid_idle: bool = True


OURS = Ground(
    (1,), first=3.0, plan=0.6, plan_run=0.03, start=1.5, home=0.5, hand=0.19, last=1.0,
    up=UP_BS, down=DOWN_BS,
)  # fmt: skip
"""What we ourselves take, as ``python -m benchmarks night`` finds it on a small machine."""

CASES = (
    Case("1 box with 1 GPU", OURS),
    Case("1 box with 8 GPUs", replace(OURS, slots=(8,))),
    Case("4 boxes with 8 GPUs", replace(OURS, slots=(8,) * 4)),
    Case("Slurm, 64 GPUs, 10 min in its queue", replace(OURS, slots=(64,), wait=600.0), False),
)


def measure() -> Iterator[Row]:
    """A row for each place, and where it breaks."""
    work = Work(
        [RUNS // KEYS] * KEYS, LOAD_S, SAMPLE_S, up=PASSES_B / SEEDS, down=RESULT_B,
        failing=FAILING,
    )  # fmt: skip
    for case in CASES:
        yield from _rows(case, work, simulate(work, case.ground))
    yield from _limits()


def _rows(case: Case, work: Work, night: Night) -> Iterator[Row]:
    seconds = night.gpus * night.makespan if case.paid_idle else night.busy
    cost = seconds / 3600 * PRICE
    yield Row(
        f"{RUNS:,} runs on {case.name}", f"{night.makespan / 3600:.1f} h",
        compared=f"GPUs at work {night.share:.1%} of it, sampling {_sampling(work, night):.1%}; "
        f"cost {cost:,.0f}, {cost / RUNS:.3f} a video; {night.loads:,} loads, "
        f"{night.tries - RUNS} tries more",
    )  # fmt: skip
    yield Row(
        "  of the time busy", f"{_busiest(night):.1%}",
        compared=f"line up {night.uplink / night.makespan:.1%}, down "
        f"{night.downlink / night.makespan:.1%}, planning {night.planner / night.makespan:.1%}, "
        f"bringing home {night.worker / night.makespan:.1%}; a result waits {night.behind:.0f} s "
        "at most",
    )  # fmt: skip


def _sampling(work: Work, night: Night) -> float:
    return RUNS * work.sample / (night.gpus * night.makespan)


def _busiest(night: Night) -> float:
    """Of what there is only one of: the first that will break when there are more GPUs."""
    most = max(night.uplink, night.downlink, night.planner, night.worker)
    return most / night.makespan


def _limits() -> Iterator[Row]:
    """GPUs at which each of these is always busy, with runs as long as those above."""
    job = LOAD_S + 32 * SAMPLE_S
    a_run = (job / 32) / 1.0
    for name, seconds in (
        ("the processor that brings results home", OURS.hand),
        ("the planner of one worker", (OURS.plan + 32 * OURS.plan_run) / 32),
        ("the line down", RESULT_B / DOWN_BS),
        ("the line up", PASSES_B / SEEDS / UP_BS),
        ("the line up, with a shot for each run", PASSES_B / UP_BS),
    ):
        yield Row(f"  GPUs that {name} can keep up with", f"{a_run / seconds:,.0f}")
    disk = (SHOTS * PASSES_B + RUNS * RESULT_B) / 1e9
    yield Row(
        "  disk: on the hosts together until cosmos clean", f"{disk:.0f} GB",
        compared=f"as much here; {RUNS:,} folders",
    )  # fmt: skip
