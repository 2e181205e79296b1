"""The commented ``config.toml`` of ``cosmos init``; ``config.toml.example`` is the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import tomlkit
from tomlkit.exceptions import TOMLKitError

from cosmos_workflow.errors import ConfigError

TEXT = """\
# Settings of this project.  Paths are relative to the folder of this file.
# Every key can be overridden by a variable: COSMOS_REMOTE_HOST, COSMOS_DOCKER_IMAGE,
# COSMOS_TARGETS_LAB_PORT.  What is left out, or empty, has a sensible default.

[remote]
# The GPU host behind SSH: the target named "remote".  Without a host, runs are previews
# on this machine.
host = ""               # name, address, or alias of ~/.ssh/config
user = ""               # empty: what ~/.ssh/config says, else your own name
port = 0                # 0: what ~/.ssh/config says, else 22
ssh_key = ""            # path of a private key; empty: the agent and ~/.ssh/config
ssh_config = "~/.ssh/config"
known_hosts = "~/.ssh/known_hosts"
# Absolute folders on the host; host-setup.sh makes them and prints these lines.
repo = ""               # clone of the model's code; empty: it is in the image
checkpoints = ""        # model weights; empty: they are in the image
hf_cache = ""           # Hugging Face cache; empty: none is kept
secrets = []            # variables passed to jobs, by name: ["HF_TOKEN"]; never written down
python = "python3"      # the interpreter on the host; only for launcher "shell"
silence = 20            # seconds without a sign of life, after which a connection counts as lost
price_per_hour = 0.0    # of one GPU, in the currency you think in; 0: unknown
slots = 1               # jobs that the queue runs there at once
gpus_per_slot = 1       # with several slots, the first has the GPUs from 0 on, and so forth

[paths]
remote_dir = "cosmos"   # on the host, relative to the user's home
local_prompts_dir = "inputs/prompts"
local_runs_dir = "inputs/runs"
local_videos_dir = "inputs/videos"
local_outputs_dir = "outputs"

[docker]
image = ""              # empty: the one that the engine names; best pinned: name@sha256:...
images = {}             # image by engine, { transfer1 = "..." }; wins over image
gpu_enabled = true      # false: no --gpus for docker
shm_size = ""           # like "8g"; empty: --ipc=host
container_user = ""     # uid:gid in the container; empty: the image's

[passes]
# Names of AOVs and files by pass, the first that is there is taken; crypto_* stands for all
# that begin so.
color = ["C", "rgba", "beauty", "color"]
depth = ["Pz", "hitPz", "depth", "Z"]
segmentation = ["crypto_object", "crypto_material", "crypto_asset", "segmentation", "primid"]
edge = ["edge"]
vis = ["vis"]
normals = ["N", "normals"]
motion = ["motion", "velocity"]

[colour]
# From scene-linear EXR to what a display shows.
config = "cg-config-v2.2.0_aces-v1.3_ocio-v2.4"   # or the path of a .ocio file, or "srgb"
space = ""              # of the renders; empty: what the file says, else linear Rec.709
display = ""            # empty: the config's own
view = ""               # empty: the display's own
exposure = 0.0          # stops added before the view

[depth]
# From distances to grey, nearest white, one scale for a whole shot.
mode = "inverse"        # or "linear", "log": what grey is proportional to
near = 0.0              # distance that is white; 0: measured
far = 0.0               # distance that is black; 0: measured
percentile = 1.0        # per cent left out at each end when measuring

[ai]
# Local models that describe a shot; each an id of the hub or a folder.
caption_model = "Salesforce/blip-image-captioning-base"
caption_revision = ""   # commit or tag; empty: the newest
tags_model = "google/vit-base-patch16-224"
tags_revision = ""
objects_model = "facebook/detr-resnet-50"
objects_revision = "no_timm"   # the same weights, for machines without the library timm
device = "auto"         # or "cuda", "mps", "cpu"
batch = 8               # frames at once

[queue]
tries = 3               # how often a run is tried before it is set aside
retry_pause = 30.0      # seconds before the second try; twice as long each time

[defaults]
target = ""             # empty: "remote" when it has a host, else "local"
engine = ""             # empty: "transfer1" when remote has a host, else "preview"
time_limit = 21600      # seconds a job may run; 0: no limit

# A service that makes videos over HTTP is a target as well: cosmos run ... --target omni
# [services.omni]
# dialect = "videos"                  # or "nim", "replicate": how it is talked to
# url = "http://localhost:8000"       # empty: the dialect's own
# token = ""                          # the variable that holds the token, by name
# via = ""                            # the SSH target it runs on: url is as seen from there
# ca_file = ""
# proxy = ""
# silence = 60                        # seconds without a byte of an answer
# webhook = ""                        # where cosmos webhook is reached from outside, with https
# price_per_hour = 0.0                # of one GPU
# slots = 1                           # jobs that the queue runs there at once

