"""Every setting there is, with its default: the tables of ``config.toml`` as frozen models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

LOCAL = {"kind": "local", "launcher": "shell"}
"""The target ``local``, which needs no settings; ``[targets.local]`` may change some."""


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


def _price() -> Any:
    about = "what an hour of one GPU costs, in the currency you think in, for cosmos plan"
    return Field(default=0.0, ge=0, description=f"{about}; 0: unknown")


def _slots() -> Any:
    about = "jobs that the queue runs there at once"
    return Field(default=1, ge=1, le=1000, description=about)


def _gpus_per_slot() -> Any:
    about = "with several slots, the first has the GPUs from 0 on, the second the next ones, ..."
    return Field(default=1, ge=1, le=64, description=about)


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
    price_per_hour: float = _price()
    slots: int = _slots()
    gpus_per_slot: int = _gpus_per_slot()


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


class SlurmSettings(Table):
    """``[targets.NAME.slurm]``: how jobs are submitted, for launcher slurm."""

    partition: str = _about("empty: the cluster's own")
    account: str = _about("empty: your own")
    qos: str = _about("quality of service; empty: the cluster's own")
    constraint: str = _about("features that a node must have, like h100")
    gres: str = _about("GPUs as sbatch names them; {gpus} is their number", "gpu:{gpus}")
    container: Literal["none", "pyxis", "apptainer"] = _about(
        "what jobs run in: the node itself, or the image of the engine", "none"
    )
    modules: tuple[str, ...] = _about("environment modules to load first", ())
    array: int = Field(
        default=1000, ge=1, le=4000,
        description="jobs that are submitted as one array; at most the cluster's MaxArraySize",
    )  # fmt: skip
    patience: int = Field(
        default=600, ge=0,
        description="seconds after which the queue takes a job back that its cluster says it never "
        "begins; 0: it does not",
    )  # fmt: skip
    extra: tuple[str, ...] = _about('further options of sbatch, like "--exclusive"', ())


class TargetSettings(Table):
    """``[targets.NAME]``: one more place that runs jobs."""

    kind: Literal["local", "ssh"] = _about("where: this machine, or one behind SSH", "ssh")
    launcher: Literal["docker", "shell", "slurm"] = _about(
        "how: a container, a plain process, or a batch job of a cluster", "docker"
    )
    slurm: SlurmSettings = _about("how jobs are submitted, for launcher slurm", SlurmSettings())
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
    price_per_hour: float = _price()
    slots: int = _slots()
    gpus_per_slot: int = _gpus_per_slot()

    @property
    def pins_gpus(self) -> bool:
        """Whether each slot has GPUs of its own; a cluster gives them out itself."""
        return self.slots > 1 and self.launcher != "slurm"

    def image_for(self, engine: str) -> str:
        """The image that is set for an engine, or for all; empty: the engine's own."""
        return self.images.get(engine) or self.image

    @property
    def where(self) -> str:
        """The machine as people write it: ``user@host:port``."""
        user, port = f"{self.user}@" if self.user else "", f":{self.port}" if self.port else ""
        return f"{user}{self.host}{port}" if self.host else "this machine"

    @property
    def way(self) -> str:
        """How jobs run there."""
        return self.launcher


class ServiceSettings(Table):
    """``[services.NAME]``: a service that makes videos over HTTP; a target like the machines."""

    dialect: str = _about("how it is talked to: videos, nim, replicate, ...")
    url: str = _about("its address, like http://localhost:8000; empty: the dialect's own")
    token: str = _about("name of the variable with the token; empty: the dialect's own")
    via: str = _about("the SSH target it runs on; url is then as seen from there")
    ca_file: str = _about("PEM file of further certificate authorities")
    proxy: str = _about("empty: what HTTPS_PROXY and NO_PROXY say")
    silence: int = Field(default=60, ge=5, description="seconds without a byte of an answer")
    webhook: str = _about("where cosmos webhook is reached from outside; told to who calls back")
    price_per_hour: float = _price()
    slots: int = _slots()

    kind: ClassVar[str] = "http"
    gpus_per_slot: ClassVar[int] = 0
    pins_gpus: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = ()
    image: ClassVar[str] = ""

    def image_for(self, engine: str) -> str:
        """There are no images: the service runs already."""
        return ""

    @property
    def where(self) -> str:
        """Its address, and the machine it is reached by."""
        return f"{self.url} by {self.via}" if self.via else self.url

    @property
    def way(self) -> str:
        """How it is talked to."""
        return self.dialect


