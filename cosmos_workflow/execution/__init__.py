"""Running jobs: what a job is, where it can run, and the driver that does it."""

from cosmos_workflow.execution.docker_command import DockerCommandBuilder
from cosmos_workflow.registry import Registry

__all__ = ["DIALECTS", "LAUNCHERS", "TARGETS", "DockerCommandBuilder"]

TARGETS = Registry(
    kind="kind of target",
    group="cosmos_workflow.targets",
    rows={
        "local": "cosmos_workflow.execution.places:local",
        "ssh": "cosmos_workflow.execution.places:ssh",
        "http": "cosmos_workflow.execution.places_http:http",
    },
)

LAUNCHERS = Registry(
    kind="launcher",
    group="cosmos_workflow.launchers",
    rows={
        "docker": "cosmos_workflow.execution.docker:DockerLauncher",
        "shell": "cosmos_workflow.execution.shell:ShellLauncher",
        "slurm": "cosmos_workflow.execution.slurm:SlurmLauncher",
    },
)

DIALECTS = Registry(
    kind="dialect",
    group="cosmos_workflow.dialects",
    rows={
        "chat": "cosmos_workflow.execution.dialects.chat:Chat",
        "nim": "cosmos_workflow.execution.dialects.nim:Nim",
        "videos": "cosmos_workflow.execution.dialects.videos:Videos",
        "replicate": "cosmos_workflow.execution.dialects.replicate:Replicate",
        "luma": "cosmos_workflow.execution.dialects.luma:Luma",
    },
)
