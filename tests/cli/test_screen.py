"""Screens: live in a terminal, throttled lines in a pipe, JSON lines for a program."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_workflow.cli.live import LiveScreen, drawn
from cosmos_workflow.cli.options import SHAPES, spread
from cosmos_workflow.cli.pace import Pace
from cosmos_workflow.cli.screen import JsonScreen, LineScreen
from cosmos_workflow.cli.words import (
    clean,
    duration,
    folded,
    grid,
    log_line,
    shortened,
    size,
    width_of,
)
from cosmos_workflow.events import (
    Blocked,
    Disconnected,
    Failed,
    JobEnded,
    Log,
    Output,
    Planned,
    Progress,
    Staged,
    Submitted,
    Succeeded,
    Transferring,
)  # fmt: skip

ROOT = Path(__file__).parents[2]
OUTPUT = Output("夜 \x1b[2J.mp4", 12_400_000, "ab")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines(clock: Clock, verbose: bool = False) -> tuple[LineScreen, io.StringIO]:
    out = io.StringIO()
    return LineScreen(out, io.StringIO(), verbose=verbose, clock=clock), out


def test_the_story_of_a_run_in_a_pipe(clock: Clock) -> None:
    screen, out = lines(clock)
    screen.begin("rs_1.1")
    last = screen.events(
        [
            Planned("rs_1.1", "transfer1", "remote"),
            Transferring("up", 50, 100, 2_000_000.0),
            Staged(100, 120, 1.0),
            Submitted({}),
            Disconnected("broken\npipe.", 2.0),
            Log("unheard\n", 8),
            JobEnded(0, "exited"),
            OUTPUT,
            Succeeded((OUTPUT,)),
        ]
    )
    assert isinstance(last, Succeeded)
    assert out.getvalue().splitlines() == [
        "rs_1.1: transfer1 on remote",
        "uploading  50%  50 B of 100 B, 2.0 MB/s  0:00",
        "inputs in place: 100 B sent, 20 B there already",
        "submitted: the run goes on by itself from here",
        "waiting for the job's first words  0:00",
        "broken\\npipe; what came is kept; trying again in 2 s",
        "the job has ended",
        "output: 夜 \\x1b[2J.mp4 (12.4 MB)",
        "SUCCESS",
    ]


def test_progress_in_a_pipe_is_throttled(clock: Clock) -> None:
    screen, out = lines(clock)
    screen.begin("x")
    for step in range(36):
        screen.show(Progress(f"step {step}/35", step / 35))
        clock.now += 1
    said = out.getvalue().splitlines()
    assert [line.split("  ")[0] for line in said] == [
        "step 0/35", "step 10/35", "step 20/35", "step 30/35", "step 35/35"
    ]  # fmt: skip
    assert said[1] == "step 10/35  29%  0:10  about 0:25 left"


def test_verbose_shows_the_log_tamed(clock: Clock) -> None:
    screen, out = lines(clock, verbose=True)
    screen.show(Log("\x1b[32mINFO\x1b[0m a\n 10%|#\r 20%|##\r\n\x1b]0;title\x07\n", 9))
    assert out.getvalue().splitlines() == ["  INFO a", "   20%|##", "  \\x1b]0;title\\x07"]


def test_how_it_ended_badly(clock: Clock) -> None:
    screen, out = lines(clock)
    screen.show(Failed("out_of_memory", "CUDA out of memory", "try\nless"))
    screen.show(Blocked("prompt", "blocklist", "refused"))
    assert out.getvalue().splitlines() == [
        "FAILED (out_of_memory)",
        "BLOCKED by blocklist: prompt",
    ]


def test_json_is_one_object_a_line_and_nothing_else() -> None:
    out = io.StringIO()
    with JsonScreen(out) as screen:
        screen.begin("rs_1.1")
        screen.say("prose")
        screen.table(("a",), [("b",)])
        screen.picture(Path("x"), "y")
        screen.step("z", 0.5)
        screen.warn("careful")
        screen.show(Log("a\nb\n", 4))
        screen.data({"path": Path("x")})
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told[0] == {"warning": "careful"} and told[2] == {"path": "x"}
    assert told[1]["event"] == "Log" and told[1]["run"] == "rs_1.1" and told[1]["text"] == "a\nb\n"


def test_the_estimate_follows_the_latest_rise(clock: Clock) -> None:
    pace = Pace(clock)
    pace.move("load", None)
    assert pace.left is None
    clock.now += 100
    pace.move("a", 0.0)
    clock.now += 10
    pace.move("a", 0.25)
    assert pace.left == pytest.approx(30)
    clock.now += 5
    assert pace.left == pytest.approx(25) and pace.elapsed == 115
    pace.move("b", 0.1)
    assert pace.left is None
    pace.move("b", 1.0)
    assert pace.left is None


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("stage", ["up", "denoising " * 9, "夜" * 60, "a\nb\x1b[2J"])
def test_the_moving_line_fits(clock: Clock, width: int, stage: str) -> None:
    pace = Pace(clock)
    pace.begin("rs_1f2e3d4c.2")
    pace.move(stage, 0.1, "chunk 1 of 2")
    clock.now += 4000
    pace.move(stage, 0.5, "chunk 1 of 2")
    line = drawn(pace, width, color=False)
    assert "\n" not in line and "\x1b" not in line
    if width >= 40:
        assert width_of(line) <= width and "50%" in line and "1:06:40" in line
    if width >= 80 and stage == "up":
        assert "━━━━━" in line and "chunk 1 of 2" in line


def test_tables_fit_and_lose_nothing() -> None:
    rows = [("rs_1f2e3d4c.1", "word " * 30, "夜" * 50), ("b", "x" * 90, "")]
    table = grid(("id", "prompt", "name"), rows, 80)
    assert all(width_of(line) <= 80 for line in table)
    text = "".join(table)
    assert text.count("word") == 30 and text.count("夜") == 50 and text.count("x") == 90
    path = "a/" * 40
    assert grid(("a", "b"), [("1", f"lost: {path}")], 50)[1:] == [
        "1  lost:", f"   {path[:47]}", f"   {path[47:]}"
    ]  # fmt: skip
    assert grid(("a", "b"), [("1", "two\nlines")], 80) == ["a  b", "1  two\\nlines"]


def test_words() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_500_000, 123_400_000, 5e12)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "123 MB", "5000 GB"
    ]  # fmt: skip
    assert [duration(s) for s in (-1, 0.4, 59.6, 3600)] == ["0:00", "0:00", "1:00", "1:00:00"]
    assert clean("a\tb\n\x1b[31m\u202e\udce9") == "a\tb\n\\x1b[31m\\u202e\\udce9"
    assert shortened("夜夜夜", 5) == "夜夜…" and shortened("abc", 3) == "abc"
    assert log_line("a\rb") == "b"
    assert folded("hint: the run goes on; cosmos follow rs_1.2", 32) == [
        "hint: the run goes on; cosmos", "      follow rs_1.2"
    ]  # fmt: skip
    assert folded("message           it ended before its time", 36) == [
        "message           it ended before", "                  its time"
    ]  # fmt: skip
    for command in ("hint:   ssh-keyscan a >> b", "        ssh-keyscan a >> b"):
        assert folded(command + " c" * 99, 40) == [command + " c" * 99]


def test_a_terminal_breaks_prose_between_words_and_what_is_copied_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = io.StringIO()
    LiveScreen(out, io.StringIO()).say(
        "the picture is the first frame of what is made\nnext: " + "x " * 30
    )
    first, second, third, _ = out.getvalue().split("\n")
    assert (first, second) == ("the picture is the first frame of what", "      is made")
    assert third == "next: " + "x " * 30


def test_flags_with_several_values() -> None:
    flags = {"--c": SHAPES["modality:path"], "--w": SHAPES["key=value"]}
    assert spread(["--c", "a:1", "b:2", "N", "T: x"], flags) == [
        "--c", "a:1", "--c", "b:2", "N", "T: x"
    ]  # fmt: skip
    assert spread(["--w", "a=1", "b=2", "--x", "c=3"], flags) == [
        "--w", "a=1", "--w", "b=2", "--x", "c=3"
    ]  # fmt: skip
    assert spread(["--c", "odd", "b:2", "--", "--c", "a:1", "b:1"], flags) == [
        "--c", "odd", "--c", "b:2", "--", "--c", "a:1", "b:1"
    ]  # fmt: skip
    assert spread(["a:1", "--c"], flags) == ["a:1", "--c"]


PLAY = """
from cosmos_workflow.cli.screen import open_screen
from cosmos_workflow.events import *
with open_screen() as screen:
    screen.begin("rs_1.1")
    screen.show(Progress("sampling", 0.5))
    screen.say("above", "bold")
    screen.show(Succeeded(()))
"""


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_is_redrawn_and_left_tidy(no_color: bool) -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    env.pop("NO_COLOR", None)
    if no_color:
        env["NO_COLOR"] = "1"
    subprocess.run(
        [sys.executable, "-c", PLAY],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "sampling" in shown and "━" in shown and "above" in shown and "SUCCESS" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is back
    assert ("\x1b[1m" in shown or "\x1b[36m" in shown or "\x1b[32m" in shown) is not no_color
