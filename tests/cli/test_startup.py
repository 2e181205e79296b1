"""``cosmos --help`` is quick because it loads nearly nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "paramiko", "numpy", "cv2", "PIL", "pydantic", "rich", "httpx", "torch", "transformers",
    "tomlkit", "asyncio", "ssl", "sqlite3", "importlib.metadata",
}  # fmt: skip
CODE = """
import contextlib, io, json, sys
from cosmos_workflow.cli.app import main
with contextlib.redirect_stdout(io.StringIO()):
    main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(*argv: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *argv], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("argv", [["--help"], ["--version"], []])
def test_help_loads_none_of_the_heavy(argv: list[str]) -> None:
    modules = loaded_by(*argv)
    assert not modules & HEAVY
    ours = {name for name in modules if name.startswith("cosmos_workflow")}
    assert ours <= {
        "cosmos_workflow", "cosmos_workflow.errors", "cosmos_workflow.cli",
        *(f"cosmos_workflow.cli.{n}" for n in ("app", "commands", "faults", "options", "words")),
    }  # fmt: skip


@pytest.mark.parametrize("command", ["init", "create-spec", "create-run", "prepare-inference"])
def test_the_help_of_a_command_opens_no_connection_and_no_picture(command: str) -> None:
    assert not loaded_by(command, "--help") & {"paramiko", "numpy", "cv2", "PIL", "rich"}


def test_a_look_at_the_queue_opens_no_connection_and_no_picture(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, "queue", "list"], cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = set(json.loads(done.stdout))
    assert "pydantic" in modules and "sqlite3" in modules
    assert not modules & {"paramiko", "numpy", "cv2", "PIL", "httpx", "asyncio", "tomlkit"}
    launchers = {"launcher", "target", "docker", "slurm", "facts", "on_host"}
    assert not modules & {f"cosmos_workflow.execution.{name}" for name in launchers}


@pytest.mark.parametrize(
    "module", ["cosmos_workflow", "cosmos_workflow.cli", "cosmos_workflow.main"]
)
def test_every_door_leads_to_the_same_commands(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("cosmos-workflow ")


@pytest.mark.parametrize("stage", ["cosmos_workflow.cli.app", "cosmos_workflow.cli.specs"])
def test_ctrl_c_while_loading_is_no_traceback(stage: str, tmp_path: Path) -> None:
    code = f"""
import sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {stage!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["cosmos", "create-spec", "n", "t"]
from cosmos_workflow.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 130 and "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m cosmos_workflow --help | head -1', sys.executable],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("Usage: cosmos") and done.stderr == ""


def test_importing_the_package_reads_no_config(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("this is not toml", encoding="utf-8")
    code = "import cosmos_workflow.prompts.prompt_spec, cosmos_workflow.workflows.compose_runs"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
