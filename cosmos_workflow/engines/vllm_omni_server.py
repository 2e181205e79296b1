"""The command that serves Cosmos 3 with vLLM-Omni, and why it did not come up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosmos_workflow.engines import crashes
from cosmos_workflow.engines.vllm_omni import IMAGE
from cosmos_workflow.errors import SpecError, did_you_mean
from cosmos_workflow.events import Failed
from cosmos_workflow.execution.job import Arg, CommandJob, WrittenFile

MODELS: Mapping[str, tuple[str, int]] = {
    "nano": ("nvidia/Cosmos3-Nano", 1),
    "super": ("nvidia/Cosmos3-Super", 4),
}
"""Short names: the model on Hugging Face, and how many GPUs it takes."""

FACTS = "server.json"
"""A server's model and port, in its workspace, for who looks at it later."""

START_S = 2400
"""Seconds that a server may take to load its weights, the first download included."""

MEMORY = (
    "after --: --quantization fp8, or --enable-layerwise-offload; more GPUs: --num-gpu; or end "
    "what else is on the GPU (cosmos status)"
)

READY = re.compile(
    r"Application startup complete|Uvicorn running on|The server is fired up and ready"
)
"""What a server says once it answers."""


@dataclass(frozen=True)
class Serving:
    """What is to be served.

    ``job``: the job's name, of which one runs at a time; ``model``: a short name, or a model of
    Hugging Face.  ``gpus``: 0 for as many as the model takes.  ``more``: further arguments of the
    server, as they are.
    """

    job: str
    model: str = "nano"
    port: int = 8000
    gpus: int = 0
    cuda_devices: str = ""
    guardrails: bool = True
    secrets: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def model_of(serving: Serving) -> tuple[str, int]:
    """The model's full name, and how many GPUs.  Raises SpecError for a name that is none."""
    if serving.model in MODELS:
        model, usual = MODELS[serving.model]
    elif "/" in serving.model and not serving.model.startswith("-"):
        model, usual = serving.model, 1
    else:
        raise SpecError(
            f"--model {serving.model}: not a model",
            hint=f"{did_you_mean(serving.model, list(MODELS))}{', '.join(MODELS)}, or one of "
            "Hugging Face, like nvidia/Cosmos3-Nano",
        )
    return model, serving.gpus or usual


def server(serving: Serving) -> CommandJob:
    """The job of a vLLM-Omni server, which listens on 127.0.0.1 alone."""
    model, gpus = model_of(serving)
    guard = () if serving.guardrails else ("--no-guardrails",)
    argv = (
        "vllm", "serve", model, "--omni",
        "--model-class-name", "Cosmos3OmniDiffusersPipeline",
        "--allowed-local-media-path", "/",
        "--host", "127.0.0.1", "--port", str(serving.port),
        "--init-timeout", str(START_S), "--stage-init-timeout", str(START_S),
        *_shared_out(model, gpus), *guard, *serving.more,
    )  # fmt: skip
    return served("vllm_omni", serving, gpus, argv, IMAGE)


def _shared_out(model: str, gpus: int) -> tuple[str, ...]:
    """How the model is spread over GPUs, as its makers run it."""
    large = "Super" in model
    if large and gpus == 8:
        return (
            "--cfg-parallel-size", "2", "--ulysses-degree", "4", "--use-hsdp",
            "--hsdp-shard-size", "8",
        )  # fmt: skip
    spread = ("--tensor-parallel-size", str(gpus)) if gpus > 1 else ()
    return (*spread, "--enable-layerwise-offload") if large else spread


def served(
    engine: str,
    serving: Serving,
    gpus: int,
    argv: tuple[Arg, ...],
    image: str,
    env: Mapping[str, str] | None = None,
) -> CommandJob:
    """The job of a server.  Downloads by Xet fail in some images: the plain way is taken."""
    return CommandJob(
        name=serving.job,
        engine=engine,
        argv=argv,
        files=(WrittenFile(FACTS, json={"model": model_of(serving)[0], "port": serving.port}),),
        outputs={serving.job: ("outputs/*",)},
        image=image,
        env={"HF_HUB_DISABLE_XET": "1", **(env or {})},
        secrets=serving.secrets,
        gpus=gpus,
        cuda_devices=serving.cuda_devices,
        port=serving.port,
    )


# -- why it did not come up -----------------------------------------------------------------------

_PREFIX = re.compile(
    r"^(?:\([^)]*\) ?)?(?:(?:ERROR|INFO|WARNING|CRITICAL) [\d-]+ [\d:]+ \[[^]]*\] ?)?"
)

_FRAME = re.compile(r"Traceback \(most recent call last\)|\s+File \"|\s{4,}\S")

_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        r"guardrails are enabled but not functional",
        "the image lacks the package cosmos-guardrail",
        "use another image (v0.26.0 lacks it), or start without: --no-guardrails, if the model's "
        "licence lets you",
    ),
    (
        r"Address already in use|address already in use|Errno 98",
        "something else listens on that port of the machine",
        "another --port, or end what is there",
    ),
    (
        r"(?:vllm|sglang): (?:command )?not found|No such file or directory: '(?:vllm|sglang)'",
        "the image has no such server",
        "name one that has: --image, or images of the target",
    ),
    (
        r"No CUDA GPUs are available|Found no NVIDIA driver|Failed to infer device type",
        "the container sees no GPU",
        "gpu_enabled of the target, the NVIDIA Container Toolkit, and cosmos doctor",
    ),
)


def last_words(log: Sequence[str], count: int) -> list[str]:
    """The last lines of a log as a person reads them: without prefixes and frames of a stack."""
    lines = [_PREFIX.sub("", line).rstrip() for line in log]
    told = [line for line in lines if line and not _FRAME.match(line)]
    return told[-count:]


def failure(log: Sequence[str], exit_code: int | None) -> Failed:
    """Why a server ended before it was ready, by its log."""
    lines = [_PREFIX.sub("", line) for line in log]
    text = "\n".join(lines)
    for pattern, what, hint in _CAUSES:
        if re.search(pattern, text):
            return Failed("engine", what, hint)
    crash = crashes.last(lines)
    if crash:
        licences = "nvidia/Cosmos-1.0-Guardrail and nvidia/Cosmos-Guardrail1 have one"
        known = (
            crashes.out_of_memory(crash, MEMORY)
            or crashes.download(crash, licences=licences)
            or crashes.disk(crash)
        )
        if known:
            return known
    code = "" if exit_code is None else f" with exit code {exit_code}"
    said = str(crash) if crash else next((ln.strip() for ln in reversed(lines) if ln.strip()), "")
    what = f"the server ended{code} before it was ready"
    return Failed(
        "engine",
        f"{what}: {said[:300]}" if said else what,
        "what it said last is above; -v shows all of it",
    )
