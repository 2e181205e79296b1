"""When a shot is complete, by what was seen of it and when: no clock runs here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosmos_workflow.houdini.arrivals import (
    Arrivals,
    Look,
    Note,
    Rules,
    Strip,
    Verdict,
    judge,
    lacking,
    seen,
)
from cosmos_workflow.houdini.frame_range import FrameRange

RULES = Rules(settle=60, glance=0.5)
TEN = FrameRange.parse("1-10")


def strips(**passes: str) -> tuple[Strip, ...]:
    return tuple(
        Strip(name, frozenset(FrameRange.parse(text).numbers)) for name, text in passes.items()
    )


def a_look(signature: str = "a", frames: str = "1-10", **more: object) -> Look:
    return replace(Look("sh010", signature, strips(color=frames, depth=frames)), **more)  # type: ignore[arg-type]


def after(look: Look, quiet: float, rules: Rules = RULES, *, taken_before: bool = False) -> Verdict:
    """The verdict on a folder that has looked like this for ``quiet`` seconds, before our eyes."""
    known = seen(seen(None, look, 100, age=0), look, 100 + quiet, age=quiet)
    return judge(known, 100 + quiet, rules, taken_before=taken_before)


# -- a marker -----------------------------------------------------------------------------------


def test_a_marker_completes_a_shot_at_the_second_look() -> None:
    look = a_look(ready=True)
    assert after(look, 0) == Verdict(reason="looking once more", again=0.5)
    assert after(look, 0.5) == Verdict(complete=True, told=True)


def test_an_old_marker_completes_at_the_first_look() -> None:
    known = seen(None, a_look(ready=True), 100, age=30)
    assert judge(known, 100, RULES, taken_before=False).complete


def test_a_marker_speaks_for_gaps_too_which_prepare_then_reports() -> None:
    assert after(a_look(frames="1-4,6-10", ready=True), 1).complete


def test_a_marker_completes_a_shot_that_is_rendered_again() -> None:
    assert after(a_look(ready=True), 1, taken_before=True).complete


def test_a_note_that_cannot_be_read_is_waited_for_and_told() -> None:
    verdict = after(a_look(ready=True, fault="_cosmos_ready.json: not JSON"), 1000)
    assert not verdict.complete and verdict.reason == "_cosmos_ready.json: not JSON"


# -- a known range ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "rules"),
    [(a_look(note=Note(frames=TEN)), RULES), (a_look(), replace(RULES, frames=TEN))],
)
def test_a_known_range_is_complete_when_two_looks_agree(look: Look, rules: Rules) -> None:
    first = seen(None, look, 100, age=0)
    assert judge(first, 100, rules, taken_before=False).again == 0.5
    assert after(look, 0.5, rules).complete


def test_a_growing_file_is_another_look() -> None:
    known = seen(None, a_look("a", note=Note(frames=TEN)), 100, age=0)
    known = seen(known, a_look("b", note=Note(frames=TEN)), 100.6, age=0)
    assert not judge(known, 100.6, RULES, taken_before=False).complete


def test_old_times_do_not_make_one_look_two() -> None:
    """A copy keeps the times of its source: only our own two looks tell that it is over."""
    known = seen(None, a_look(note=Note(frames=TEN)), 100, age=30)
    assert not judge(known, 100, RULES, taken_before=False).complete


def test_every_pass_needs_the_whole_range() -> None:
    look = Look("s", "a", strips(color="1-10", depth="1-4,7-9"), note=Note(frames=TEN))
    assert after(look, 1000).reason == "7 of 10 frames; missing: depth 5-6, 10"


def test_frames_outside_the_range_do_not_count() -> None:
    assert after(a_look(frames="1-12", note=Note(frames=TEN)), 1).complete


def test_old_frames_that_fill_a_range_complete_nothing() -> None:
    look = a_look(note=Note(frames=TEN))
    assert not after(look, 30, taken_before=True).complete
    assert after(look, 60, taken_before=True).complete


# -- an unknown range ---------------------------------------------------------------------------


def test_silence_completes_a_shot_without_gaps() -> None:
    verdict = after(a_look(), 59)
    assert verdict == Verdict(reason="complete once nothing changes for 60 s", again=1.0)
    assert after(a_look(), 60) == Verdict(complete=True)


@pytest.mark.parametrize(("pace", "need"), [(10, 60), (45, 135), (600, 1800), (7200, 3600)])
def test_slow_frames_need_a_longer_silence(pace: float, need: float) -> None:
    assert not after(a_look(pace=pace), need - 1).complete
    assert after(a_look(pace=pace), need).complete


def test_one_frame_alone_is_no_shot_until_somebody_says_so() -> None:
    assert "one frame only" in after(a_look(frames="7"), 4000).reason
    one = FrameRange.parse("7")
    assert after(a_look(frames="7", note=Note(frames=one)), 1).complete


def test_a_folder_without_pictures_is_not_waited_for_forever() -> None:
    empty = Look("sh010")
    assert after(empty, 10) == Verdict(again=5.0)
    assert after(empty, 10_000) == Verdict()


def test_looks_become_rare() -> None:
    gaps = a_look(frames="1-4,6-10")
    pauses = [after(gaps, quiet).again for quiet in (0, 1, 10, 19)]
    assert pauses == [1.0, 1.0, 5.0, 9.5]
    assert after(gaps, 21).again is None


# -- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passes", "wanted", "told"),
    [
        ({"color": "1-4"}, None, ""),
        ({"color": "1-4", "depth": "1-4"}, None, ""),
        ({"color": "1,3,5"}, None, "3 of 5 frames; missing: 2, 4"),
        ({"color": "1,3,5"}, "1-5x2", ""),
        ({"color": "1-4", "depth": "2-5"}, None, "4 of 5 frames; missing: color 5; depth 1"),
        ({"color": "2-3", "depth": "2-3"}, "1-4", "2 of 4 frames; missing: 1, 4"),
        ({"color": "1-19x2"}, "1-20", "10 of 20 frames; missing: 2-20x2"),
        (
            {"color": "1,3,6,8,11,13,16"}, "1-16",
            "7 of 16 frames; missing: 2, 4-5, 7, 9-10 and 2 more gaps",
        ),
    ],
)  # fmt: skip
def test_what_is_missing(passes: dict[str, str], wanted: str | None, told: str) -> None:
    assert lacking(strips(**passes), FrameRange.parse(wanted) if wanted else None) == told


def test_a_sequence_that_is_no_pass_need_not_be_complete() -> None:
    slate = Strip("slate", frozenset({1}), counts=False)
    assert lacking([*strips(color="1-4"), slate], None) == ""


# -- which folders are looked at, and when ------------------------------------------------------


def test_a_folder_is_due_once_at_the_earliest_of_its_times() -> None:
    arrivals = Arrivals(RULES)
    arrivals.touch("a", 10)
    arrivals.touch("a", 5)
    arrivals.touch("a", 7)
    arrivals.touch("b", 6)
    assert arrivals.pause(4, 60) == 1 and arrivals.due(4) == []
    assert arrivals.due(6) == ["a", "b"]
    assert arrivals.due(100) == [] and arrivals.pause(100, 60) == 60


def test_folders_are_found_from_the_top() -> None:
    arrivals = Arrivals(RULES)
    arrivals.saw(Look("", below=("a", "b")), 0, age=0)
    assert arrivals.due(0) == ["a", "b"]
    arrivals.saw(Look("a", below=("a/v1",)), 0, age=0)
    assert arrivals.due(0) == ["a/v1"]
    arrivals.saw(Look("a/v1"), 0.1, age=0)
    arrivals.saw(Look("a", below=("a/v1",)), 0.2, age=0)
    assert "a/v1" not in arrivals.due(0.3)


def test_a_state_that_was_taken_is_not_taken_twice() -> None:
    arrivals = Arrivals(RULES, taken={"sh010": "a"})
    assert arrivals.saw(a_look("a", ready=True), 0, age=1000) is None
    assert arrivals.known["sh010"].look.strips == ()
    verdict = arrivals.saw(a_look("b", ready=True), 1, age=0)
    assert verdict and not verdict.complete
    verdict = arrivals.saw(a_look("b", ready=True), 2, age=1)
    assert verdict and verdict.complete


def test_a_shot_that_was_taken_needs_more_than_its_range() -> None:
    arrivals = Arrivals(replace(RULES, frames=TEN), taken={"sh010": "a"})
    arrivals.saw(a_look("b"), 1, age=0)
    verdict = arrivals.saw(a_look("b"), 10, age=9)
    assert verdict and verdict.reason == "complete once nothing changes for 60 s"
    assert arrivals.due(61) == ["sh010"]
    verdict = arrivals.saw(a_look("b"), 61, age=60)
    assert verdict and verdict.complete


def test_a_gone_folder_is_not_looked_at() -> None:
    arrivals = Arrivals(RULES)
    arrivals.saw(a_look(), 0, age=0)
    arrivals.gone("sh010")
    assert arrivals.due(1000) == [] and arrivals.patrol(10) == []


def test_the_patrol_comes_round() -> None:
    arrivals = Arrivals(RULES)
    for name in "abcd":
        arrivals.saw(Look(name), 0, age=0)
    assert arrivals.patrol(3) + arrivals.patrol(3) == ["a", "b", "c", "d"]
    assert arrivals.patrol(2) == ["a", "b"]
    arrivals.gone("c")
    assert arrivals.patrol(2) == ["d"]


def test_what_two_looks_may_settle_is_waited_for() -> None:
    arrivals = Arrivals(RULES)
    arrivals.saw(a_look(ready=True), 10, age=0)
    assert arrivals.confirming(10)
    quiet = Arrivals(RULES)
    quiet.saw(a_look(), 10, age=0)
    assert not quiet.confirming(10)


def test_doubts_about_whole_files_come_back_later_and_later() -> None:
    arrivals = Arrivals(RULES)
    arrivals.saw(a_look(note=Note(frames=TEN)), 0, age=0)
    arrivals.due(1000)
    arrivals.doubt("sh010", 20)
    assert arrivals.pause(20, 100) == 10
