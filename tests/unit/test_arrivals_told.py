"""The watch's journal, its page, its files beside the frames, and names of shots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.houdini.arrivals import Note
from cosmos_workflow.houdini.frame_range import FrameRange
from cosmos_workflow.workflows.prepare import Wishes
from cosmos_workflow.workflows.watch_desk import Desk, problems
from cosmos_workflow.workflows.watch_journal import Entry, Journal, State, WatchInUse
from cosmos_workflow.workflows.watch_orders import mark_of, shot_title, wishes_for
from cosmos_workflow.workflows.watch_page import Row, page

TAKEN = Entry("seq/sh010", State.TAKING, 1000.0, take=2, signature="abc", frames=48)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal.of(Settings(root=tmp_path), tmp_path / "renders")
    made.path.parent.mkdir(parents=True)
    return made


def test_the_last_line_of_a_shot_stands(journal: Journal) -> None:
    broken = TAKEN.next(State.BROKEN, 1001, kind="MediaError", message="gaps", hint="render")
    for entry in (TAKEN, broken, Entry("b\udcff", State.TAKING, signature="x")):
        journal.record(entry)
    assert journal.entries() == {"seq/sh010": broken, "b\udcff": Entry("b\udcff", State.TAKING,
                                 signature="x")}  # fmt: skip
    again = broken.next(State.PREPARED, 1002, prepared="inputs/videos/x")
    assert (again.message, again.kind, again.take) == ("", "", 2)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_line_is_passed_over_and_the_next_is_whole(journal: Journal, cut: int) -> None:
    journal.record(Entry("a", State.PREPARED))
    journal.record(TAKEN)
    journal.path.write_bytes(journal.path.read_bytes()[:-cut])
    known = {"a"} if cut > 1 else {"a", "seq/sh010"}
    assert set(journal.entries()) == known
    journal.record(Entry("c", State.TAKING))
    assert set(journal.entries()) == {*known, "c"}
    assert journal.path.read_bytes().endswith(b"}\n")


def test_lines_of_a_newer_version_are_read_or_passed_over(journal: Journal) -> None:
    lines = [{"shot": "a", "state": "taking", "new": 1}, {"shot": "b", "state": "sung"}, 7]
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert journal.entries() == {"a": Entry("a", State.TAKING)}


def test_one_watch_a_folder(journal: Journal, tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    folder.mkdir()
    refused = pytest.raises(WatchInUse, match="renders is watched")
    with journal.held(folder), refused, journal.held(folder):
        raise AssertionError("held twice")
    with journal.held(folder):
        pass


def test_the_page_says_everything_in_words_and_runs_nothing() -> None:
    rows = [
        Row(TAKEN.next(State.BROKEN, 1001, message="<b>gaps</b>\n  - a", hint="render & wait")),
        Row(Entry('s"h', State.DONE, 900, frames=3, run="rs_1.1", result="out.mp4"), "data:x"),
    ]
    text = page("/jobs/<x>", "told", rows, [row.entry.state for row in rows])
    for words in (
        "/jobs/&lt;x&gt;", "&lt;b&gt;gaps&lt;/b&gt;", "render &amp; wait", "1 broken", "1 done",
        'alt="middle frame of s&quot;h"', "48 frames", "take 2", 'http-equiv="refresh"',
        "prefers-color-scheme: dark", "1 in trouble, 2 shots",
    ):  # fmt: skip
        assert words in text, words
    assert "<script" not in text and "http://" not in text and "https://" not in text


def test_a_long_page_counts_the_rest() -> None:
    text = page("/jobs", "told", [Row(TAKEN)], [State.TAKING] * 1500)
    assert "and 1,499 more shots" in text and "1500 being prepared" in text


def test_files_beside_the_frames(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "hot" / "seq" / "sh010").mkdir(parents=True)
    desk = Desk(tmp_path / "hot", tmp_path / "aside", said.append)
    message = "sh010 is not a complete shot, 2 problems:\n  - a gap\n  - no color"
    desk.show(TAKEN.next(State.BROKEN, 1001, message=message, hint="mend"))
    folder = tmp_path / "hot" / "seq" / "sh010"
    error = json.loads((folder / "_cosmos_error.json").read_text())
    assert error["message"] == "sh010 is not a complete shot, 2 problems"
    assert error["problems"] == ["a gap", "no color"] == problems(message)
    desk.show(TAKEN.next(State.PREPARED, 1002, prepared="inputs/videos/x", seconds=1.5))
    assert not (folder / "_cosmos_error.json").exists()
    status = json.loads((folder / "_cosmos_status.json").read_text())
    assert (status["state"], status["prepared"]) == ("prepared", "inputs/videos/x")
    desk.flush(now=True)
    assert "seq/sh010" in (tmp_path / "hot" / "_cosmos_watch.html").read_text()
    assert said == [] and not (tmp_path / "aside").exists()


def test_a_folder_that_is_gone_gets_no_files(tmp_path: Path) -> None:
    desk = Desk(tmp_path, tmp_path / "aside", lambda text: None)
    desk.show(TAKEN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "title"),
    [
        ("atrium", "atrium"),
        ("seq10/sh010", "sh010"),
        ("seq/sh010/v3", "sh010_v3"),
        ("seq/sh010/comp/v3", "sh010_comp_v3"),
        ("sh010/render/0002/exr", "sh010_render_0002_exr"),
        ("v1", "v1"),
    ],
)
def test_a_shot_is_named_by_its_path(folder: str, title: str) -> None:
    assert shot_title(folder) == title


def test_a_note_wins_over_the_flags() -> None:
    wishes = Wishes(fps=24, no_ai=True)
    note = Note(FrameRange.parse("1-4"), "atrium", 25.0, "a tall hall")
    mine = wishes_for(wishes, "seq/sh010", note)
    assert (mine.name, mine.fps, mine.description) == ("atrium", 25.0, "a tall hall")
    assert mine.reading.frames == FrameRange.parse("1-4") and mine.no_ai
    assert wishes_for(wishes, "seq/sh010", Note()).name == "sh010"


def test_other_wishes_may_mend_a_broken_shot(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    assert mark_of(Wishes(), settings) == mark_of(Wishes(), settings)
    assert mark_of(Wishes(), settings) != mark_of(Wishes(fps=25), settings)
