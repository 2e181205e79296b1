"""``cosmos queue ...`` and ``report``: what they say, and what they say of what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Cosmos


@pytest.fixture
def specs(cosmos: Cosmos, shot: Path) -> list[str]:
    """Three RunSpecs for the engine of this machine."""
    video, depth = str(shot / "color.mp4"), f"depth:{shot / 'depth.mp4'}"
    made = cosmos("create-spec", "s", "a street", "--input-video", video, "--control-inputs", depth,
                  "--json").objects[0]["id"]  # fmt: skip
    runs = [
        cosmos("create-run", made, "--engine", "preview", "--seed", str(n), "--json").objects[0]
        for n in range(3)
    ]
    return [str(run["id"]) for run in runs]


def test_add_list_and_change(cosmos: Cosmos, specs: list[str]) -> None:
    said = cosmos("queue", "add", *specs, "--label", "night")
    assert "added 3 items, 1 to 3, for local" in said.out
    assert "2 RunSpecs in the queue already: not added" in cosmos("queue", "add", *specs[:2]).out
    assert "labelled 'day'" in cosmos("queue", "list", "--label", "day").out
    listed = cosmos("queue", "list")
    assert all(one in listed.out for one in specs) and "3 waiting" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80
    cosmos("queue", "move", "3", "--first")
    assert [row["id"] for row in cosmos("queue", "list", "--json").objects] == [3, 1, 2]
    assert "held back" in cosmos("queue", "pause", specs[0]).out
    assert "waiting, held" in cosmos("queue", "list").out
    assert "the queue is paused" in (cosmos("queue", "pause").out and cosmos("queue", "list").out)
    assert cosmos("queue", "resume").code == 0
    assert "taken back" in cosmos("queue", "cancel", "night").out
    assert "3 cancelled" in cosmos("queue", "list").out
    assert "3 items waiting again" in cosmos("queue", "retry", "night").out
    cosmos("queue", "cancel", "--all")
    assert "3 items forgotten" in cosmos("queue", "clear").out
    assert "the queue is empty" in cosmos("queue", "list").out


@pytest.mark.parametrize(("words", "said"), [
    (("queue", "foo"), "did you mean"),
    (("queue", "add", "nothing"), "there is no RunSpec"),
    (("queue", "add", "*.none"), "no file fits"),
    (("queue", "move", "1"), "say where to"),
    (("queue", "retry"), "name items, or say --failed"),
    (("queue", "cancel"), "name items, or say --all"),
    (("queue", "pause", "77"), "there is no item '77'"),
    (("queue", "list", "--state", "wating"), "did you mean 'waiting'"),
    (("queue", "work", "--targets", "gone"), "no target named 'gone'"),
    (("queue", "work", "--idle-stop", "soon"), "is not a time"),
    (("queue", "work", "--on-idle", "poweroff"), "needs --idle-stop"),
    (("queue", "work", "--idle-stop", "1s", "--on-idle", "'"), "No closing quotation"),
    (("report", "--since", "once"), "is no time"),
    (("batch",), "missing argument RUN_SPEC"),
])  # fmt: skip
def test_what_cannot_be_is_said(cosmos: Cosmos, words: tuple[str, ...], said: str) -> None:
    told = cosmos(*words)
    assert told.code in (2, 3) and said in told.err, told.err


def test_nothing_is_added_when_one_is_wrong(
    cosmos: Cosmos, specs: list[str], project: Path
) -> None:
    (project / "list.txt").write_text(f"{specs[0]}\n# a remark\nrs_00000000\n", encoding="utf-8")
    told = cosmos("queue", "add", "list.txt")
    assert told.code == 3 and "list.txt, line 3" in told.err
    assert "the queue is empty" in cosmos("queue", "list").out


def test_a_target_that_cannot_run_it_is_told_before_the_night(
    cosmos: Cosmos, specs: list[str], project: Path
) -> None:
    boxed = '[targets.box]\nkind = "local"\nremote_dir = "/nowhere"\n'
    (project / "config.toml").write_text(boxed, encoding="utf-8")
    told = cosmos("batch", *specs, "--targets", "local,box")
    assert told.code == 2 and "box: no container image is known for the engine" in told.err
    assert "the queue is empty" in cosmos("queue", "list").out


def test_a_list_of_json_lines(cosmos: Cosmos, specs: list[str], project: Path) -> None:
    lines = f'"{specs[0]}"\n{{"run_spec": "{specs[1]}"}}\n'
    (project / "list.jsonl").write_text(lines, encoding="utf-8")
    assert len(cosmos("queue", "add", "list.jsonl", "--json").objects[0]["added"]) == 2


def test_a_video_that_is_gone_is_told_before_anything_is_added(
    cosmos: Cosmos, specs: list[str], shot: Path
) -> None:
    (shot / "depth.mp4").unlink()
    told = cosmos("queue", "add", *specs)
    assert told.code == 3 and "these files are not there" in told.err


def test_the_service_file(cosmos: Cosmos, project: Path) -> None:
    said = cosmos("queue", "work", "--service", "--idle-stop", "10m", "--on-idle", "echo 50% $x")
    assert f"WorkingDirectory={project}" in said.out
    (line,) = [one for one in said.out.splitlines() if one.startswith("ExecStart=")]
    assert line.endswith('queue work --targets local --idle-stop 10m --on-idle "echo 50%% $$x"')


def test_watch_and_report_of_nothing(cosmos: Cosmos) -> None:
    assert "0 running" in cosmos("queue", "watch", "--once").out
    assert "no runs" in cosmos("report").out
    assert cosmos("report", "--json").objects[0]["videos"] == 0


def test_the_first_word_alone_shows_the_second_ones(cosmos: Cosmos) -> None:
    for words in (("queue",), ("queue", "--help")):
        said = cosmos(*words)
        assert said.code == 0 and "queue work" in said.out and "queue cancel" in said.out
