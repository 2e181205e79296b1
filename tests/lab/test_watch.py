"""A hot folder with real files and a real process."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from hotfolder import age, begin, prepared, render, states, status
from need import missing, need
from project import Project
from scene import until


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    """A watched folder outside the project."""
    folder = tmp_path / "renders of today"
    folder.mkdir()
    return folder


def test_once_takes_what_is_complete_and_nothing_twice(project: Project, hot: Path) -> None:
    render(hot / "seq" / "sh010" / "v1", ready=True)
    render(hot / "seq" / "sh010" / "v2", 5, shade=9, ready=True)
    render(hot / "seq" / "_old", ready=True)
    gap = render(hot / "sh020", 6)
    (gap / "depth.1003.png").unlink()
    once = ("watch", str(hot), "--once", "--no-ai")
    said = project.cosmos(*once).stdout
    assert said.count("taking") == said.count("prepared  ") == 2
    names = [name.rsplit("_", 2)[0] for name in prepared(project)]
    assert names == ["sh010_v1", "sh010_v2"]
    told = status(hot / "seq" / "sh010" / "v2")
    assert (told["state"], told["frames"], told["take"]) == ("prepared", 5, 1)
    assert told["prepared"] == f"inputs/videos/{prepared(project)[1]}"
    page = (hot / "_cosmos_watch.html").read_text()
    assert "5 of 6 frames; missing: depth 1003" in page and "seq/sh010/v2" in page
    assert page.count("data:image/jpeg;base64,") == 2 and "seq/_old" not in page
    assert not (gap / "_cosmos_error.json").exists()
    before = sorted(path.stat().st_mtime_ns for path in hot.rglob("*.json"))
    assert [line for line in project.json(*once) if line["event"] == "shot"] == []
    assert sorted(path.stat().st_mtime_ns for path in hot.rglob("*.json")) == before


def test_a_broken_shot_is_told_beside_it_and_tried_again(project: Project, hot: Path) -> None:
    shot = render(hot / "sh010")
    (shot / "depth.1002.png").write_bytes((shot / "depth.1002.png").read_bytes()[:-20])
    (shot / "edge.1004.png").unlink()
    (shot / "_cosmos_ready").touch()
    once = ("watch", str(hot), "--once", "--no-ai", "--settle", "1")
    done = project.cosmos(*once, code=7)
    assert "1 shot is broken" in done.stderr
    told = json.loads((shot / "_cosmos_error.json").read_text())
    assert told["message"].endswith("2 problems") and len(told["problems"]) == 2
    assert "depth.1002.png" in " ".join(told["problems"]) and told["hint"] and told["time"]
    assert status(shot)["state"] == "broken"
    assert project.cosmos(*once).stdout.count("taking") == 0  # nothing has changed
    render(shot, ready=True)
    assert "prepared" in project.cosmos(*once).stdout
    assert not (shot / "_cosmos_error.json").exists()
    assert status(shot)["state"] == "prepared" and status(shot)["take"] == 2


def test_a_shot_is_taken_as_it_comes_and_again_when_it_changes(project: Project, hot: Path) -> None:
    watch = begin(project, hot, "--settle", "2")
    watch.until("changes are noticed at once")
    shot = hot / "new" / "sh010"
    shot.mkdir(parents=True)
    (shot / "_cosmos_shot.json").write_text('{"frames": "1001-1004", "name": "atrium", "fps": 25}')
    render(shot)
    watch.until("prepared  new/sh010, 4 frames")
    assert prepared(project)[0].startswith("atrium_")
    render(shot, shade=100)
    watch.until("prepared  new/sh010, take 2, 4 frames")
    said = watch.end()
    assert "cosmos watch" in said and "goes on where this stopped" in said
    assert said.count("taking") == 2
    assert len(prepared(project)) == 2
    assert "not watching any more" in (hot / "_cosmos_watch.html").read_text()


def test_a_file_that_is_being_written_is_waited_for(project: Project, hot: Path) -> None:
    watch = begin(project, hot, "--frames", "1001-1004")
    watch.until("changes are noticed at once")
    last = (render(hot / "s") / "edge.1004.png").read_bytes()
    shot = hot / "sh010"
    render(hot / "aside").rename(hot / "_aside")
    (hot / "_aside" / "edge.1004.png").write_bytes(last[: len(last) // 2])
    (hot / "_aside").rename(shot)
    page = hot / "_cosmos_watch.html"
    until(lambda: "edge.1004.png is cut short" in page.read_text(), "the page does not say why")
    (shot / "edge.1004.png").write_bytes(last)
    watch.until("prepared  sh010")
    assert "stopped by SIGTERM" in watch.end(signal.SIGTERM)


def test_polling_finds_the_same(project: Project, hot: Path) -> None:
    watch = begin(project, hot, "--poll", "--settle", "1")
    watch.until("asking every folder (as asked)")
    render(hot / "a" / "b" / "sh010", ready=True)
    watch.until("prepared  a/b/sh010")
    watch.end()


def test_two_watches_of_one_folder(project: Project, hot: Path, tmp_path: Path) -> None:
    watch = begin(project, hot)
    watch.until("changes are noticed")
    refused = project.cosmos("watch", str(hot / ".." / hot.name), "--once", code=1)
    assert "is watched by another process already" in refused.stderr
    other = Project(tmp_path / "another project")
    other.root.mkdir()
    assert "is watched by another" in other.cosmos("watch", str(hot), "--once", code=1).stderr
    watch.end()
    other.cosmos("watch", str(hot), "--once")


def test_a_folder_that_goes_away_and_comes_back(project: Project, hot: Path) -> None:
    render(hot / "sh010", ready=True)
    watch = begin(project, hot)
    watch.until("prepared  sh010")
    away = hot.with_name("away")
    hot.rename(away)
    watch.until("is not there any more (unmounted?): waiting for it")
    render(away / "sh020", ready=True)
    away.rename(hot)
    watch.until("is there again")
    watch.until("prepared  sh020")
    render(hot / "sh030", ready=True)
    watch.until("prepared  sh030")
    assert watch.end().count("taking") == 3


def test_an_empty_mount_point_is_not_the_share(project: Project, hot: Path) -> None:
    render(hot / "sh010", ready=True)
    watch = begin(project, hot)
    watch.until("prepared  sh010")
    hot.rename(hot.with_name("away"))
    hot.mkdir()
    watch.until("is not there any more (unmounted?)")
    render(hot.with_name("away") / "sh020", ready=True)
    assert list(hot.iterdir()) == []
    hot.rmdir()
    hot.with_name("away").rename(hot)
    watch.until("prepared  sh020")
    assert watch.end().count("taking") == 2


def test_an_exr_that_is_being_written(project: Project, hot: Path) -> None:
    import numpy as np
    import OpenEXR

    shot = hot / "sh010"
    shot.mkdir()
    (shot / "_cosmos_shot.json").write_text('{"frames": "1-3"}')
    for number in (1, 2, 3):
        pixels = {"RGB": np.full((32, 64, 3), 0.1 * number, np.float16)}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, pixels).write(str(shot / f"beauty.{number:04}.exr"))
    last = (shot / "beauty.0003.exr").read_bytes()
    (shot / "beauty.0003.exr").write_bytes(last[:-40])
    watch = begin(project, hot)
    page = hot / "_cosmos_watch.html"
    until(lambda: page.exists() and "0003.exr is cut short" in page.read_text(), "not told")
    (shot / "beauty.0003.exr").write_bytes(last)
    watch.until("prepared  sh010, 3 frames")
    watch.end()


def test_a_shot_that_ends_the_process_does_not_hold_up_the_others(
    project: Project, hot: Path
) -> None:
    """The journal of a watch that died five times at the same shot."""
    shot = render(hot / "a", ready=True)
    age(shot)
    render(hot / "b", ready=True)
    once = ("watch", str(hot), "--once", "--no-ai")
    project.cosmos(*once)
    (file,) = (project.root / ".cosmos" / "watch").glob("*.jsonl")
    first = json.loads(file.read_text().splitlines()[0])
    assert (first["state"], first["tries"]) == ("taking", 1)
    file.write_text(json.dumps({**first, "tries": 5}) + "\n")
    said = project.cosmos(*once, code=7).stdout
    assert "the watch died 5 times" in said and "prepared  b, 4 frames" in said
    assert project.cosmos(*once).stdout.count("taking") == 0


def test_a_folder_that_was_never_there(project: Project, hot: Path) -> None:
    gone = project.cosmos("watch", str(hot / "x"), code=7)
    assert "there is no folder" in gone.stderr


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--marker", "done/ready"), 7, "--marker done/ready: this is not the name of a file"),
        (("--marker", ""), 7, "is not the name of a file"),
        (("--for", "nope"), 2, "there is no engine named 'nope'"),
    ],
)
def test_what_is_wrong_for_every_shot_is_told_at_once(
    project: Project, hot: Path, flags: tuple[str, ...], code: int, message: str
) -> None:
    render(hot / "a", ready=True)
    (told,) = project.json("watch", str(hot), "--once", "--no-ai", *flags, code=code)
    assert message in told["message"] and not (hot / "a" / "_cosmos_status.json").exists()


def test_a_share_that_cannot_be_written(project: Project, hot: Path) -> None:
    render(hot / "sh010", ready=True)
    broken = render(hot / "sh020", 1, ready=True)
    (broken / "color.1001.png").write_bytes(b"")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    sealed = (need("unshare"), "-rm", "sh", "-c", script, str(hot))
    if subprocess.run([*sealed, "true"], capture_output=True, check=False).returncode:
        missing("no mounts in a namespace of our own")
    watch = begin(project, hot, before=sealed)
    watch.until("prepared  sh010")
    watch.until("broken    sh020")
    said = watch.end()
    assert said.count("cannot be written") == 1
    assert not list(hot.rglob("_cosmos_[!r]*"))
    (aside,) = (p for p in (project.root / ".cosmos" / "watch").iterdir() if p.is_dir())
    (error,) = aside.glob("*_cosmos_error.json")
    assert json.loads(error.read_text())["problems"]
    assert "sh020" in (aside / "_cosmos_watch.html").read_text()


def test_a_system_that_watches_no_more_folders(project: Project, hot: Path) -> None:
    limit = "/proc/sys/user/max_inotify_watches"
    script = f'echo 8 > {limit} && exec "$@"'
    limited = (need("unshare"), "-Ur", "sh", "-c", script, "sh")
    if subprocess.run([*limited, "true"], capture_output=True, check=False).returncode:
        missing("no limits in a namespace of our own")
    watch = begin(project, hot, before=limited)
    watch.until("changes are noticed at once")
    for number in range(12):
        (hot / f"sh{number:02}").mkdir()
    watch.until("asking every folder (the system watches no more folders")
    render(hot / "sh11", ready=True)
    watch.until("prepared  sh11")
    watch.end()
    watch = begin(project, hot, before=limited)
    watch.until("asking every folder (the system watches no more folders")
    watch.end()


def test_without_watchfiles(project: Project, hot: Path, tmp_path: Path) -> None:
    without = tmp_path / "without"
    without.mkdir()
    (without / "watchfiles.py").write_text("raise ImportError('not installed')")
    watch = begin(project, hot, env={"PYTHONPATH": str(without)})
    watch.until("pip install 'cosmos-workflow[watch]'")
    render(hot / "sh010", ready=True)
    watch.until("prepared  sh010")
    watch.end()


def test_frames_that_change_while_they_are_read(project: Project, hot: Path) -> None:
    """The take is not used, and the shot is taken again."""
    shot = render(hot / "sh010", 40, ready=True)
    watch = begin(project, hot, "--settle", "1")
    watch.until("taking    sh010")
    render(shot, 1, shade=77)
    watch.until("prepared  sh010, take 2")
    watch.end()
    assert states(project, "sh010") == ["taking", "changed", "taking", "prepared"]


def test_frames_of_the_folder_itself_are_no_shot(project: Project, hot: Path) -> None:
    render(hot, ready=True)
    said = project.cosmos("watch", str(hot), "--once").stdout
    assert "itself are no shot" in said and "taking" not in said


def test_a_shot_that_is_removed_leaves_the_page(project: Project, hot: Path) -> None:
    age(render(hot / "sh010"))
    age(render(hot / "sh020"))
    watch = begin(project, hot)
    watch.until("prepared  sh020")
    shutil.rmtree(hot / "sh010")
    page = hot / "_cosmos_watch.html"
    until(lambda: "sh010" not in page.read_text(), "still on the page")
    watch.end()