class ModelSettings(Table):
    """``[models.NAME]``: a model of Replicate and what it calls its inputs: a new one is no code.

    Each of ours names one of the model's inputs; empty, or absent: it has no such input.
    """

    slug: str = _about('its name there, like "lightricks/ltx-video-0.9.7"')
    version: str = _about("64 hex digits; empty: an official model, else its newest version")
    deployment: str = _about('"owner/name" of a deployment of yours that runs it; empty: none')
    prompt: str = _about("its input for the words", "prompt")
    negative_prompt: str = _about("its input for what is not wanted")
    image: str = _about("its input for the first frame")
    needs_image: bool = _about("true: it makes nothing without a first frame", False)
    video: str = _about("its input for a whole video")
    frames: str = _about("its input for the number of frames")
    frame_step: int = Field(
        default=1, ge=1, description="its frames are a multiple of this, and one: 8 for 8n+1"
    )
    inputs: dict[Literal["seed", "num_steps", "guidance", "fps"], str] = Field(
        default_factory=dict, description="its input by our parameter: seed, num_steps, ..."
    )
    fixed: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="further inputs as they are sent; a parameter wins"
    )


class Passes(Table):
    """``[passes]``: names of AOVs and of files by pass; the first that is there is taken.

    Case does not count; ``crypto_*`` stands for every name that begins so.
    """

    color: tuple[str, ...] = _about("the picture itself", ("C", "rgba", "beauty", "color"))
    depth: tuple[str, ...] = _about("distance from the camera", ("Pz", "hitPz", "depth", "Z"))
    segmentation: tuple[str, ...] = _about(
        "cryptomatte layers or whole-number ids",
        ("crypto_object", "crypto_material", "crypto_asset", "segmentation", "primid"),
    )
    edge: tuple[str, ...] = _about("lines, white on black", ("edge",))
    vis: tuple[str, ...] = _about("a blurred picture", ("vis",))
    normals: tuple[str, ...] = _about("found by inspect, not sent yet", ("N", "normals"))
    motion: tuple[str, ...] = _about("found by inspect, not sent yet", ("motion", "velocity"))


class Colour(Table):
    """``[colour]``: from scene-linear EXR to what a display shows."""

    config: str = _about(
        'OCIO config: a built-in one by its full name, or the path of a .ocio file; "srgb": the '
        "plain sRGB curve, without OCIO",
        "cg-config-v2.2.0_aces-v1.3_ocio-v2.4",
    )
    space: str = _about(
        "colour space of the renders; empty: what the file says, else linear Rec.709"
    )
    display: str = _about("empty: the config's own")
    view: str = _about("empty: the display's own")
    exposure: float = _about("stops added before the view", 0.0)


class Depth(Table):
    """``[depth]``: from distances to grey, nearest white; one scale for a whole shot."""

    mode: Literal["inverse", "linear", "log"] = _about(
        "what grey is proportional to; inverse is what the models' own estimator gives", "inverse"
    )
    near: float = Field(default=0.0, ge=0, description="distance that is white; 0: measured")
    far: float = Field(default=0.0, ge=0, description="distance that is black; 0: measured")
    percentile: float = Field(
        default=1.0, ge=0, lt=50, description="per cent left out at each end when measuring"
    )


class LocalModels(Table):
    """``[ai]``: the local models that describe a shot; each an id of the hub or a folder."""

    caption_model: str = _about("BLIP: a sentence", "Salesforce/blip-image-captioning-base")
    caption_revision: str = _about("commit or tag; empty: the newest")
    tags_model: str = _about("ViT: what kind of picture", "google/vit-base-patch16-224")
    tags_revision: str = _about("commit or tag; empty: the newest")
    objects_model: str = _about("DETR: what is in it", "facebook/detr-resnet-50")
    objects_revision: str = _about(
        "commit, tag or branch; this one has the same weights, and needs no library timm",
        "no_timm",
    )
    device: Literal["auto", "cuda", "mps", "cpu"] = _about("auto: the best there is", "auto")
    batch: int = Field(default=8, ge=1, le=64, description="frames at once")


class QueueSettings(Table):
    """``[queue]``: how the queue goes on after a fault that passes."""

    tries: int = Field(
        default=3, ge=1, description="how often a run is tried before it is set aside"
    )
    retry_pause: float = Field(
        default=30.0, ge=0, description="seconds before the second try; twice as long each time"
    )


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
    services: dict[str, ServiceSettings] = Field(default_factory=dict)
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    passes: Passes = Passes()
    colour: Colour = Colour()
    depth: Depth = Depth()
    ai: LocalModels = LocalModels()
    queue: QueueSettings = QueueSettings()
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
    def sweeps_dir(self) -> Path:
        """Where sweeps are kept, beside the RunSpecs that came of them."""
        return self.runs_dir.with_name("sweeps")

    @property
    def videos_dir(self) -> Path:
        """Where prepared shots are kept."""
        return self.root / self.paths.local_videos_dir

    @property
    def outputs_dir(self) -> Path:
        """Where each run has its folder."""
        return self.root / self.paths.local_outputs_dir

    def all_targets(self) -> dict[str, TargetSettings | ServiceSettings]:
        """Every target by name: the machines, then ``[services.*]``."""
        return {**self.machines(), **self.services}

    def machines(self) -> dict[str, TargetSettings]:
        """``local``, ``remote`` when it has a host, then ``[targets.*]``."""
        known = {"local": TargetSettings.model_validate(LOCAL)}
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
