"""What a machine said, read into facts; odd and missing answers leave a fact empty."""

from __future__ import annotations

import pytest

from cosmos_workflow.execution.facts import (
    Checkpoint,
    Container,
    Disk,
    DockerEngine,
    Gpu,
    HostFacts,
    Image,
)
from cosmos_workflow.execution.launcher import Site
from cosmos_workflow.execution.probe import probe, read_probe

FULL = """\
@@version
28.2.2|26.1.0
@@runtimes
io.containerd.runc.v2 nvidia runc
nvidia-container-runtime-hook
@@image
-
cosmos:2
@@image
sha256:aa 12000000000 cosmos@sha256:bb cosmos@sha256:cc
cosmos:1
@@containers
cosmos-rs_1.1-ab|rs_1.1|rs_1.1-ab|Up 3 minutes
@@gpu
0, NVIDIA H100 80GB HBM3, 81559, 512, 81047, 3
1, Odd, Name, [N/A], [N/A], [N/A], [N/A]
@@system
Linux x86_64
gpu-box
@@cpus
64
@@memory
1024
@@python
Python 3.12.3
@@rsync
rsync  version 3.2.7  protocol version 31
@@programs
rsync
docker
@@disk
no
my device 1000 400 600 40% /data
/data/my cosmos
@@checkpoints
yes
file 12 a/base model.pt
pointer 131 b.pt
missing 0 c.pt
folder 0 d
@@clock
1790000000
"""


def test_a_full_answer() -> None:
    assert read_probe(FULL) == HostFacts(
        system="Linux x86_64",
        hostname="gpu-box",
        cpus=64,
        memory=1024 * 1024,
        clock=1790000000.0,
        python="3.12.3",
        rsync="3.2.7",
        programs=frozenset({"rsync", "docker"}),
        disk=Disk("/data/my cosmos", 1000 * 1024, 600 * 1024, writable=False),
        docker=DockerEngine("28.2.2", "26.1.0", ("io.containerd.runc.v2", "nvidia", "runc"), True),
        images=(
            Image("cosmos:1", "sha256:aa", 12000000000, ("cosmos@sha256:bb", "cosmos@sha256:cc")),
            Image("cosmos:2"),
        ),
        containers=(Container("cosmos-rs_1.1-ab", "rs_1.1", "rs_1.1-ab", "Up 3 minutes"),),
        gpus=(
            Gpu(0, "NVIDIA H100 80GB HBM3", 81559, 512, 81047, 3),
            Gpu(1, "Odd, Name", None, None, None, None),
        ),
        checkpoints_folder=True,
        checkpoints=(
            Checkpoint("a/base model.pt", "file", 12),
            Checkpoint("b.pt", "pointer", 131),
            Checkpoint("c.pt", "missing"),
            Checkpoint("d", "folder"),
        ),
    )


def test_no_answer() -> None:
    assert read_probe("") == HostFacts()


def test_an_engine_that_does_not_answer_says_why() -> None:
    said = "@@version\n28.2.2|\nCannot connect to the Docker daemon.\n@@runtimes\n\n"
    assert read_probe(said).docker == DockerEngine(
        "28.2.2", "", (), False, "Cannot connect to the Docker daemon."
    )


def test_a_broken_driver_says_why() -> None:
    said = "@@gpu\nNVIDIA-SMI has failed because it couldn't communicate with the driver.\n"
    assert read_probe(said).gpus == ()
    assert read_probe(said).gpu_error.startswith("NVIDIA-SMI has failed")


@pytest.mark.parametrize("part", sorted({line for line in FULL.splitlines() if "@@" in line}))
def test_any_section_may_be_missing_or_empty(part: str) -> None:
    before, _, after = FULL.partition(part + "\n")
    rest = after[after.find("@@") :] if "@@" in after else ""
    assert read_probe(before + rest).hostname in ("gpu-box", "")
    assert read_probe(f"{before}{part}\n{rest}").hostname in ("gpu-box", "")


def test_the_command_has_every_name_as_an_argument_of_its_own() -> None:
    site = Site("/my root", checkpoints="/w", python="python3.12")
    argv = list(probe(site, ["a b.pt", "c"], images=["x:1"]))
    assert argv[3:] == ["sh", "/my root", "/w", "python3.12", "yes", "1", "x:1", "a b.pt", "c"]
    assert list(probe(site))[3:] == ["sh", "/my root", "/w", "python3.12", "no", "0"]
