"""Jobs of a cluster in containers: stand-ins of apptainer and pyxis on the real cluster, which take
what the real ones take and show a job only what is mounted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from need import need
from project import Project
from slurm import Slurm
from sshd import Sshd, start_sshd
from test_slurm import configure, spec

from cosmos_workflow.events import ExecutionStatus

PROGRAMS = Path(__file__).parent / "standin" / "cluster"


@pytest.fixture
def login(slurm: Slurm, tmp_path: Path) -> Iterator[Sshd]:
    """A login node whose jobs find the stand-ins, and a Python that has this package."""
    need("unshare")
    path = f"PATH={PROGRAMS}:{os.environ['PATH']} BOX_PATH={Path(sys.executable).parent}"
    server = start_sshd(tmp_path / "login", [f"SetEnv {path} SLURM_CONF={slurm.conf}"])
    yield server
    server.stop()


@pytest.mark.parametrize("container", ["apptainer", "pyxis"])
@pytest.mark.parametrize("image", ["a file", "registry.example.com/lab/model:1"])
def test_a_run_in_a_container_comes_home(
    project: Project, login: Sshd, tmp_path: Path, container: str, image: str
) -> None:
    if image == "a file":
        image = str(tmp_path / "model.sqsh")
        Path(image).touch()
    more, slurm = f'image = "{image}"', f'container = "{container}"'
    configure(project, login, tmp_path / "shared", more, slurm)
    one = spec(project)
    project.cosmos("run", one, code=None)
    folder = project.run(one)
    assert folder.run().status is ExecutionStatus.SUCCESS, folder.log_file.read_text()


def test_an_image_that_is_not_there_is_told(project: Project, login: Sshd, tmp_path: Path) -> None:
    configure(project, login, tmp_path / "shared", 'image = "/none.sif"', 'container = "apptainer"')
    one = spec(project)
    project.cosmos("run", one, code=6)
    run = project.run(one).run()
    assert "could not open image /none.sif" in run.message, run
