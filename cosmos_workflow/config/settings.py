"""Every setting there is, with its default: the tables of ``config.toml`` as frozen models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """Base of all tables: unknown keys are errors, values are not coerced, nothing changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _about(description: str, default: Any = "") -> Any:
    return Field(default=default, description=description)


def _port() -> Any:
    return Field(default=0, ge=0, le=65535, description="0: what ~/.ssh/config says, else 22")


def _silence() -> Any:
    about = "seconds without a sign of life after which a connection counts as lost"
    return Field(default=20, ge=5, description=f"{about}; there is a sign every 4")


HOST = "name, address, or alias of ~/.ssh/config"
USER = "empty: what ~/.ssh/config says, else your own name"
SSH_KEY = "path of a private key; empty: ~/.ssh/config, the agent, the usual names in ~/.ssh"
SSH_CONFIG = "OpenSSH client configuration that is read"
KNOWN_HOSTS = "file of the host keys that are trusted"
PYTHON = "the interpreter on the host; only for launcher shell"
IMAGE = "container image, best pinned by digest; empty: the one that the engine names"
IMAGES = "image by engine; wins over image"
GPU_ENABLED = "false: no --gpus for docker"
SHM_SIZE = 'shared memory of a container, like "8g"; empty: --ipc=host'
CONTAINER_USER = "uid:gid in the container; empty: the image's"
REPO = "absolute folder on the host: clone of the model's code; empty: it is in the image"
CHECKPOINTS = "absolute folder on the host: model weights; empty: they are in the image"
HF_CACHE = "absolute folder on the host: Hugging Face cache; empty: none is kept"
SECRETS = "variables passed to jobs, by name; their values are never written down"


class Remote(Table):
    """``[remote]``: the GPU host behind SSH; with a host, it is the target named ``remote``."""

    host: str = _about(HOST)
    user: str = _about(USER)
    port: int = _port()
    ssh_key: str = _about(SSH_KEY)
    ssh_config: str = _about(SSH_CONFIG, "~/.ssh/config")
    known_hosts: str = _about(KNOWN_HOSTS, "~/.ssh/known_hosts")
    repo: str = _about(REPO)
    checkpoints: str = _about(CHECKPOINTS)
    hf_cache: str = _about(HF_CACHE)
    secrets: tuple[str, ...] = _about(SECRETS, ())
    python: str = _about(PYTHON, "python3")
    silence: int = _silence()


class Paths(Table):
    """``[paths]``: folders; local ones are relative to the project root."""

    remote_dir: str = _about("inputs and runs on the host; relative to the user's home", "cosmos")
    local_prompts_dir: str = _about("PromptSpecs, a folder a day", "inputs/prompts")
    local_runs_dir: str = _about("RunSpecs, a folder a day", "inputs/runs")
    local_videos_dir: str = _about("prepared shots", "inputs/videos")
    local_outputs_dir: str = _about("runs, a folder each", "outputs")


class Docker(Table):
    """``[docker]``: how containers are run on the ``remote`` target."""

    image: str = _about(IMAGE)
    images: dict[str, str] = Field(default_factory=dict, description=IMAGES)
    gpu_enabled: bool = _about(GPU_ENABLED, True)
    shm_size: str = _about(SHM_SIZE)
    container_user: str = _about(CONTAINER_USER)


class TargetSettings(Table):
    """``[targets.NAME]``: one more place that runs jobs."""

    kind: Literal["local", "ssh"] = _about("where: this machine, or one behind SSH", "ssh")
    launcher: Literal["docker", "shell"] = _about("how: a container, or a plain process", "docker")
    host: str = _about(HOST)
    user: str = _about(USER)
    port: int = _port()
    ssh_key: str = _about(SSH_KEY)
    ssh_config: str = _about(SSH_CONFIG, "~/.ssh/config")
    known_hosts: str = _about(KNOWN_HOSTS, "~/.ssh/known_hosts")
    remote_dir: str = _about(
        "inputs and runs on the host, relative to the user's home; for kind local an absolute "
        "folder, else it is .cosmos in the project",
        "cosmos",
    )
    python: str = _about(PYTHON, "python3")
    image: str = _about(IMAGE)
    images: dict[str, str] = Field(default_factory=dict, description=IMAGES)
    gpu_enabled: bool = _about(GPU_ENABLED, True)
    shm_size: str = _about(SHM_SIZE)
    checkpoints: str = _about(CHECKPOINTS)
    hf_cache: str = _about(HF_CACHE)
    repo: str = _about(REPO)
    container_user: str = _about(CONTAINER_USER)
    secrets: tuple[str, ...] = _about(SECRETS, ())
    silence: int = _silence()


class Defaults(Table):
    """``[defaults]``: what is meant when nothing is said.

    Empty means: ``remote`` and ``transfer1`` when ``[remote] host`` is set, else ``local`` and
    ``preview``.
    """

    target: str = _about("empty: remote when it has a host, else local")
    engine: str = _about("empty: transfer1 when remote has a host, else preview")
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
