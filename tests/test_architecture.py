"""The house stands as drawn: who may import whom, who owns which library, what start-up loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cosmos_workflow"

# Left may import right, never the other way; rooms of one rank do not know each other.
RANKS = [
    {"main", "__main__"},
    {"cli"},
    {"workflows"},
    {"engines", "runs", "local_ai"},
    {"execution"},
    {"transfer"},
    {"connection"},
    {"houdini", "rehearsal"},
    {"video"},
    {"prompts"},
    {"config"},
    {"registry", "ids", "events", "schema", "scripts"},
    {"errors"},
]
RANK = {room: number for number, rooms in enumerate(RANKS) for room in rooms}

# R1 and R2 of docs/architecture.md.
FORBIDDEN = {
    "execution": {"cosmos_workflow.prompts", "cosmos_workflow.engines"},
    "transfer": {"cosmos_workflow.prompts", "cosmos_workflow.engines"},
    "connection": {"cosmos_workflow.prompts", "cosmos_workflow.engines"},
    "engines": {"cosmos_workflow.connection", "subprocess", "socket", "paramiko", "httpx"},
    "prompts": {"cosmos_workflow.connection", "subprocess", "socket", "paramiko", "httpx"},
}
LAUNCHERS = ("docker.py", "docker_command.py", "shell.py")

# R3: each foreign library has one owner (a room, or the start of a file's path).
OWNERS = {
    "paramiko": ("connection/ssh",),
    "httpx": ("execution/on_http",),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "torch": ("local_ai/", "quality/"),
    "transformers": ("local_ai/", "quality/"),
    "huggingface_hub": ("local_ai/",),
    "OpenEXR": ("houdini/exr",),
    "PyOpenColorIO": ("houdini/colour",),
    "watchfiles": ("houdini/arrivals",),
}

FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room(path: Path) -> str:
    """The room a file is in, or its own name at the top of the package."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "cosmos_workflow" or len(parts) == 1:
            continue
        there = parts[1]
        assert there == here or RANK[there] > RANK[here], f"{path} may not import {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_pure_rooms_stay_pure(path: Path) -> None:
    forbidden = set(FORBIDDEN.get(room(path), set()))
    if room(path) == "execution" and path.name in LAUNCHERS:
        forbidden |= {"cosmos_workflow.connection", "subprocess", "socket", "paramiko", "httpx"}
    for module in imports(path):
        assert not any(module == bad or module.startswith(bad + ".") for bad in forbidden), module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_one_owner(path: Path) -> None:
    where = path.relative_to(PACKAGE).as_posix()
    for module in imports(path):
        owners = OWNERS.get(module.split(".")[0])
        assert owners is None or where.startswith(owners), f"{where} imports {module}"


def test_only_the_video_room_starts_ffmpeg() -> None:
    for path in FILES:
        if "scripts/houdini" in path.as_posix():
            continue  # runs inside Houdini, and starts cosmos alone
        if room(path) not in ("video", "connection", "transfer") and "subprocess" in set(
            imports(path)
        ):
            raise AssertionError(f"{path} starts programs of its own")


UNNAMED = ("Manager", "Service", "Handler", "Helper")


def test_no_forbidden_names() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(UNNAMED), node.name


HEAVY = (
    "paramiko", "httpx", "torch", "transformers", "cv2", "numpy", "PIL", "sqlite3", "fastapi",
    "OpenEXR", "PyOpenColorIO", "watchfiles",
)  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from cosmos_workflow.cli.app import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_importing_the_package_does_nothing(tmp_path: Path) -> None:
    code = "import cosmos_workflow, cosmos_workflow.workflows, cosmos_workflow.execution"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
