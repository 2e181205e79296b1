"""What goes wrong is said in a line or two, with an exit code, and as JSON on request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from need import missing

from cosmos_workflow.cli import app, commands
from cosmos_workflow.cli.commands import Command
from cosmos_workflow.errors import HostUnreachable
from tests.cli.calling import Cosmos


@pytest.mark.parametrize(
    ("argv", "code", "expected"),
    [
        (["preprae-inference"], 2, "did you mean 'prepare-inference'?"),
        (["create-spec", "name"], 2, "missing argument TEXT"),
        (["create-spec", "a", "b", "c"], 2, "unexpected extra argument"),
        (["create-run", "x", "--stepz", "3"], 2, "no such option: --stepz"),
        (["create-run", "x", "--steps", "three"], 2, "'--steps'"),
        (["create-run", "x", "--weights", "1", "2"], 2, "requires 4 arguments"),
        (["create-run", "x"], 3, "there is no PromptSpec 'x'"),
        (["engines", "show", "trasnfer1"], 2, "did you mean 'transfer1'?"),
        (["engines", "show"], 3, "no engine is named"),
        (["prepare-inference", "nowhere"], 7, "nowhere"),
        (["init", "--host", "a b"], 2, "is not a host"),
        (["create-run", "x", "--weights", "1", "2"], 2, "hint: cosmos create-run --help shows"),
        (["create-run", "x", "--seed", "y"], 2, "'--seed': a whole number is needed"),
        (["create-spec", "a", "b", "c"], 2, 'stand in quotes: "like these"'),
        (["sample"], 2, "missing argument DIR"),
        (["run"], 2, "missing argument RUN_SPEC..."),
        (["list", "foo"], 2, "'kind': 'foo' is not one of"),
        (["upscale", "nowhere.mp4"], 3, "there is no file nowhere.mp4"),
        (["init", "--host", "ssh://me@gpu"], 2, "is not a host"),
        (["--nope"], 2, "no such option: --nope"),
    ],
)
def test_a_fault_says_what_and_has_its_code(
    cosmos: Cosmos, argv: list[str], code: int, expected: str
) -> None:
    said = cosmos(*argv)
    assert said.code == code and said.out == ""
    assert said.err.startswith("error: ") and expected in said.err


def test_what_is_not_there_yet_is_said_with_the_way_to_it(cosmos: Cosmos) -> None:
    assert "cosmos create-spec NAME" in cosmos("list", "prompts").out
    assert "cosmos create-run makes one" in cosmos("list").out
    assert "no run is CANCELLED" in cosmos("list", "--status", "cancelled").out


def test_json_faults_are_one_object_on_standard_output(cosmos: Cosmos) -> None:
    for argv in (["create-run", "x"], ["create-spec", "x"], ["nope"]):
        said = cosmos(*argv, "--json")
        (fault,) = said.objects
        assert set(fault) == {"error", "message", "hint", "exit_code"}
        assert fault["exit_code"] == said.code and said.err == ""


def test_a_prompt_that_says_json_is_a_prompt(cosmos: Cosmos, shot: Path) -> None:
    assert cosmos("create-spec", "--", "n", "--json").err == ""


def cause_bug() -> None:
    raise ValueError("a bug")


def interrupted() -> None:
    raise KeyboardInterrupt("cosmos follow rs_1 goes on")


def interrupted_silently() -> None:
    raise KeyboardInterrupt


def unreachable() -> None:
    raise HostUnreachable("no way to \x1b[31mgpu", hint="first\nsecond")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (cause_bug, interrupted, interrupted_silently, unreachable):
        row = Command(f"faulty:{function.__name__}", "x")
        monkeypatch.setitem(commands.COMMANDS, function.__name__, row)
    monkeypatch.setattr(app, "import_module", lambda name: __import__(__name__, fromlist=["x"]))


def test_a_bug_is_one_line_and_a_report(
    cosmos: Cosmos, broken: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = cosmos("cause_bug")
    assert said.code == 1 and said.out == ""
    assert said.err.splitlines()[0] == "internal error: ValueError: a bug"
    (report,) = tmp_path.glob("cosmos-error-*.txt")
    assert str(report) in said.err and "in cause_bug" in report.read_text(encoding="utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "could not be written" in cosmos("cause_bug").err
    monkeypatch.setenv("COSMOS_DEBUG", "1")
    with pytest.raises(ValueError, match="a bug"):
        cosmos("cause_bug")


def test_an_interrupt_says_how_to_go_on(cosmos: Cosmos, broken: None) -> None:
    said = cosmos("interrupted")
    assert said.code == 130 and "hint: cosmos follow rs_1 goes on" in said.err
    assert cosmos("interrupted_silently").code == 130


def test_messages_cannot_steer_the_terminal(cosmos: Cosmos, broken: None) -> None:
    said = cosmos("unreachable")
    assert said.code == 4 and "\x1b" not in said.err
    assert said.err == "error: no way to \\x1b[31mgpu\nhint: first\n      second\n"


def test_a_wrong_config_is_named_before_anything_happens(cosmos: Cosmos, project: Path) -> None:
    (project / "config.toml").write_text("[remote]\nprot = 1\n", encoding="utf-8")
    said = cosmos("create-spec", "n", "t")
    assert said.code == 2 and "line 2: remote.prot" in said.err


def test_folders_that_cannot_be_written(cosmos: Cosmos, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self").exists():
        missing("there is no folder that nobody can write to")
    assert "cannot write" in cosmos("init", "/proc/self/x").err
    monkeypatch.setenv("COSMOS_PATHS_LOCAL_PROMPTS_DIR", "/proc/self/x")
    said = cosmos("create-spec", "n", "t")
    assert said.code == 3 and "cannot write the PromptSpec" in said.err


def test_a_full_disk_leaves_nothing_half_written(cosmos: Cosmos, project: Path) -> None:
    import subprocess

    disk = project / "inputs"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        missing("only root can make a small disk")
    try:
        said = cosmos("create-spec", "n", "word " * 10_000)
        assert said.code == 3 and "No space left" in said.err
        assert not [path for path in disk.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
