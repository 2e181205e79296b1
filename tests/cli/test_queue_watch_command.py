"""``cosmos queue watch`` as seen: in few and many columns, in few rows, as JSON, once and again."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cosmos_workflow.cli.queue_drawn import drawn
from cosmos_workflow.cli.words import width_of
from cosmos_workflow.config.load import load
from cosmos_workflow.runs import workers
from cosmos_workflow.workflows.queue_lanes import Lane
from cosmos_workflow.workflows.queue_view import Lookout, View
from tests.cli.calling import Cosmos
from tests.night import CONFIG, Night, a_night, progress, spec

NAME = "a rainy neon street in the old town with a wide lens, version {} of it"


@pytest.fixture
def night(project: Path) -> Night:
    """Two jobs run on box, of which one is followed by nobody, and one item waits."""
    (project / "config.toml").write_text(CONFIG, encoding="utf-8")
    night = a_night(project / "outputs")
    night.queue.cancel([5])
    runs = [spec(NAME.format(n), 100 + n) for n in range(6)]
    night.add(runs)
    for slot, count in ((0, 3), (1, 2)):
        claim = night.claimed(slot, f"1-dead{slot}", count, time.time() + 95)
        mates = [item.run for item in claim.items]
        for item in claim.items:
            folder = night.folder(next(run for run in runs if run.id == item.spec), mates)
            night.began(folder, "box", time.time())
            progress(night, folder, 0.42)
    return night


def test_eighty_columns_show_what_matters(
    cosmos: Cosmos, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = cosmos("queue", "watch", "--once")
    assert said.code == 0 and max(map(width_of, said.out.splitlines())) <= 80
    for what in ("5 running, 1 waiting, 2 done, 1 failed", "6.00 an hour now", "0.75 spent",
                 "box/0", " 42%", "1:3", "nobody follows it: cosmos queue work",
                 "no worker is at work here: cosmos queue work"):  # fmt: skip
        assert what in said.out, said.out
    assert "\x1b" not in said.out and "\u202e" not in said.out
    monkeypatch.setenv("COLUMNS", "200")
    wide = cosmos("queue", "watch").out
    assert max(map(width_of, wide.splitlines())) <= 200
    assert NAME.format(0) in wide and "run 1 of 3" in wide and "engine: <script>" in wide


def test_who_follows_is_alive(cosmos: Cosmos, night: Night) -> None:
    with workers.at_work(night.outputs / ".queue") as name:
        with night.queue.writing() as base:
            base.execute("update claims set worker = ?", [name])
        said = cosmos("queue", "watch", "--once").out
    assert "nobody" not in said and "no worker" not in said
    assert "rs_" in said and "run 1 of 3" in said and "sampling" in said


def test_only_some_targets(cosmos: Cosmos, night: Night) -> None:
    said = cosmos("queue", "watch", "--targets", "bare,bare")
    assert "bare/0" in said.out and "box/" not in said.out
    wrong = cosmos("queue", "watch", "--targets", "bax")
    assert wrong.code == 2 and "no target named 'bax'" in wrong.err
    assert "did you mean 'box'" in wrong.err


def test_one_object_a_look(cosmos: Cosmos, night: Night) -> None:
    (seen,) = cosmos("queue", "watch", "--once", "--json").objects
    assert seen["counts"]["running"] == 5 and seen["workers"] == 0
    assert [lane["fraction"] for lane in seen["lanes"]] == [0.42, 0.42]
    assert [item["state"] for item in seen["last"][:2]] == ["cancelled", "blocked"]
    assert len(cosmos("queue", "watch", "--json").objects) == 1, "nobody looks on: once"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_in_a_terminal_it_goes_on_until_ctrl_c(night: Night, more: list[str]) -> None:
    ours, its = pty.openpty()
    line = [sys.executable, "-m", "cosmos_workflow", "queue", "watch", *more]
    source = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(line, stdout=its, env=environment, start_new_session=True) as going:
        os.close(its)
        seen = ""
        while seen.count("\n") < 2 if more else "the queue is paused" not in seen:
            seen += os.read(ours, 65536).decode(errors="replace")
            if not more and "42%" in seen:
                night.queue.pause()  # the next look shows something else
        going.send_signal(signal.SIGINT)
        while going.poll() is None or select.select([ours], [], [], 0)[0]:
            try:
                seen += os.read(ours, 65536).decode(errors="replace")
            except OSError:  # a terminal without a program at its other end
                break
        assert going.wait() == 0
    os.close(ours)
    if more:
        first, second = [json.loads(text) for text in seen.splitlines()[:2]]
        assert first["at"] < second["at"]
    else:
        assert seen.count("\x1b[?1049h") == seen.count("\x1b[?1049l") == 1
        assert "box/0" in seen.rpartition("\x1b[?1049l")[2], "the last view stays"


def test_nothing_is_made_by_a_look(cosmos: Cosmos, night: Night) -> None:
    before = {path for path in night.outputs.rglob("*") if "sqlite" not in path.name}
    queue = night.queue.items()
    cosmos("queue", "watch", "--once")
    assert {path for path in night.outputs.rglob("*") if "sqlite" not in path.name} == before
    assert night.queue.items() == queue


def rows(view: View, width: int, height: int | None = None) -> list[str]:
    console = Console(width=width, height=100, file=io.StringIO(), color_system=None)
    with console.capture() as got:
        console.print(drawn(view, width, height))
    return got.get().splitlines()


@pytest.mark.parametrize("width", [40, 80, 119, 120, 200])
@pytest.mark.parametrize("height", [5, 8, 12, 24, 50])
def test_it_fits_any_window(night: Night, project: Path, width: int, height: int) -> None:
    view = Lookout(load(), night.queue).look()
    lane = replace(view.lanes[0], followed=True, ready=3)
    many = (*(replace(lane, slot=n) for n in range(12)), Lane("box", 12))
    shown = rows(replace(view, lanes=many), width, height)
    assert len(shown) <= max(height, 8) and max(map(width_of, shown)) <= width
    assert "box/0" in "\n".join(shown)
    if height < 17:
        assert any("more slots" in line for line in shown)
    if height == 50 and width < 120:
        assert sum("sampling" in line for line in shown) == 12 or width < 60


def test_an_empty_queue(cosmos: Cosmos) -> None:
    said = cosmos("queue", "watch", "--once")
    assert said.code == 0 and "0 running, 0 waiting, 0 done" in said.out
    assert "no slot was wanted yet" in said.out and "no worker" not in said.out
