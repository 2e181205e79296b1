"""One suite for every Transfer: what arrives is what left, under any name, once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from need import need
from sshd import Sshd

from cosmos_workflow.connection.ssh import SshHost
from cosmos_workflow.errors import TransferError
from cosmos_workflow.transfer.bundle import BundleTransfer
from cosmos_workflow.transfer.choose import transfer_for
from cosmos_workflow.transfer.copy import CopyTransfer
from cosmos_workflow.transfer.rsync import RsyncTransfer, local_rsync
from cosmos_workflow.transfer.sftp import SftpTransfer
from cosmos_workflow.transfer.transfer import Transfer

NAMES = [
    "a b.txt", "it's", 'say "hi"', "$(touch x)", "`id`", "-rf", "--help", "semi;colon", "new\nline",
    "tab\there", "日本語.mp4", "ümläut", "star*", "[x]", "back\\slash", "~home", "#hash", "a:b",
    ".dot",
]  # fmt: skip


@dataclass
class Place:
    """A transfer under test and the folder it puts files into."""

    transfer: Transfer
    root: Path


@pytest.fixture(params=["copy", "rsync", "sftp", "bundle"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "the host's; $(root) ü"
    if request.param == "copy":
        yield Place(CopyTransfer(), root)
        return
    sshd: Sshd = request.getfixturevalue("shared_sshd")
    host = SshHost("lab", sshd.address())
    if request.param == "sftp":
        yield Place(SftpTransfer(host), root)
    elif request.param == "bundle":
        yield Place(BundleTransfer(host), root)
    else:
        need("rsync")
        program = local_rsync()
        assert program is not None
        yield Place(RsyncTransfer(host, program), root)
    host.close()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "my files"
    folder.mkdir()
    return folder


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_hostile_names_both_ways(place: Place, here: Path) -> None:
    files = {f"runs/{n}/{name}": write(here / str(n) / name, name.encode())
             for n, name in enumerate(NAMES)}  # fmt: skip
    moved = place.transfer.push(files, str(place.root))
    assert moved.files == len(NAMES)
    for key, path in files.items():
        assert (place.root / key).read_bytes() == path.read_bytes()
    place.transfer.pull(str(place.root), list(files), here / "back")
    for key, path in files.items():
        assert (here / "back" / key).read_bytes() == path.read_bytes()


def test_a_big_file_and_an_empty_one(place: Place, here: Path) -> None:
    big = write(here / "big", os.urandom(5_000_000))
    empty = write(here / "empty", b"")
    reports: list[tuple[int, int, float]] = []
    moved = place.transfer.push(
        {"a/big": big, "empty": empty}, str(place.root), report=lambda *r: reports.append(r)
    )
    assert (moved.files, moved.sent) == (2, 5_000_000)
    assert (place.root / "a/big").read_bytes() == big.read_bytes()
    assert (place.root / "empty").read_bytes() == b""
    assert reports[-1][0] == reports[-1][1] == 5_000_000
    reports.clear()
    moved = place.transfer.pull(
        str(place.root), ["a/big"], here / "back", report=lambda *r: reports.append(r)
    )
    assert (here / "back/a/big").read_bytes() == big.read_bytes()
    assert moved.sent == 5_000_000 and reports[-1][0] == reports[-1][1] == 5_000_000


def test_what_is_named_by_content_is_sent_once(place: Place, here: Path) -> None:
    if isinstance(place.transfer, BundleTransfer):
        place.transfer = transfer_for(place.transfer.host)  # which takes a bundle for what is new
    files = {"inputs/ab12/v.mp4": write(here / "v.mp4", b"x" * 100_000)}
    assert place.transfer.push(files, str(place.root)).sent == 100_000
    again = place.transfer.push(files, str(place.root))
    assert (again.files, again.sent) == (0, 0)


def test_a_cut_off_input_is_completed(place: Place, here: Path) -> None:
    files = {"inputs/ab12/v.mp4": write(here / "v.mp4", b"x" * 100_000)}
    write(place.root / "inputs/ab12/v.mp4", b"x" * 40_000)
    place.transfer.push(files, str(place.root))
    assert (place.root / "inputs/ab12/v.mp4").read_bytes() == b"x" * 100_000


def test_other_files_are_compared_by_content(place: Place, here: Path) -> None:
    job = write(here / "job.json", b"seed 1")
    when = job.stat()
    place.transfer.push({"runs/j/job.json": job}, str(place.root))
    job.write_bytes(b"seed 2")
    os.utime(job, ns=(when.st_atime_ns, when.st_mtime_ns))  # same size, same time
    place.transfer.push({"runs/j/job.json": job}, str(place.root))
    assert (place.root / "runs/j/job.json").read_bytes() == b"seed 2"


def test_a_damaged_download_is_mended(place: Place, here: Path) -> None:
    write(place.root / "out/v.mp4", b"good")
    place.transfer.pull(str(place.root), ["out/v.mp4"], here)
    when = (here / "out/v.mp4").stat()
    (here / "out/v.mp4").write_bytes(b"evil")
    os.utime(here / "out/v.mp4", ns=(when.st_atime_ns, when.st_mtime_ns))
    place.transfer.pull(str(place.root), ["out/v.mp4"], here)
    assert (here / "out/v.mp4").read_bytes() == b"good"


def test_an_edit_afterwards_does_not_reach_the_copy(place: Place, here: Path) -> None:
    source = write(here / "v.mp4", b"before")
    place.transfer.push({"inputs/cd/v.mp4": source}, str(place.root))
    source.write_bytes(b"after!")
    assert (place.root / "inputs/cd/v.mp4").read_bytes() == b"before"


def test_a_link_arrives_as_what_it_points_to(place: Place, here: Path) -> None:
    write(here / "real", b"content")
    (here / "link").symlink_to("real")
    place.transfer.push({"inputs/ef/link": here / "link", "r/link": here / "link"}, str(place.root))
    for key in ("inputs/ef/link", "r/link"):
        assert not (place.root / key).is_symlink()
        assert (place.root / key).read_bytes() == b"content"


def test_scripts_stay_executable(place: Place, here: Path) -> None:
    script = write(here / "run.sh", b"#!/bin/sh\n")
    script.chmod(0o755)
    place.transfer.push({"runs/j/run.sh": script}, str(place.root))
    assert os.access(place.root / "runs/j/run.sh", os.X_OK)


def test_a_missing_source_is_named(place: Place, here: Path) -> None:
    with pytest.raises(TransferError, match=r"not-there\.mp4"):
        place.transfer.push({"a": here / "not-there.mp4"}, str(place.root))
    write(place.root / "other", b"")
    with pytest.raises(TransferError, match=r"not-there\.mp4") as caught:
        place.transfer.pull(str(place.root), ["not-there.mp4"], here)
    assert not caught.value.transient


def test_a_folder_that_cannot_be_made_is_named(place: Place, here: Path) -> None:
    write(place.root, b"a file where the folder should be")
    with pytest.raises(TransferError) as caught:
        place.transfer.push({"a/b": write(here / "x", b"x")}, str(place.root))
    assert place.root.name in caught.value.message and not caught.value.transient


@pytest.mark.parametrize("key", ["/abs", "../up", "a/../../b", "", ".", "a//b", "nul\0"])
def test_keys_stay_below_the_root(place: Place, here: Path, key: str) -> None:
    with pytest.raises(TransferError):
        place.transfer.push({key: write(here / "x", b"x")}, str(place.root))
    with pytest.raises(TransferError):
        place.transfer.pull(str(place.root), [key], here)


def test_nothing_to_do(place: Place, here: Path) -> None:
    assert place.transfer.push({}, str(place.root)).files == 0
    assert place.transfer.pull(str(place.root), [], here).files == 0


def test_nothing_is_left_beside(place: Place, here: Path) -> None:
    place.transfer.push({"a/x": write(here / "x", b"x"), "b": here / "x"}, str(place.root))
    assert sorted(p.name for p in place.root.rglob("*")) == ["a", "b", "x"]


def test_a_local_host_gets_a_copy(ssh_host: SshHost) -> None:
    from cosmos_workflow.connection.local import LocalHost

    assert isinstance(transfer_for(LocalHost()), CopyTransfer)
    assert not isinstance(transfer_for(ssh_host), CopyTransfer)
