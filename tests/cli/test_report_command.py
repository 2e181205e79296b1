"""``cosmos report`` as seen: in 80 columns, as JSON, as a page, opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_workflow.cli.words import width_of
from tests.cli.calling import Cosmos
from tests.night import CONFIG, Night, a_night, spec

SOURCE = Path(__file__).parents[2]


@pytest.fixture
def night(project: Path) -> Night:
    (project / "config.toml").write_text(CONFIG, encoding="utf-8")
    return a_night(project / "outputs")


def test_a_night_in_eighty_columns(cosmos: Cosmos, night: Night) -> None:
    said = cosmos("report")
    assert said.code == 0 and max(map(width_of, said.out.splitlines())) <= 80
    for what in ("runs since 24h: 2 succeeded, 1 failed, 1 blocked", "engine", "blocked",
                 "box:0  3     15:00   20:00  43%", "transfer25  2     5:00",
                 "made       2 videos, 0:10 of video", "20:00 used, 20:00 idle: 50% busy",
                 "120.0 GPU seconds a second of video",
                 "0.75, 0.75 a video, 9.00 a minute, 1.00 of idle time beside it",
                 "not in it: 1 run without a price",
                 "set price_per_hour in [targets.bare]"):  # fmt: skip
        assert what in said.out, said.out
    assert "\x1b" not in said.out and "\u202e" not in said.out


def test_nobody_has_a_price(cosmos: Cosmos, night: Night) -> None:
    said = cosmos("report", "--target", "bare").out
    assert "no run has a price\n           set price_per_hour in [targets.bare]" in said


def test_the_numbers(cosmos: Cosmos, night: Night) -> None:
    (found,) = cosmos("report", "--json").objects
    assert found["counts"] == {
        "pending": 0, "running": 0, "success": 2, "failed": 1, "blocked": 1, "cancelled": 0,
    }  # fmt: skip
    assert found["cost"] == pytest.approx(0.75) and found["unpriced"] == 1
    assert found["gpu_seconds"] == pytest.approx(1200)
    assert found["idle_gpu_seconds"] == pytest.approx(1200)
    assert {one["cause"]: one["count"] for one in found["causes"]} == {"engine": 1, "blocked": 1}
    assert found["places"][0]["target"] == "bare" and found["places"][0]["cost"] is None
    assert found["waits"] is None, "they were submitted before they were added: a clock was set"


def test_only_what_has_a_label(cosmos: Cosmos, night: Night) -> None:
    night.ended(spec("by hand", 9), "box:0", 1.7e9, 1.7e9 + 60)
    count = [
        sum(cosmos("report", "--since", "all", *more, "--json").objects[0]["counts"].values())
        for more in ((), ("--label", "evening"), ("--target", "bare"))
    ]
    assert count == [5, 4, 1]
    wrong = cosmos("report", "--label", "evning")
    assert wrong.code == 3 and "did you mean 'evening'" in wrong.err
    assert cosmos("report", "--target", "gone").code == 2


def test_no_queue_is_made_by_a_report(cosmos: Cosmos, project: Path) -> None:
    assert "no runs: runs since 24h" in cosmos("report").out
    assert not (project / "outputs").exists()


def test_a_page(cosmos: Cosmos, night: Night, project: Path) -> None:
    said = cosmos("report", "--html", "night.html")
    assert "page: night.html" in said.out
    text = (project / "night.html").read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text and "\u202e" not in text
    assert text.count("<section>") == 7
    assert "cannot write" in cosmos("report", "--html", "no/such/folder.html").err
    assert list(project.glob(".*.part")) == []


def test_it_opens_in_the_browser_there_is(night: Night, project: Path) -> None:
    opened = project / "opened"
    browser = project / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{str(opened).replace("$", chr(92) + "$")}"\n')
    browser.chmod(0o755)
    link = project.parent / "plain"  # BROWSER is split like a shell's line
    link.symlink_to(project)
    done = subprocess.run(
        [sys.executable, "-m", "cosmos_workflow", "report", "--open"],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "BROWSER": f"{link}/browser %s"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "page: outputs/report.html" in done.stdout
    page = project / "outputs" / "report.html"
    assert page.is_file() and opened.read_text() == page.as_uri()
