"""What runs came to: counts, causes, busy and idle time, money; and the page that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.runs.index import Row
from cosmos_workflow.workflows.report import report
from cosmos_workflow.workflows.report_page import page
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
