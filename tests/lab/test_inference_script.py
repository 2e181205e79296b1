"""inference.sh and upscale.sh with a torchrun that only says what it was given."""

from __future__ import annotations

import os
import subprocess
from importlib import resources
from pathlib import Path

import pytest

PROGRAM = "cosmos_transfer1/diffusion/inference/transfer.py"
TORCHRUN = """#!/bin/sh
printf '%s\\n' "$PWD" "$PYTHONPATH" "$PET_MASTER_PORT" "$@"
exit 7
"""


def run(
    tmp_path: Path, script: str, *args: str, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    for name in ("inference.sh", "upscale.sh"):
        text = resources.files("cosmos_workflow.scripts").joinpath(name).read_text()
        (tmp_path / name).write_text(text)
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "torchrun").write_text(TORCHRUN)
    (tools / "torchrun").chmod(0o755)
    return subprocess.run(
        ["bash", str(tmp_path / script), *args],
        env={"PATH": f"{tools}:{os.environ['PATH']}", **env},
        cwd=cwd or tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "the model's $code"
    (folder / PROGRAM).parent.mkdir(parents=True)
    (folder / PROGRAM).touch()
    return folder


@pytest.mark.parametrize("script", ["inference.sh", "upscale.sh"])
def test_runs_the_model_from_its_root(tmp_path: Path, repo: Path, script: str) -> None:
    flags = ("--seed", "1", "--controlnet_specs", "/a b/$x.json")
    done = run(tmp_path, script, *flags, COSMOS_REPO=str(repo), NUM_GPU="2", PYTHONPATH="/mine")
    folder, path, port, *argv = done.stdout.splitlines()
    assert done.returncode == 7, "it ends as the model ends"
    assert folder == str(repo)
    assert path == f"{repo}:/mine"
    assert 20000 <= int(port) < 40000
    assert argv == ["--nproc_per_node=2", "--nnodes=1", "--node_rank=0", PROGRAM, *flags]


def test_the_folder_we_are_in_may_be_the_model(tmp_path: Path, repo: Path) -> None:
    done = run(tmp_path, "inference.sh", cwd=repo)
    folder, path, _, *argv = done.stdout.splitlines()
    assert (folder, path) == (str(repo), str(repo))
    assert argv[0] == "--nproc_per_node=1"


def test_no_model(tmp_path: Path) -> None:
    done = run(tmp_path, "inference.sh", COSMOS_REPO="/nowhere")
    assert done.returncode == 66
    assert done.stderr == f"inference.sh: there is no {PROGRAM} in /nowhere\n"


def test_host_setup_names_what_it_misses(tmp_path: Path) -> None:
    script = resources.files("cosmos_workflow.scripts").joinpath("host-setup.sh")
    done = subprocess.run(
        ["bash", str(script), str(tmp_path / "models"), "13b"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no weights named '13b'" in done.stderr
    assert not (tmp_path / "models").exists()
