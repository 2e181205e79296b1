"""The quick start of the README for a GPU host, word for word, against the lab's host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from sshd import Sshd

from tests.docs.pages import PAGES, Block, blocks, name
from tests.docs.test_commands import argv

PAGES_WITH_A_HOST = [page for page in PAGES if blocks(page, "console gpu")]
UNFIT = 4
"""What ``doctor`` ends with here: the lab's Docker has no NVIDIA toolkit, and says so."""


def known_as(sshd: Sshd, host: str, folder: Path) -> Path:
    """An OpenSSH configuration in which the lab's server goes by the name of ``host``."""
    config = folder / "ssh_config"
    config.write_text(
        f"Host {host}\n  HostName {sshd.host}\n  Port {sshd.port}\n"
        f"  IdentityFile {sshd.key}\n  IdentitiesOnly yes\n"
    )
    return config


def test_the_readme_is_among_them() -> None:
    assert [page.name for page in PAGES_WITH_A_HOST] == ["README.md"]


@pytest.mark.parametrize("page", PAGES_WITH_A_HOST, ids=name)
def test_a_quick_start(page: Path, tmp_path: Path, shared_sshd: Sshd, model_image: str) -> None:
    project, place = tmp_path / "project", tmp_path / "host"
    project.mkdir()
    env = {key: value for key, value in os.environ.items() if not key.startswith("COSMOS_")}
    env |= {
        "COSMOS_REMOTE_SSH_CONFIG": str(known_as(shared_sshd, "gpu.example.com", tmp_path)),
        "COSMOS_REMOTE_KNOWN_HOSTS": str(shared_sshd.known_hosts),
        "COSMOS_REMOTE_USER": shared_sshd.user,
        "COSMOS_PATHS_REMOTE_DIR": str(place),
        "COSMOS_DOCKER_IMAGE": model_image,
        "COSMOS_DOCKER_GPU_ENABLED": "no",
    }
    said: dict[str, str] = {}
    for command in _commands(blocks(page, "console gpu")):
        done = subprocess.run(
            argv(command), cwd=project, env=env, capture_output=True, text=True, timeout=240
        )
        word = command.split()[1]
        allowed = (0, UNFIT) if word == "doctor" else (0,)
        assert done.returncode in allowed, f"{command}\n{done.stdout}\n{done.stderr}"
        said[word] = done.stdout
    assert "reachable" in said["doctor"] and "transfer1" in said["doctor"]
    assert "cosmos follow" in said["run"] and "SUCCESS" in said["show"]
    assert list(project.glob("outputs/*/pavilion_*.mp4")) and list(place.glob("runs/*/job.log"))


def _commands(found: list[Block]) -> list[str]:
    return [command for block in found for command in block.commands]
