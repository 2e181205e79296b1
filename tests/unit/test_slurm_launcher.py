"""What the clients of Slurm say, as values; and many small files as one piece."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from cosmos_workflow.errors import TransferError
from cosmos_workflow.execution.facts import ClusterJob, Partition
from cosmos_workflow.execution.probe import each, read_probe
from cosmos_workflow.execution.slurm import ALIVE, ENDS, SlurmLauncher
from cosmos_workflow.transfer.archive import archive


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("12", ["12"]),
        ("12_3", ["12_3"]),
        ("12_[4-6,9%2]", ["12_4", "12_5", "12_6", "12_9"]),
        ("12_[0]", ["12_0"]),
        ("12_[7-8]", ["12_7", "12_8"]),
    ],
)
def test_a_row_of_the_queue_is_of_these_jobs(row: str, numbers: list[str]) -> None:
    assert list(each(row)) == numbers


def test_the_queue_tells_of_each_job_why_it_waits() -> None:
    launcher = SlurmLauncher()
    said = launcher.read_queue(
        ["7_[1-2%4] PENDING JobArrayTaskLimit", "7_0 RUNNING None",
         "8 PENDING Nodes required for job are DOWN"]
    )  # fmt: skip
    assert launcher.waits(said["7_2"]) == "in the queue of the cluster (JobArrayTaskLimit)"
    assert launcher.waits(said["7_0"]) == ""
    assert launcher.waits(said["8"]).startswith("in the queue of the cluster (Nodes")
    assert set(said) == {"7_0", "7_1", "7_2", "8"}


def test_what_waiting_does_not_end_is_told_with_what_to_do() -> None:
    said = SlurmLauncher().waits("PENDING - PartitionTimeLimit")
    assert said.startswith("in the queue of the cluster (PartitionTimeLimit: it never begins;")
    assert "--time-limit" in said


def test_what_slurm_gave_up_for_another_job_was_not_cancelled_by_a_person() -> None:
    read = SlurmLauncher().read_state
    assert read("CANCELLED 0 DependencyNeverSatisfied").why == "dependency"
    assert read("CANCELLED 0 None").why == "cancelled"


def test_a_job_is_alive_or_over_never_both() -> None:
    assert not ALIVE & set(ENDS)


PROBED = """@@partitions
gpu*|up|2|idle|gpu:h100:8
gpu*|up|1|mix|gpu:h100:8
gpu*|up|1|drain*|gpu:h100:8
old|down|3|down*|(null)
@@jobs
41_[2-9%4]|rs_1f2e3d4c.1-a1b2c3|PENDING|Resources
41_0|rs_1f2e3d4c.1-a1b2c3|RUNNING|None
50|somebody|RUNNING|None
"""


def test_partitions_are_told_by_what_their_nodes_do() -> None:
    cluster = read_probe(PROBED).cluster
    assert cluster is not None
    assert cluster.partitions == (
        Partition("gpu", True, idle=2, mixed=1, down=1, gres="gpu:h100:8"),
        Partition("old", False, down=3),
    )
    name = "rs_1f2e3d4c.1-a1b2c3"
    assert cluster.jobs == (
        ClusterJob("41_[2-9%4]", name, "pending", "Resources", 8),
        ClusterJob("41_0", name, "running", ""),
    )


def test_a_cluster_that_does_not_answer_says_why() -> None:
    cluster = read_probe("@@partitions\n!slurm_load_partitions: Unable to contact\n").cluster
    assert cluster is not None
    assert cluster.error == "slurm_load_partitions: Unable to contact"
    assert read_probe("@@system\nLinux\n").cluster is None


def test_many_small_files_are_one_archive_that_stays_below_its_root() -> None:
    data = archive([("runs/a/outputs/", b""), ("runs/a/words", "é".encode())])
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        folder, file = tar.getmembers()
        assert folder.isdir() and folder.name == "runs/a/outputs"
        held = tar.extractfile(file)
        assert held and held.read().decode() == "é" and file.mode == 0o644
    with pytest.raises(TransferError):
        archive([("../x", b"")])
