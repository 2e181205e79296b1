"""The queue: what is added, in which order it is taken, and what becomes of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmos_workflow.errors import CosmosError
from cosmos_workflow.runs import claims
from cosmos_workflow.runs.claims import Busy, Group, Lane
from cosmos_workflow.runs.queue import Queue, State, Wish


def wish(number: int, key: str = "a", **more: object) -> Wish:
    values: dict[str, object] = {
        "spec": f"rs_{number:08x}", "path": f"inputs/runs/{number}.json", "name": f"run {number}",
        "engine": "preview", "batch_key": key, "max_batch": 8, "targets": ("gpu",),
    }  # fmt: skip
    return Wish(**{**values, **more})  # type: ignore[arg-type]


def names(claim: claims.Claim | None) -> list[int]:
    return [int(item.spec[3:], 16) for item in claim.items] if claim else []


LANE = Lane("worker", "gpu", 0)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "new folder" / "queue.sqlite")


def test_what_is_queued_is_there_in_order_after_a_restart(queue: Queue) -> None:
    ids, already = queue.add([wish(n) for n in (3, 1, 2)])
    assert (ids, already) == ([1, 2, 3], [])
    again = Queue(queue.file)
    assert [item.spec[-1] for item in again.items()] == ["3", "1", "2"]
    assert [item.state for item in again.items()] == [State.WAITING] * 3


def test_a_spec_that_waits_is_not_queued_twice_and_one_that_is_over_is(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    ids, already = queue.add([wish(2), wish(3), wish(3)])
    assert already == ["rs_00000002"] and len(ids) == 1
    queue.cancel([1])
    assert queue.add([wish(1)])[0] == [4]


def test_numbers_are_never_given_twice(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    queue.cancel([2])
    assert queue.clear([State.CANCELLED]) == 1
    assert queue.add([wish(5)])[0] == [3]


def test_those_of_one_key_are_claimed_together_in_order(queue: Queue) -> None:
    queue.add([wish(1, "a"), wish(2, "b"), wish(3, "a"), wish(4, "a", gpus=2), wish(5, "b")])
    claim = claims.claim(queue, LANE)
    assert names(claim) == [1, 3]
    assert {item.state for item in queue.items(ids=[1, 3])} == {State.CLAIMED}


def test_a_claim_has_at_most_as_many_as_its_engine_takes(queue: Queue) -> None:
    queue.add([wish(n, max_batch=3) for n in range(1, 8)])
    assert names(claims.claim(queue, LANE)) == [1, 2, 3]


def test_the_highest_priority_goes_first_and_alone(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    queue.add([wish(3, priority=5)])
    assert names(claims.claim(queue, LANE)) == [3]


def test_a_lane_takes_what_may_run_there_and_fits(queue: Queue) -> None:
    queue.add([wish(1, targets=("other",)), wish(2, gpus=2), wish(3, targets=("other", "gpu"))])
    assert names(claims.claim(queue, Lane("w", "gpu", 0, gpus=1))) == [3]
    queue.add([wish(4, targets=("gpu2",))])
    assert names(claims.claim(queue, Lane("w", "gp", 0))) == []


def test_one_worker_has_a_slot_and_holds_one_claim_in_readiness(queue: Queue) -> None:
    queue.add([wish(n, key=str(n)) for n in range(1, 5)])
    first = claims.claim(queue, LANE)
    assert first and claims.claim(queue, LANE) is None, "one in readiness is enough"
    assert claims.begin(queue, first, {first.items[0].id: "rs_00000001.1"}, 0.0)
    ahead = claims.claim(queue, LANE)
    assert names(ahead) == [2]
    assert claims.claim(queue, Lane("another", "gpu", 0)) is None, "the slot is taken"
    assert names(claims.claim(queue, Lane("another", "gpu", 1))) == [3]
    claims.over(queue, first.id)
    assert claims.claim(queue, Lane("another", "gpu", 0)) is None, "the first one goes on there"


def test_a_claim_that_changed_before_it_began_is_given_back(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    queue.cancel([2])
    assert claims.begin(queue, claim, {1: "rs_00000001.1", 2: "rs_00000002.1"}, 0.0) is None
    assert [item.state for item in queue.items(ids=[1, 2])] == [State.WAITING, State.CANCELLED]
    assert claims.busy(queue) == []


def test_something_more_urgent_goes_before_what_was_only_prepared(queue: Queue) -> None:
    queue.add([wish(1)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    queue.add([wish(2, priority=1)])
    assert claims.begin(queue, claim, {1: "rs_00000001.1"}, 0.0) is None
    assert names(claims.claim(queue, LANE)) == [2]


def test_a_paused_queue_gives_nothing_and_a_held_item_stays(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    queue.pause([1])
    assert names(claims.claim(queue, LANE)) == [2]
    queue.add([wish(3)])
    queue.pause()
    assert queue.paused
    assert claims.claim(queue, Lane("w", "gpu", 1)) is None
    assert claims.next_try(queue) is None, "a paused queue is an idle one"
    queue.pause(paused=False)
    assert names(claims.claim(queue, Lane("w", "gpu", 1))) == [3]


def test_a_pause_also_stops_what_was_prepared(queue: Queue) -> None:
    queue.add([wish(1)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    queue.pause()
    assert claims.begin(queue, claim, {1: "rs_00000001.1"}, 0.0) is None
    assert queue.items()[0].state is State.WAITING


def test_move(queue: Queue) -> None:
    queue.add([wish(n) for n in range(1, 6)])
    assert queue.move([4, 3]) == 2
    assert [item.id for item in queue.items()] == [4, 3, 1, 2, 5]
    assert queue.move([4], last=True) == 1
    assert [item.id for item in queue.items()] == [3, 1, 2, 5, 4]
    assert queue.move([5, 4], before=1) == 2
    assert [item.id for item in queue.items()] == [3, 5, 4, 1, 2]
    with pytest.raises(CosmosError, match="item 77 does not wait"):
        queue.move([1], before=77)


def test_moving_in_front_of_something_urgent_makes_it_as_urgent(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    queue.add([wish(3, priority=9)])
    queue.move([2], before=3)
    assert [item.id for item in queue.items()] == [2, 3, 1]


def test_what_failed_for_a_passing_reason_waits_and_then_goes_alone(queue: Queue) -> None:
    queue.add([wish(1), wish(2)])
    for _ in range(claims.ALONE_AFTER):
        claim = claims.claim(queue, LANE)
        assert claim is not None and names(claim) == [1, 2]
        begun = claims.begin(queue, claim, {1: "rs_00000001.1", 2: "rs_00000002.1"}, 0.0)
        assert begun is not None
        for item in begun.items:
            claims.wait_again(queue, item.id, pause=0, counts=True, cause="killed")
    assert [item.tries for item in queue.items()] == [2, 2]
    assert names(claims.claim(queue, LANE)) == [1]


def test_a_pause_before_the_next_try_is_kept(queue: Queue) -> None:
    queue.add([wish(1)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    claims.begin(queue, claim, {1: "rs_00000001.1"}, 0.0)
    claims.wait_again(queue, 1, pause=60, counts=True, cause="killed", message="a reboot")
    assert claims.claim(queue, LANE) is None
    assert 55 < (claims.next_try(queue) or 0) <= 60


def test_a_try_that_was_not_its_own_does_not_count(queue: Queue) -> None:
    queue.add([wish(1)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    claims.begin(queue, claim, {1: "rs_00000001.1"}, 0.0)
    claims.wait_again(queue, 1, pause=0, counts=False, cause="not_begun")
    assert queue.items()[0].tries == 0


def test_what_a_dead_worker_held_is_taken_over(queue: Queue) -> None:
    queue.add([wish(n, key=str(n)) for n in (1, 2, 3)])
    running = claims.claim(queue, LANE)
    assert running is not None
    claims.begin(queue, running, {1: "rs_00000001.1"}, 0.0)
    claims.claim(queue, LANE)  # and one in readiness

    def alive(name: str) -> bool:
        return name != "worker"

    assert claims.take_over(queue, "next", ["elsewhere"], alive) == []
    (left,) = claims.take_over(queue, "next", ["gpu"], alive)
    assert [item.run for item in left.items] == ["rs_00000001.1"]
    assert [item.state for item in queue.items()] == [State.RUNNING, State.WAITING, State.WAITING]
    assert claims.take_over(queue, "third", ["gpu"], alive) == [], "it is the next one's now"
    assert names(claims.claim(queue, Lane("next", "gpu", 0))) == [2]


def test_retry_leaves_what_is_done_and_what_runs(queue: Queue) -> None:
    queue.add([wish(n, key=str(n)) for n in (1, 2, 3, 4)])
    claims.settle(queue, 1, State.DONE)
    claims.settle(queue, 2, State.SET_ASIDE, cause="killed")
    claims.settle(queue, 3, State.BLOCKED)
    assert queue.retry(states=[State.SET_ASIDE, State.FAILED]) == [2]
    assert queue.retry([1, 3, 4]) == [3]
    assert queue.items(ids=[2])[0].cause == ""


def test_ten_thousand_numbers_at_once(queue: Queue) -> None:
    ids, _ = queue.add([wish(n) for n in range(1, 10_001)])
    assert queue.pause(ids) == 10_000
    assert queue.cancel(ids) == []
    assert queue.counts()[State.CANCELLED] == 10_000


def test_a_damaged_file_is_told_and_not_overwritten(queue: Queue) -> None:
    queue.file.parent.mkdir(parents=True)
    queue.file.write_bytes(b"not a database" * 1000)
    with pytest.raises(CosmosError, match="cannot be used"):
        queue.items()
    assert queue.file.read_bytes().startswith(b"not a database")


def test_a_queue_of_a_newer_version_is_left_alone(queue: Queue) -> None:
    queue.add([wish(1)])
    base = sqlite3.connect(queue.file)
    base.execute("pragma user_version = 99")
    base.close()
    with pytest.raises(CosmosError, match="version 99"):
        queue.items()


def test_choosing_less_than_there_is(queue: Queue) -> None:
    queue.add([wish(n, "a") for n in (1, 2, 3)] + [wish(4, "b")])

    def second(groups: list[Group], busy: list[Busy]) -> tuple[int, int]:
        assert [(group.count, group.max_batch) for group in groups] == [(3, 8), (1, 8)]
        return 0, 2

    assert names(claims.claim(queue, LANE, second)) == [1, 2]  # type: ignore[arg-type]
    assert claims.claim(queue, Lane("w", "gpu", 1), lambda groups, busy: None) is None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["claim", "begin", "drop", "settle", "again", "die"]), max_size=30))
def test_nothing_is_lost_or_taken_twice_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    queue = Queue(tmp_path_factory.mktemp("queue") / "q")
    queue.add([wish(n, key=str(n % 3), max_batch=2) for n in range(9)])
    held: list[claims.Claim] = []
    begun: list[claims.Claim] = []
    for number, step in enumerate(steps):
        if step == "claim" and (made := claims.claim(queue, Lane("w", "gpu", number))):
            held.append(made)
        elif step == "begin" and held:
            one = held.pop()
            after = claims.begin(queue, one, {i.id: f"{i.spec}.1" for i in one.items}, 0.0)
            begun += [after] if after else []
        elif step == "drop" and held:
            claims.release(queue, held.pop().id)
        elif step in ("settle", "again") and begun:
            for item in begun.pop().items:
                if step == "settle":
                    claims.settle(queue, item.id, State.DONE)
                else:
                    claims.wait_again(queue, item.id, pause=0, counts=True)
        elif step == "die":
            begun = claims.take_over(queue, "w", ["gpu"], lambda name: False) or begun
        taken = [item.id for claim in (*held, *begun) for item in claim.items]
        assert len(taken) == len(set(taken))
        states = {item.id: item.state for item in queue.items()}
        assert len(states) == 9
        lively = {item for item, state in states.items() if state in ("claimed", "running")}
        assert lively == set(taken)


def test_what_is_out_of_sight_is_thought_to_be_like_what_is_seen(queue: Queue) -> None:
    queue.add([wish(n, key=str(n % 4)) for n in range(4000)])
    seen: list[Group] = []

    def choose(groups: object, busy: object) -> None:
        seen.extend(groups)  # type: ignore[call-overload]

    assert claims.claim(queue, LANE, choose) is None
    assert [(one.count, one.outlook) for one in seen] == [(125, 1000)] * 4


def test_a_claim_tells_how_much_it_still_has(queue: Queue) -> None:
    queue.add([wish(n) for n in range(3)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    assert [(one.phase, one.count) for one in claims.busy(queue)] == [("claimed", 3)]
    claims.begin(queue, claim, {item.id: f"{item.spec}.1" for item in claim.items}, 60.0)
    claims.settle(queue, claim.items[0].id, State.DONE)
    assert [(one.phase, one.count) for one in claims.busy(queue)] == [("running", 2)]


def test_the_queue_has_a_clock(tmp_path: Path) -> None:
    clock = [100.0]
    queue = Queue(tmp_path / "queue.sqlite", lambda: clock[0])
    queue.add([wish(1)])
    claim = claims.claim(queue, LANE)
    assert claim is not None
    claims.begin(queue, claim, {1: "rs_00000001.1"}, 0.0)
    claims.wait_again(queue, 1, pause=50.0, counts=True)
    assert claims.claim(queue, LANE) is None and claims.next_try(queue) == 50.0
    clock[0] = 151.0
    assert names(claims.claim(queue, LANE)) == [1]


def test_of_many_the_first_so_many_are_listed(queue: Queue) -> None:
    queue.add([wish(n) for n in range(5)])
    assert [item.id for item in queue.items(limit=2)] == [1, 2]


def test_a_place_with_a_queue_of_its_own_takes_all_that_waits_as_jobs(queue: Queue) -> None:
    queue.add([*(wish(n) for n in range(1, 6)), wish(6, "b")])
    taken = claims.claim(queue, Lane("another", "gpu", 1))
    assert names(taken) == [1, 2, 3, 4, 5]
    assert taken is not None
    claims.release(queue, taken.id)
    queue.pause([2])
    found = claims.claim_all(queue, LANE, 100, lambda group: 2)
    assert [names(one) for one in found] == [[1, 3], [4, 5], [6]]
    assert len({one.lane.slot for one in found}) == 3
    assert claims.claim_all(queue, LANE, 100, lambda group: 2) == []


def test_it_takes_no_more_jobs_than_it_is_told_to_and_none_of_a_queue_that_is_held(
    queue: Queue,
) -> None:
    queue.add([wish(n) for n in range(1, 8)])
    queue.pause()
    assert claims.claim_all(queue, LANE, 2, lambda group: 3) == []
    queue.pause(paused=False)
    assert [names(one) for one in claims.claim_all(queue, LANE, 2, lambda group: 3)] == [
        [1, 2, 3], [4, 5, 6],
    ]  # fmt: skip


def test_of_many_that_begin_those_that_were_taken_back_do_not(queue: Queue) -> None:
    queue.add([wish(n) for n in (1, 2, 3)])
    found = claims.claim_all(queue, LANE, 9, lambda group: 1)
    queue.cancel([2])
    begun = claims.begin_all(queue, [(one, {one.items[0].id: "run"}, 0.0) for one in found])
    assert [names(one) for one in begun] == [[1], [], [3]]
    assert [item.state for item in queue.items(ids=[1, 2, 3])] == [
        State.RUNNING, State.RUNNING, State.CANCELLED,
    ]  # fmt: skip


def test_a_queue_of_the_version_before_goes_on(queue: Queue) -> None:
    queue.add([wish(1)])
    with sqlite3.connect(queue.file) as base:
        base.execute("alter table items drop column after")
        base.execute("pragma user_version = 1")
    assert [item.after for item in queue.items()] == [""]
    queue.add([wish(2, after="rs_00000001.1")])
    assert [item.after for item in queue.items()] == ["", "rs_00000001.1"]
