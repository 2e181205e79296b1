"""One look at a folder of files; where word of changes comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cosmos_workflow.config.settings import Passes
from cosmos_workflow.errors import MediaError
from cosmos_workflow.houdini.arrivals_look import Eye, first_cut, look, read_note, watched
from cosmos_workflow.houdini.arrivals_notices import Asked, file_system

END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def frames(folder: Path, *names: str, at: float = 1000.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"png" + END)
        os.utime(folder / name, (at, at))


@pytest.fixture
def eye(tmp_path: Path) -> Eye:
    return Eye.made(tmp_path, "_cosmos_ready", Passes())


def test_sequences_and_folders(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.0001.png", "color.0002.png", "beauty_2.exr", "notes.txt", "a.png")
    for name in ("v1", ".hidden", "_old"):
        (tmp_path / "s" / name).mkdir()
    (tmp_path / "s" / "latest").symlink_to(tmp_path / "s" / "v1")
    seen = look(eye, "s")
    assert {strip.name: sorted(strip.numbers) for strip in seen.strips} == {
        "color": [1, 2], "beauty": [2],
    }  # fmt: skip
    assert seen.below == ("s/v1",) and not seen.ready and seen.frames == 2
    assert look(eye, "").below == ("s",) and look(eye, "").signature == ""


def test_only_passes_count_where_there_are_some(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.1.png", "slate.1.png")
    frames(tmp_path / "t", "main_01.png", "main_02.png")
    assert {s.name: s.counts for s in look(eye, "s").strips} == {"color": True, "slate": False}
    assert [s.counts for s in look(eye, "t").strips] == [True]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: frames(folder, "color.3.png"),
        lambda folder: (folder / "color.2.png").unlink(),
        lambda folder: frames(folder, "color.2.png", at=1001),
        lambda folder: (folder / "color.2.png").chmod(0o200),
        lambda folder: (folder / "_cosmos_ready").touch(),
        lambda folder: (folder / "_cosmos_shot.json").write_text("{}"),
    ],
)
def test_what_changes_a_signature(eye: Eye, tmp_path: Path, change: object) -> None:
    frames(tmp_path / "s", "color.1.png", "color.2.png")
    before = look(eye, "s").signature
    change(tmp_path / "s")  # type: ignore[operator]
    assert look(eye, "s").signature != before


def test_our_own_files_change_nothing(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.1.png", "color.2.png")
    before = look(eye, "s")
    for name in ("_cosmos_status.json", "_cosmos_error.json", ".x.part", "notes.txt"):
        (tmp_path / "s" / name).write_text("{}")
    assert look(eye, "s").signature == before.signature


@pytest.mark.parametrize("name", ["_cosmos_ready", "_cosmos_ready.json"])
def test_a_marker_is_newer_than_every_frame(eye: Eye, tmp_path: Path, name: str) -> None:
    frames(tmp_path / "s", "color.1.png", "color.2.png")
    (tmp_path / "s" / name).touch()
    assert look(eye, "s").ready
    frames(tmp_path / "s", "color.2.png", at=4e9)
    assert not look(eye, "s").ready


def test_a_marker_that_came_before_the_frames_is_none(eye: Eye, tmp_path: Path) -> None:
    """As in a copy that keeps times, where the marker's name comes first in the alphabet."""
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "_cosmos_ready").touch()
    os.utime(folder / "_cosmos_ready", (2000, 2000))
    later = (folder / "_cosmos_ready").stat().st_ctime_ns
    while True:  # until the file system's clock has moved
        frames(folder, "color.1.png")
        if (folder / "color.1.png").stat().st_ctime_ns > later:
            break
    assert not look(eye, "s").ready


def test_a_fresh_copy_of_old_files_is_new(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.1.png", at=1000)
    assert look(eye, "s").newest > 1e9


def test_the_pace_of_a_render_is_not_that_of_a_mended_frame(eye: Eye, tmp_path: Path) -> None:
    for number in range(6):
        frames(tmp_path / "s", f"color.{number}.png", at=1000 + 40 * number)
        frames(tmp_path / "s", f"depth.{number}.png", at=1001 + 40 * number)
    frames(tmp_path / "s", "color.3.png", at=90_000)
    assert look(eye, "s").pace == 40
    frames(tmp_path / "one", "color.1.png")
    assert look(eye, "one").pace == 0


def test_notes(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.1.png")
    (tmp_path / "s" / "_cosmos_shot.json").write_text('{"frames": "1-4x3", "fps": 25}')
    note = look(eye, "s").note
    assert note.frames and note.frames.numbers == (1, 4) and note.fps == 25
    (tmp_path / "s" / "_cosmos_ready.json").write_text('{"name": "atrium", "prompt": "haze"}')
    assert (look(eye, "s").note.name, look(eye, "s").note.prompt) == ("atrium", "haze")
    (tmp_path / "s" / "_cosmos_ready.json").write_text('{"name": ')
    assert look(eye, "s").fault.startswith("_cosmos_ready.json: not JSON")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "not a JSON object"),
        ('{"frame": "1-4"}', "unknown key 'frame'"),
        ('{"frames": "4-1"}', "ends before it begins"),
        ('{"fps": "24"}', "fps must be a number"),
        ('{"name": 3}', "name must be text"),
    ],
)
def test_notes_that_are_none(text: str, told: str) -> None:
    with pytest.raises(MediaError, match=told):
        read_note(text)


def test_the_first_file_that_is_cut_short(eye: Eye, tmp_path: Path) -> None:
    frames(tmp_path / "s", "color.1.png", "color.2.png", "color.3.png")
    assert first_cut(eye, "s") == ""
    (tmp_path / "s" / "color.2.png").write_bytes(b"png")
    (tmp_path / "s" / "color.3.png").write_bytes(b"")
    assert first_cut(eye, "s") == "color.2.png is cut short"


def test_hidden_and_set_aside() -> None:
    assert watched("seq/sh010") and watched("a.b/v1")
    assert not any(map(watched, (".x", "a/.x/b", "a/_old", "_cosmos_ready")))


def test_asking_every_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1000, 1000))
    asked = Asked(tmp_path, lambda: ["a", "b", "c"])
    assert asked.round() == set()
    frames(tmp_path / "a", "color.1.png")
    (tmp_path / "c").mkdir()
    assert asked.round() == {"a", "c"}
    (tmp_path / "b").rmdir()
    assert asked.round() == {"b"}
    assert asked.round() == set()


MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
nas:/jobs /mnt/jobs nfs4 rw 0 0
//nas/my\040work /mnt/my\040work cifs rw 0 0
user@host: /mnt/jobs/far fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"), ("/mnt/jobs", "nfs4"), ("/mnt/jobs/a/b", "nfs4"),
        ("/mnt/jobs2", "ext4"), ("/mnt/my work/x", "cifs"), ("/mnt/jobs/far/x", "fuse.sshfs"),
    ],
)  # fmt: skip
def test_what_a_folder_is_on(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind
