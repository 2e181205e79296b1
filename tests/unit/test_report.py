"""What runs came to: counts, causes, busy and idle time, money; and the page that shows it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows import report_axis
from cosmos_workflow.workflows.report import report
from cosmos_workflow.workflows.report_page import page
from cosmos_workflow.workflows.report_timeline import timeline
from cosmos_workflow.workflows.report_window import moment

OK = ExecutionStatus.SUCCESS


def row(number: int, since: float, until: float, **more: object) -> Row:
    one = Row(
        id=f"rs_{number:08x}.1", name=f"street {number}", engine="transfer25", target="gpu",
        status=OK, created=since, ended=until, seconds=until - since, message="", slot="gpu:0",
        since=since, until=until, gpus=1, price=3600.0, plays=5.0,
    )  # fmt: skip
    return replace(one, **more)  # type: ignore[arg-type]


def test_a_slot_is_idle_between_its_runs_and_not_beside_them() -> None:
    found = report([row(1, 0, 10), row(2, 10, 15), row(3, 20, 30), row(4, 100, 101, slot="gpu:1")])
    first, second = found.slots
    assert (first.busy, first.idle, first.runs) == (25, 5, 3)
    assert first.busy_share == pytest.approx(25 / 30)
    assert (second.busy, second.idle) == (1, 0)
    assert found.gpu_seconds == 26 and found.idle_gpu_seconds == 5


def test_runs_that_overlap_on_a_slot_are_busy_once() -> None:
    (slot,) = report([row(1, 0, 10), row(2, 5, 12), row(3, 6, 7)]).slots
    assert (slot.busy, slot.idle) == (12, 0)


def test_money_by_the_price_of_its_time() -> None:
    found = report([row(1, 0, 10), row(2, 10, 20, price=7200.0, gpus=2)])
    assert found.cost == pytest.approx(10 + 40)
    assert found.cost_per_video == pytest.approx(25)
    assert found.cost_per_minute == pytest.approx(50 / (10 / 60))
    free = report([row(1, 0, 10, price=0.0)])
    assert (free.cost, free.unpriced, free.cost_per_video) == (None, 1, None)


def test_a_slot_is_counted_from_the_beginning_of_the_time() -> None:
    rows = [row(1, 0, 100), row(2, 120, 150)]
    (slot,) = report(rows, since=90).slots
    assert (slot.first, slot.busy, slot.idle) == (90, 10 + 30, 20)
    assert report(rows, since=90).gpu_seconds == 130, "a run is whole, or not there"


def test_a_host_whose_clock_is_behind_loses_nothing() -> None:
    behind = replace(row(1, 0, 50), ended=100_050.0)
    (slot,) = report([behind, replace(row(2, 60, 80), ended=100_080.0)], since=100_000).slots
    assert (slot.busy, slot.idle) == (70, 10)
    backwards = report([row(1, 50, 40)])
    assert backwards.gpu_seconds == 0 and backwards.slots[0].busy == 0


def test_a_run_that_used_nothing_is_only_counted() -> None:
    none = row(1, 0, 0, slot="", plays=0.0, gpus=0, ended=5.0, status=ExecutionStatus.FAILED)
    found = report([none, row(2, 0, 10)])
    assert found.counts["failed"] == 1 and found.gpu_seconds == 10 and len(found.slots) == 1
    assert found.unpriced == 0, "it cost nothing, with a price or without"


def test_two_targets_of_which_one_has_a_price() -> None:
    found = report([row(1, 0, 10), row(2, 0, 30, target="b", slot="b", price=0.0)])
    assert [(p.target, p.cost, p.cost_per_video, p.unpriced) for p in found.places] == [
        ("b", None, None, 1), ("gpu", 10.0, 10.0, 0),
    ]  # fmt: skip
    assert found.cost_per_video == 10, "a video without a price makes the others no cheaper"
    assert found.cost_per_minute == pytest.approx(10 / (5 / 60))
    assert found.gpu_seconds_per_second == pytest.approx(40 / 10)


def test_machines_without_a_gpu_are_told_apart() -> None:
    found = report([row(1, 0, 10), row(2, 0, 7, slot="here", gpus=0)])
    assert (found.gpu_seconds, found.without_gpu) == (17, 7)


def test_what_an_engine_takes() -> None:
    bad = ExecutionStatus.FAILED
    rows = [row(n, 0, took, engine="a") for n, took in ((1, 9), (2, 1), (3, 4))]
    rows += [row(4, 0, 6, engine="a", status=bad, plays=0.0)]
    rows += [row(5, 0, 8, engine="b", status=bad, plays=0.0)]
    a, b = report(rows).paces
    assert (a.runs, a.fastest, a.middle, a.slowest) == (3, 1, 4, 9)
    assert (a.fastest_run, a.slowest_run) == (rows[1].id, rows[0].id)
    assert (a.gpu_seconds, a.lost, a.a_second) == (20, 6, pytest.approx(20 / 15))
    assert (b.runs, b.fastest, b.gpu_seconds, b.lost, b.a_second) == (0, None, 8, 8, None)


def test_what_waited_and_how_long() -> None:
    spec = "rs_00000001"
    again = replace(row(1, 100, 110), id=f"{spec}.2")
    rows = [row(1, 10, 20), again, row(2, 40, 50)]
    added = [(spec, 4.0), (spec, 70.0), ("rs_00000002", 10.0), ("rs_00000003", 0.0)]
    found = report(rows, added=added).waits
    assert found is not None and (found.items, found.shortest, found.longest) == (3, 6, 30)
    assert report(rows, added=[("rs_00000002", 45.0)]).waits is None


def test_as_json_without_the_runs() -> None:
    found = report([row(1, 0, 10)]).to_json()
    assert "rows" not in found and json.loads(json.dumps(found)) == found
    assert found["slots"][0]["busy"] == 10 and found["busy_share"] == 1


def test_failures_cost_and_are_told_by_cause() -> None:
    bad = ExecutionStatus.FAILED
    rows = [
        row(1, 0, 10),
        row(2, 10, 14, status=bad, cause="engine", message="it broke\nmore", plays=0.0),
        row(3, 14, 15, status=bad, cause="engine", message="again", plays=0.0),
        row(4, 0, 0, status=ExecutionStatus.BLOCKED, cause="blocked", slot="", plays=0.0),
        replace(row(2, 20, 21), id="rs_00000002.2"),
    ]
    found = report(rows)
    assert found.counts["failed"] == 2 and found.counts["success"] == 2
    assert [(one.cause, one.count) for one in found.causes] == [("engine", 2), ("blocked", 1)]
    assert found.retried == 1
    assert found.cost_per_video == pytest.approx(16 / 2), "what failed is paid for as well"


def test_a_time_of_what() -> None:
    assert len(report([row(1, 0, 10), row(2, 10, 20)], since=15).rows) == 1
    now = datetime(2026, 11, 27, 12)
    assert moment("24h", now) == datetime(2026, 11, 26, 12).timestamp()
    assert moment("all") is None and moment("99999999w") is None
    with pytest.raises(SpecError, match="is no time"):
        moment("yesterday")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "line", "polyline", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "polyline", "polygon"):
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    hostile = '<script>alert("x")</script>&\'"'
    rows = [
        row(1, 1.7e9, 1.7e9 + 60, name=hostile),
        row(
            2,
            1.7e9 + 60,
            1.7e9 + 90,
            status=ExecutionStatus.FAILED,
            cause="engine",
            message=hostile,
        ),
    ]
    text = page(report(rows), hostile)
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and "script" not in tags.seen
    assert tags.seen.count("svg") == 4 and "polyline" in tags.seen
    assert text.count("&lt;script&gt;") >= 4, "title, head line, bar and message"
    assert "http://" not in text and "https://" not in text and "src=" not in text
    assert page(report([]), "none").count("<section>") == 0


def test_ten_thousand_runs_are_a_small_page() -> None:
    kinds = [OK, OK, OK, ExecutionStatus.FAILED, ExecutionStatus.BLOCKED]
    rows = [
        row(n, n * 10.0, n * 10.0 + 9, slot=f"gpu:{n % 8}", status=kinds[n // 40 % 5])
        for n in range(10_000)
    ]
    text = page(report(rows), "many")
    assert len(text) < 400_000
    assert "runs: succeeded" in text, "bars that cannot be told apart are one"


def bars_of(text: str) -> list[tuple[float, float, float]]:
    """Of the timeline's runs: left, top, width."""
    found = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" [^>]*class="good"', text)
    return [(float(x), float(y), float(width)) for x, y, width in found]


