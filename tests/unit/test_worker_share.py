"""How much of what waits a slot takes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.runs.claims import Busy, Group, Lane
from cosmos_workflow.workflows.worker_share import FEW, Paces, Work, chooser, share


def work(count: int, lanes: int, load: float = 5.0, sample: float = 1.0) -> Work:
    return Work(count, [(load, sample)] * lanes)


def test_one_lane_takes_all_of_the_first_key() -> None:
    assert share([work(20, 1), work(20, 1)], [0.0], 0) == (0, 20)


def test_one_key_is_shared_out_among_idle_lanes() -> None:
    took = [share([work(40, 4)], [0.0] * 4, lane) for lane in range(4)]
    assert [n for _, n in filter(None, took)] == [10, 10, 10, 10]


def test_a_key_that_is_quicker_done_by_one_is_left_to_one() -> None:
    took = [share([work(3, 2, load=100.0)], [0.0, 0.0], lane) for lane in range(2)]
    assert sorted(map(str, took)) in (
        ["(0, 2)", "(0, 1)"],
        ["(0, 1)", "(0, 2)"],
        ["(0, 3)", "None"],
    )


def test_a_lane_that_is_busy_for_long_takes_nothing_ahead() -> None:
    assert share([work(4, 2)], [0.0, 60.0], 1) is None
    assert share([work(4, 2)], [0.0, 60.0], 0) == (0, 4)


def test_a_slow_host_takes_less() -> None:
    both = [Work(22, [(5.0, 1.0), (50.0, 10.0)])]
    quick, slow = (share(both, [0.0, 0.0], lane) for lane in range(2))
    assert quick == (0, 22) and slow is None
    many = [Work(400, [(5.0, 1.0), (50.0, 10.0)])]
    quick, slow = (share(many, [0.0, 0.0], lane) for lane in range(2))
    assert quick and slow and quick[1] > 8 * slow[1]


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=6),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
    st.floats(0.1, 50),
    st.floats(0.1, 20),
)
def test_somebody_always_takes_something(
    counts: list[int], free: list[float], load: float, sample: float
) -> None:
    waiting = [work(count, len(free), load, sample) for count in counts]
    took = [share(waiting, free, lane) for lane in range(len(free))]
    assert any(took)
    soonest = min(range(len(free)), key=lambda lane: (free[lane], lane))
    assert took[soonest] is not None
    if len(free) == 1:  # nothing is done sooner in another order
        assert took[soonest][0] == 0  # type: ignore[index]
    for one in filter(None, took):
        assert 1 <= one[1] <= counts[one[0]]


def test_what_was_never_seen_is_like_what_was() -> None:
    seen = Paces.seen({("a", "gpu"): (4.0, 1.0), ("b", "other"): (40.0, 10.0)})
    assert seen.of("a", "gpu") == (4.0, 1.0)
    assert seen.of("b", "gpu") == (40.0, 10.0)
    assert seen.of("c", "gpu") == (4.0, 1.0)
    assert seen.of("c", "third") == (22.0, 5.5)
    assert Paces.seen({}).of("a", "gpu") == (1.0, 1.0)


def test_what_lies_ready_is_done_before_what_is_taken_next() -> None:
    """Three keys of 20, two slots on each of two hosts: no schedule is below 23 s."""
    assert max(_ends_of_a_night([0.0] * 4, range(4))) <= 23


def test_a_long_queue_keeps_its_order() -> None:
    waiting = [work(count, 2) for count in [1, *[30] * FEW]]
    assert share(waiting, [0.0, 0.0], 0) == (0, 1)


@given(st.permutations([0.0, 0.3, 0.8, 1.2]), st.permutations(range(4)))
def test_lanes_that_begin_one_after_the_other_are_done_together(
    begins: list[float], order: list[int]
) -> None:
    assert max(_ends_of_a_night(begins, order)) < 24.7  # 23 + the mean of it, up to a whole run


def _ends_of_a_night(begins: Sequence[float], order: Sequence[int]) -> list[float]:
    """Three keys of 20, a load of 5 s, 1 s each: when four lanes are done, which claim their first
    job in this order, begin it then, and claim each next one as soon as the last has begun."""
    lanes = [(host, slot) for host in ("a", "b") for slot in range(2)]
    paces = {(f"key{n}", host): (5.0, 1.0) for n in range(3) for host in ("a", "b")}
    left, busy, ends = [20, 20, 20], list[Busy](), list(begins)
    coming = [(place / 1000, number) for place, number in enumerate(order)]
    while coming and any(left):
        now, number = heappop(coming)
        groups = [Group(f"key{n}", 1, 0, c, 32, c) for n, c in enumerate(left)]
        choose = chooser(Lane("w", *lanes[number]), lanes, paces, lambda now=now: now)  # type: ignore[misc]
        live = [replace(b, phase="running" if b.at <= now else "claimed") for b in busy]
        taken = choose([one for one in groups if one.count], [b for b in live if b.ends > now])
        if taken is None:
            continue
        key = [n for n, c in enumerate(left) if c][taken[0]]
        left[key] -= taken[1]
        begun, ends[number] = ends[number], ends[number] + 5 + taken[1]
        busy.append(
            Busy(len(busy), "w", *lanes[number], "running", begun, ends[number], f"key{key}",
                 taken[1])
        )  # fmt: skip
        heappush(coming, (begun + 0.1, number))
    assert not any(left)
    return ends