# A further model of Replicate is no code: cosmos create-run ... --option model=mochi
# [models.mochi]
# slug = "genmoai/mochi-1"
# version = ""                        # empty: an official model, else its newest version
# deployment = ""                     # "owner/name" of a deployment of yours that runs it
# prompt = "prompt"                   # what it calls each of ours; empty: it has no such input
# negative_prompt = ""
# image = ""                          # the first frame
# needs_image = false
# video = ""
# frames = "num_frames"
# frame_step = 6                      # its frames are a multiple of this, and one
# inputs = { seed = "seed", num_steps = "num_inference_steps", guidance = "guidance_scale" }
# fixed = { fps = 30 }                # further inputs as they are sent

# A further host is a further target: cosmos run ... --target lab
# [targets.lab]
# kind = "ssh"                        # or "local": this machine
# launcher = "docker"                 # or "shell": a plain process
# host = "lab.example.com"
# user = ""
# port = 0
# ssh_key = ""
# ssh_config = "~/.ssh/config"
# known_hosts = "~/.ssh/known_hosts"
# remote_dir = "cosmos"
# python = "python3"
# image = ""
# images = { transfer1 = "" }
# gpu_enabled = true
# shm_size = ""
# checkpoints = "/data/checkpoints"
# hf_cache = "/data/huggingface"
# repo = "/data/cosmos-transfer1"
# container_user = ""
# secrets = ["HF_TOKEN"]
# silence = 20
# price_per_hour = 2.5
# slots = 4                           # jobs that the queue runs there at once
# gpus_per_slot = 1                   # the first has the GPUs from 0 on, and so forth

# A cluster: its login node, and jobs that go through its queue
# [targets.cluster]
# launcher = "slurm"
# host = "login.example.com"
# remote_dir = "/shared/me/cosmos"    # on a file system that all nodes see
# slots = 16                          # jobs of ours that are in its queue at once
# [targets.cluster.slurm]
# partition = "gpu"
# account = ""
# qos = ""
# constraint = ""
# gres = "gpu:{gpus}"
# container = "pyxis"                 # or "apptainer", or "none": the node itself
# modules = []                        # environment modules to load first
# array = 1000                        # jobs of one array, at most MaxArraySize of the cluster
# patience = 600                      # seconds until a job that never begins there is taken back
# extra = []                          # further options of sbatch
"""

IGNORED = ("/inputs/videos/", "/outputs/")
"""Lines for ``.gitignore``: large files that can be made again."""


@dataclass(frozen=True)
class Login:
    """A host as a person writes it, ``user@host:port``."""

    host: str
    user: str = ""
    port: int = 0


def login(text: str) -> Login:
    """Read ``[user@]host[:port]``.  Raises ConfigError."""
    match = re.fullmatch(r"(?:([^@\s/\-][^@\s/]*)@)?([^@\s:/\-][^@\s:/]*)(?::(\d{1,5}))?", text)
    if not match or int(match[3] or 0) > 65535:
        raise ConfigError(
            f"--host {text!r} is not a host", hint="write user@host, host, or user@host:port"
        )
    return Login(match[2], match[1] or "", int(match[3] or 0))


def with_login(text: str, remote: Login) -> str:
    """A ``config.toml`` with ``[remote]`` host, user and port set, and all else left as it was."""
    try:
        document = tomlkit.parse(text)
        table = document.setdefault("remote", tomlkit.table())
        for key, value in (("host", remote.host), ("user", remote.user), ("port", remote.port)):
            if value or key in table:
                table[key] = value
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"config.toml is not valid TOML, so nothing in it can be set: {error}",
            hint="mend that line; or cosmos init --force writes a new one and keeps this as "
            "config.toml.bak",
        ) from error
    return tomlkit.dumps(document)


def with_service(text: str, name: str, service: Mapping[str, str]) -> str:
    """A ``config.toml`` with ``[services.NAME]`` holding these, and all else left as it was."""
    try:
        document = tomlkit.parse(text)
        services = document.setdefault("services", tomlkit.table(is_super_table=True))
        table = services.setdefault(name, tomlkit.table())
        for key, value in service.items():
            table[key] = value
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"config.toml is not valid TOML, so nothing in it can be set: {error}",
            hint="mend that line, then: cosmos serve start --save",
        ) from error
    return tomlkit.dumps(document)