def test_runs_beside_each_other_are_drawn_beside_each_other() -> None:
    rows = [row(1, 0, 100), row(2, 50, 150), row(3, 100.5, 150)]
    found = report(rows)
    first, second, third = sorted(bars_of(timeline(found.slots, found.rows)))
    assert first[1] == third[1] != second[1], "the third finds the first line free again"
    assert first[0] < second[0] < third[0]
    many = report([row(n, n, 1000 + n) for n in range(50)])
    assert len({top for _, top, _ in bars_of(timeline(many.slots, many.rows))}) == 8


def test_axes_have_round_numbers() -> None:
    assert report_axis.amounts(7, whole=True) == [0, 2, 4, 6, 8]
    assert report_axis.amounts(1, whole=True) == [0, 1]
    assert report_axis.amounts(0.07)[-1] == pytest.approx(0.08)
    begin = datetime(2026, 11, 27, 22, 10).timestamp()
    said = [text for _, text in report_axis.ticks(begin, begin + 4 * 3600, 8)]
    assert said[0] == "27 Nov 22:30" and "28 Nov 00:00" in said and "00:30" in said
    assert report_axis.ticks(begin, begin, 8) == [(begin, "27 Nov 22:10:00")]
    days = [text for _, text in report_axis.ticks(begin, begin + 20 * 86400, 8)]
    assert len(days) <= 8 and all(re.fullmatch(r"\d+ \w+", text) for text in days)
    assert report_axis.step(1e12, 8) >= 1e12 / 8
