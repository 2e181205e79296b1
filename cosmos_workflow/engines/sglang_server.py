"""The command that serves Cosmos 3 with SGLang."""

from __future__ import annotations

from cosmos_workflow.engines.vllm_omni_server import Serving, model_of, served
from cosmos_workflow.execution.job import CommandJob, Place

IMAGE = "lmsysorg/sglang:latest"


def server(serving: Serving) -> CommandJob:
    """The job of an SGLang server, which listens on 127.0.0.1 alone.

    Without a folder for its results it takes no video.
    """
    model, gpus = model_of(serving)
    spread = ("--num-gpus", str(gpus)) if gpus > 1 else ()
    argv = (
        "sglang", "serve", "--model-path", model,
        "--host", "127.0.0.1", "--port", str(serving.port),
        "--output-path", Place("workspace", "results"), *spread, *serving.more,
    )  # fmt: skip
    env = {} if serving.guardrails else {"SGLANG_DISABLE_COSMOS3_GUARDRAILS": "1"}
    return served("sglang", serving, gpus, argv, IMAGE, env)
