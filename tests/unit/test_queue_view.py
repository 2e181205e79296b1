"""What a watcher of the queue sees: ends, lanes, who follows them, and that it reads little."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cosmos_workflow.config.load import load
from cosmos_workflow.events import ExecutionStatus, Progress
from cosmos_workflow.runs import claims, workers
from cosmos_workflow.runs.claims import Busy
from cosmos_workflow.runs.queue import State
from cosmos_workflow.runs.queue_glance import Stock, glance
from cosmos_workflow.runs.store import Store
from cosmos_workflow.runs.tail import Tail
from cosmos_workflow.workflows.queue_ends import job_ends, queue_ends
from cosmos_workflow.workflows.queue_view import Lookout, View
from tests.night import CONFIG, Night, a_night, progress, spec


def busy(at: float, ends: float = 0.0) -> Busy:
    return Busy(1, "w", "box", 0, "running", at, ends, "key", 1)


@pytest.mark.parametrize(("now", "pace", "done", "of", "fraction", "ends"), [
    (10, (20, 5), 0, 4, None, 40),  # began at 0, as planned
    (22, (20, 5), 0, 4, 0.05, 22 + 5 * 3.8),  # the load took longer than last time
    (50, (20, 5), 0, 4, 0.125, 50 + 5 * 3.5),  # later than planned
    (50, (20, 5), 0, 4, None, None),  # later than planned, and it says nothing
    (26, (20, 5), 1, 4, 0.375, 26 + 5 * 2.5),  # the load is behind it
    (80, (20, 5), 1, 4, 0.375, 80 + 40 * 2.5),  # it is slower than last time
    (100, None, 3, 4, 0.8, 125),  # three and a fifth took 100
    (50, (20, 5), 0, 4, 0.5, 50 + 5 * 3),  # it counts the load: the first run is not over
    (100, None, 0, 4, None, None),
    (100, None, 0, 1, 0.001, None),  # too early to say
    (100, (0, 10), 4, 4, 1.0, 100),  # never before now
])  # fmt: skip
def test_when_a_job_is_over(
    now: float, pace: tuple[float, float] | None, done: int, of: int, fraction: float | None,
    ends: float | None,
) -> None:  # fmt: skip
    assert job_ends(now, busy(0), pace, done, of, fraction) == (
        None if ends is None else pytest.approx(ends)
    )


def test_the_end_that_the_worker_thought_of() -> None:
    assert job_ends(10, busy(0, 60), None, 0, 4, None) == 60
    assert job_ends(70, busy(0, 60), None, 0, 4, None) is None


def test_when_all_is_over() -> None:
    paces = {("key", "box"): (10.0, 2.0)}
    stock = Stock("key", ("box", "gone"), 20, 8)
    slots = {"box": 2, "bare": 1}
    assert queue_ends(0, [], [stock], paces, slots) == pytest.approx((3 * 10 + 20 * 2) / 2)
    assert queue_ends(0, [30], [stock], paces, slots) == pytest.approx((70 + 30) / 2)
    assert queue_ends(0, [300], [stock], paces, slots) == 300, "the longest one ends last"
    assert queue_ends(0, [None], [stock], paces, slots) is None
    assert queue_ends(0, [], [Stock("other", ("box",), 1, 8)], paces, slots) is None
    assert queue_ends(0, [], [], paces, slots) is None


def test_only_new_events_are_read(tmp_path: Path) -> None:
    night = Night(tmp_path)
    folder = night.folder(run := spec("take", 1))
    tail, run_id = Tail(Store(tmp_path)), f"{run.id}.1"
    assert tail.run(run_id).status is ExecutionStatus.PENDING, "no event yet"
    night.began(folder, "box", 5)
    assert tail.run(run_id).submitted == 5
    file = folder / "events.jsonl"
    read = file.read_bytes()
    file.write_bytes(b"x" * (len(read) - 1) + b"\n")  # what was read is not read again
    assert tail.run(run_id).submitted == 5
    progress(night, folder, 0.25)
    with file.open("ab") as out:
        out.write(b'{"event": "Progress", "at": 9, "stage": "half a li')
    assert tail.run(run_id).fraction == 0.25
    with file.open("ab") as out:
        out.write(b'ne", "fraction": 0.5}\nnot json\n{"event": "OfLater", "at": 1}\n')
    assert (tail.run(run_id).stage, tail.run(run_id).fraction) == ("half a line", 0.5)
    file.write_bytes(read)
    assert tail.run(run_id).fraction is None, "a file that shrank is read from its beginning"
    (folder / "events.jsonl").unlink()
    assert tail.run(run_id).submitted is None
    assert tail.mates("rs_00000000.1") == ("rs_00000000.1",)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return a_night(tmp_path / "outputs")


def look(night: Night, *targets: str) -> View:
    return Lookout(load(night.outputs.parent), night.queue, targets).look()


def test_nothing_at_all(tmp_path: Path) -> None:
    view = look(Night(tmp_path / "outputs"))
    assert view.lanes == () and view.last == () and sum(view.counts.values()) == 0
    assert (view.busy_share, view.cost, view.ends) == (None, None, None)


def test_what_is_seen_of_a_job(night: Night) -> None:
    night.add(more := [spec(f"more {n}", 100 + n) for n in range(4)])
    assert more
    with workers.at_work(night.outputs / ".queue") as worker:
        claims.learn(night.queue, glance(night.queue).stocks[0].batch_key, "box", 60, 30)
        claim = night.claimed(1, worker, 3, time.time() + 150)
        mates = [item.run for item in claim.items]
        for item in claim.items:
            folder = night.folder(next(s for s in [*more, spec("take 4", 4)] if s.id == item.spec),
                                  mates)  # fmt: skip
            night.began(folder, "box", time.time())
            night.tell(folder, Progress("sampling", 0.5), time.time())
        claims.settle(night.queue, claim.items[0].id, State.DONE, mates[0])
        view = look(night)
    idle, lane = view.lanes
    assert (idle.target, idle.slot, idle.run) == ("box", 0, "")
    assert (lane.run, lane.place, lane.of) == (mates[1], 2, 3)
    assert (lane.stage, lane.fraction, lane.followed) == ("sampling", 0.5, True)
    assert lane.ends is not None and lane.ends == pytest.approx(view.at + 45, abs=1)
    assert view.ends is not None and view.ends > view.at
    assert view.workers == 1 and view.an_hour == 3.0
    assert view.counts[State.RUNNING] == 2 and view.last[0].run == mates[0]
    after = look(night)
    assert not after.lanes[1].followed and after.workers == 0, "the worker is gone, the job is not"
    assert after.ends is None and after.lanes[1].run == mates[1]


def test_a_worker_that_has_just_come_is_not_disturbed(tmp_path: Path) -> None:
    file = tmp_path / "worker-7-new.lock"
    file.touch()
    assert workers.living(tmp_path) == ["7-new"], "it has made its file, and not locked it yet"
    os.utime(file, (1, 1))
    assert workers.living(tmp_path) == [] and not file.exists()


def test_a_run_whose_folder_is_not_there_yet(night: Night) -> None:
    night.claimed(0, "1-dead", 1)
    lane = look(night).lanes[0]
    assert (lane.stage, lane.fraction, lane.place, lane.of) == ("starting", None, 1, 1)


def test_money_and_busy_are_of_the_targets_that_are_watched(night: Night) -> None:
    assert look(night).cost == pytest.approx(3 * 300 / 3600 * 3)
    assert look(night, "bare").cost is None
    assert look(night, "bare").busy_share == 1.0
    share = look(night, "box").busy_share
    assert share == pytest.approx(3 * 300 / 2100), "from the first to the last use of box:0"


def test_what_waits_and_why(night: Night) -> None:
    held, later = night.add([spec("held", 50), spec("later", 51)])
    night.queue.pause([held])
    claims.wait_again(night.queue, later, pause=600, counts=True, cause="killed")
    view = look(night)
    assert (view.counts[State.WAITING], view.held, view.later) == (3, 1, 1)
    assert view.next_try == 0 and not view.paused
    night.queue.pause()
    assert look(night).paused and look(night).next_try is None
