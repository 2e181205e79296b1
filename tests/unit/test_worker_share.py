"""How much of what waits a slot takes at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.runs.claims import Busy, Group, Lane
from cosmos_workflow.workflows.worker_share import Paces, Work, chooser, share


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
    assert took[soonest] is not None and took[soonest][0] == 0  # type: ignore[index]
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
    lanes = [(host, slot) for host in ("a", "b") for slot in range(2)]
    paces = {(f"key{n}", host): (5.0, 1.0) for n in range(3) for host in ("a", "b")}
    left, busy = [20, 20, 20], list[Busy]()
    for number, (target, slot) in enumerate(lanes):
        groups = [Group(f"key{n}", 1, 0, c, 32, c) for n, c in enumerate(left)]
        choose = chooser(Lane("w", target, slot), lanes, paces, lambda: 0.0)
        taken = choose([one for one in groups if one.count], busy)
        assert taken is not None
        key = [n for n, c in enumerate(left) if c][taken[0]]
        left[key] -= taken[1]
        one = Busy(number, "w", target, slot, "claimed", 0.0, 0.0, f"key{key}", taken[1])
        busy.append(one)
        assert 5 + one.count <= 23
