"""Each launcher's start as text, so that a change of the command is seen in review.

``UPDATE_GOLDEN=1 pytest tests/golden/test_launchers.py`` writes the texts anew.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_workflow.execution.docker import START as DOCKER_START
from cosmos_workflow.execution.docker import DockerLauncher
from cosmos_workflow.execution.job import CommandJob, Input, Place
from cosmos_workflow.execution.launcher import ClusterSite, Launcher, Site
from cosmos_workflow.execution.shell import DETACHED, ShellLauncher
from cosmos_workflow.execution.shell import START as SHELL_START
from cosmos_workflow.execution.slurm import SlurmLauncher
from cosmos_workflow.execution.slurm_scripts import BATCH
from cosmos_workflow.execution.slurm_scripts import START as SLURM_START

TEXTS = Path(__file__).parent / "launchers"
SCRIPTS = {DOCKER_START: "«docker.START»", SHELL_START: "«shell.START»", DETACHED: "«DETACHED»",
           SLURM_START: "«slurm.START»", BATCH: "«slurm.BATCH»"}  # fmt: skip

JOB = CommandJob(
    name="rs_1f2e3d4c.2-a1b2c3",
    engine="transfer1",
    argv=(
        "bash", Place("workspace", "inference.sh"), "--controlnet_specs",
        Place("workspace", "spec.json"), "--checkpoint_dir", Place("checkpoints"),
        "--input_video_path", Place("input", "video"), "--prompt", "it's {workspace}\n$(id)",
    ),
    outputs={"rs_1f2e3d4c.2": ("outputs/output.mp4",)},
    image="nvcr.io/someone/cosmos-transfer1:latest",
    env={"NUM_GPU": "2", "WORDS": "a b"},
    secrets=("HF_TOKEN",),
    gpus=2,
    inputs=(Input("video", "shot.mp4", Path("shot.mp4"), "ab" * 32, 9),),
    time_limit=3600,
)  # fmt: skip
SITE = Site(
    root="/home/ann/cosmos",
    checkpoints="/data/checkpoints",
    hf_cache="/data/hf",
    images={"transfer1": "registry/cosmos@sha256:" + "0" * 64},
)
CLUSTER = ClusterSite(
    partition="gpu", account="shots", qos="night", constraint="h100", gres="gpu:h100:{gpus}",
    container="pyxis", array=500, at_once=16, extra=("--exclusive",),
)  # fmt: skip
PLAIN = ClusterSite(modules=("cuda/12.8", "python/3.12"), at_once=4)
ODD = "/mnt/disk 1, \"old\": x='y'"

CASES: Mapping[str, tuple[Launcher, CommandJob, Site]] = {
    "docker": (DockerLauncher(), JOB, SITE),
    "docker-devices": (DockerLauncher(), replace(JOB, cuda_devices="2,3"), SITE),
    "docker-plain": (
        DockerLauncher(),
        replace(JOB, secrets=(), time_limit=0, inputs=(), argv=("true",)),
        Site(root="/srv/cosmos", gpu_enabled=False, shm_size="8g"),
    ),
    "docker-repo-user": (DockerLauncher(), JOB, replace(SITE, repo="/src/cosmos", user="1000:100")),
    "docker-server": (
        DockerLauncher(),
        replace(JOB, name="serve-omni", inputs=(), argv=("vllm", "serve"), port=8000),
        SITE,
    ),
    "docker-odd-folders": (
        DockerLauncher(),
        JOB,
        Site(root=ODD, checkpoints=f"{ODD}/w", image="local"),
    ),
    "shell": (ShellLauncher(), replace(JOB, cuda_devices="0,1"), SITE),
    "slurm-pyxis": (SlurmLauncher(), JOB, replace(SITE, cluster=CLUSTER)),
    "slurm-apptainer": (
        SlurmLauncher(),
        replace(JOB, after=("77", "78_3")),
        replace(SITE, cluster=replace(CLUSTER, container="apptainer")),
    ),
    "slurm-modules": (
        SlurmLauncher(),
        replace(JOB, gpus=0, secrets=(), time_limit=0),
        replace(SITE, repo="/src/cosmos", cluster=PLAIN),
    ),
    "shell-repo": (ShellLauncher(), JOB, replace(SITE, repo="/src/cosmos", gpu_enabled=False)),
}


def as_text(launcher: Launcher, job: CommandJob, site: Site) -> str:
    argv = launcher.start(job, site)
    text = "".join(f"{SCRIPTS.get(arg) or shlex.quote(arg)}\n" for arg in argv)
    for path, data in launcher.files(job, site).items():
        words = data.decode().removesuffix("\0").split("\0")
        text += f"\n{path}\n" + "".join(f"{shlex.quote(word)}\n" for word in words)
    return text


def test_an_array_is_started_by_one_command_that_names_each_job() -> None:
    launcher = SlurmLauncher()
    site = replace(SITE, cluster=CLUSTER)
    jobs = [replace(JOB, name=f"rs_1f2e3d4c.{n}-a1b2c3") for n in range(1, 4)]
    single, many = launcher.start(jobs[0], site), launcher.start_all(jobs, site)
    names = [job.name for job in jobs]
    place = many.index(names[0])
    assert list(many[place : place + 3]) == names
    assert [*many[: place - 1], "1", names[0], *many[place + 3 :]] == list(single)


@pytest.mark.parametrize("case", CASES)
def test_start(case: str) -> None:
    text = as_text(*CASES[case])
    file = TEXTS / f"{case}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_text_has_its_case() -> None:
    assert {file.stem for file in TEXTS.glob("*.txt")} == set(CASES)
