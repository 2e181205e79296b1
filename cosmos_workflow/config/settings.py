"""Every setting there is, with its default: the tables of ``config.toml`` as frozen models."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """Base of all tables: unknown keys are errors, values are not coerced, nothing changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Remote(Table):
    """``[remote]``: the GPU host behind SSH; with a host, it is the target named ``remote``."""

    host: str = ""
    user: str = ""
    port: int = Field(default=0, ge=0, le=65535, description="0: what ~/.ssh/config says, else 22")
    ssh_key: str = ""


class Paths(Table):
    """``[paths]``: folders; local ones are relative to the project root."""

    remote_dir: str = "cosmos"
    local_prompts_dir: str = "inputs/prompts"
    local_runs_dir: str = "inputs/runs"
    local_videos_dir: str = "inputs/videos"
    local_outputs_dir: str = "outputs"


class Docker(Table):
    """``[docker]``: how containers are run on the ``remote`` target."""

    image: str = ""
    gpu_enabled: bool = True
    shm_size: str = Field(default="", description="like 8g; empty: --ipc=host")


class TargetSettings(Table):
    """``[targets.NAME]``: one more place that runs jobs."""

    kind: Literal["local", "ssh"] = "ssh"
    launcher: Literal["docker", "shell"] = "docker"
    host: str = ""
    user: str = ""
    port: int = Field(default=0, ge=0, le=65535, description="0: what ~/.ssh/config says, else 22")
    ssh_key: str = ""
    ssh_config: str = Field(default="~/.ssh/config", description="OpenSSH client configuration")
    known_hosts: str = Field(default="~/.ssh/known_hosts", description="host keys we trust")
    remote_dir: str = Field(default="cosmos", description="relative to the user's home on the host")
    python: str = "python3"
    image: str = ""
    images: dict[str, str] = Field(default_factory=dict, description="image by engine")
    gpu_enabled: bool = True
    shm_size: str = ""
    checkpoints: str = Field(default="", description="folder of model weights on the host")
    hf_cache: str = Field(default="", description="Hugging Face cache on the host")
    repo: str = Field(
        default="", description="clone of the model's code; empty: it is in the image"
    )
    container_user: str = Field(
        default="", description="uid:gid in the container; empty: the image's"
    )
    secrets: tuple[str, ...] = Field(default=(), description="variables passed to jobs, by name")


class Defaults(Table):
    """``[defaults]``: what is meant when nothing is said.

    Empty means: ``remote`` and ``transfer1`` when ``[remote] host`` is set, else ``local`` and
    ``preview``.
    """

    target: str = ""
    engine: str = ""
    time_limit: int = Field(
        default=6 * 3600, ge=0, description="seconds a job may run; 0: no limit"
    )


class Settings(Table):
    """All settings of a project.  ``root``: the folder of its ``config.toml``, or where we are."""

    root: Path
    config_file: Path | None = None
    remote: Remote = Remote()
    paths: Paths = Paths()
    docker: Docker = Docker()
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    defaults: Defaults = Defaults()

    @property
    def prompts_dir(self) -> Path:
        """Where PromptSpecs are kept."""
        return self.root / self.paths.local_prompts_dir

    @property
    def runs_dir(self) -> Path:
        """Where RunSpecs are kept."""
        return self.root / self.paths.local_runs_dir

    @property
    def videos_dir(self) -> Path:
        """Where prepared shots are kept."""
        return self.root / self.paths.local_videos_dir

    @property
    def outputs_dir(self) -> Path:
        """Where each run has its folder."""
        return self.root / self.paths.local_outputs_dir

    def all_targets(self) -> dict[str, TargetSettings]:
        """Every target by name: ``local``, ``remote`` when it has a host, then ``[targets.*]``."""
        known = {"local": TargetSettings(kind="local", launcher="shell")}
        if self.remote.host:
            known["remote"] = TargetSettings(
                kind="ssh",
                launcher="docker",
                remote_dir=self.paths.remote_dir,
                **self.remote.model_dump(),
                **self.docker.model_dump(),
            )
        return {**known, **self.targets}

    @property
    def default_target(self) -> str:
        """The target used when none is named."""
        return self.defaults.target or ("remote" if self.remote.host else "local")

    @property
    def default_engine(self) -> str:
        """The engine used when none is named."""
        return self.defaults.engine or ("transfer1" if self.remote.host else "preview")
