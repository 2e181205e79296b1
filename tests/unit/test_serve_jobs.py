"""The commands that serve a model, and what their logs mean when they do not come up."""

from __future__ import annotations

import tomllib

import pytest

from cosmos_workflow.config.template import with_service
from cosmos_workflow.engines import sglang_server, vllm_omni_server
from cosmos_workflow.engines.vllm_omni_server import READY, Serving, failure, last_words, server
from cosmos_workflow.errors import ConfigError, SpecError
from cosmos_workflow.execution.job import Place


def argv(**wishes: object) -> str:
    return " ".join(str(word) for word in server(Serving("serve-omni", **wishes)).argv)  # type: ignore[arg-type]


def test_nano() -> None:
    job = server(Serving("serve-omni", port=8123, secrets=("HF_TOKEN",)))
    line = " ".join(str(word) for word in job.argv)
    assert line.startswith("vllm serve nvidia/Cosmos3-Nano --omni ")
    assert "--host 127.0.0.1 --port 8123" in line and "--init-timeout 2400" in line
    assert "--no-guardrails" not in line and "--tensor-parallel-size" not in line
    assert (job.port, job.gpus, job.secrets) == (8123, 1, ("HF_TOKEN",))
    assert job.env["HF_HUB_DISABLE_XET"] == "1"


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        (0, "--tensor-parallel-size 4 --enable-layerwise-offload"),
        (2, "--tensor-parallel-size 2 --enable-layerwise-offload"),
        (8, "--cfg-parallel-size 2 --ulysses-degree 4 --use-hsdp --hsdp-shard-size 8"),
    ],
)
def test_super(gpus: int, said: str) -> None:
    assert said in argv(model="super", gpus=gpus)


def test_what_the_server_takes_besides_comes_last() -> None:
    line = argv(guardrails=False, more=("--quantization", "fp8"))
    assert line.endswith("--no-guardrails --quantization fp8")


def test_another_model_by_its_full_name() -> None:
    assert "serve me/Cosmos3-Mine --omni" in argv(model="me/Cosmos3-Mine")
    with pytest.raises(SpecError, match="not a model") as why:
        argv(model="supr")
    assert "super" in why.value.hint


def test_sglang() -> None:
    job = sglang_server.server(Serving("serve-sglang", gpus=2, guardrails=False))
    assert job.argv[:4] == ("sglang", "serve", "--model-path", "nvidia/Cosmos3-Nano")
    assert Place("workspace", "results") in job.argv and "--num-gpus" in job.argv
    assert job.env["SGLANG_DISABLE_COSMOS3_GUARDRAILS"] == "1"


@pytest.mark.parametrize(
    "line",
    [
        "INFO:     Application startup complete.",
        "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
        "[2026-06-15 10:26:21] The server is fired up and ready to roll!",
    ],
)
def test_ready(line: str) -> None:
    assert READY.search(line)


PREFIX = "(EngineCore_0 pid=27) ERROR 06-15 10:26:21 [core.py:52] "


@pytest.mark.parametrize(
    ("log", "said", "hint"),
    [
        (f"{PREFIX}torch.OutOfMemoryError: CUDA out of memory. Tried", "out of memory", "fp8"),
        (f"{PREFIX}huggingface_hub.errors.GatedRepoError: 403 Client Error.", "refused", "licence"),
        (f"{PREFIX}ValueError: The guardrails are enabled but not functional for", "cosmos-guard",
         "--no-guardrails"),
        (f"{PREFIX}OSError: [Errno 98] Address already in use", "port", "--port"),
        ("sh: 1: vllm: not found", "no such server", "--image"),
        (f"{PREFIX}RuntimeError: No CUDA GPUs are available", "no GPU", "gpu_enabled"),
        (f"{PREFIX}OSError: [Errno 28] No space left on device", "disk", "cosmos clean"),
        (f"{PREFIX}KeyError: 'x'", "KeyError: 'x'", "-v"),
        ("killed", "killed", "-v"),
        ("", "before it was ready", "-v"),
    ],
)  # fmt: skip
def test_why_it_did_not_come_up(log: str, said: str, hint: str) -> None:
    found = failure(log.splitlines(), None)
    assert said in found.message and hint in found.hint


def test_last_words_have_no_stack() -> None:
    log = [
        f"{PREFIX}Traceback (most recent call last):",
        f'{PREFIX}  File "/usr/lib/x.py", line 3, in run',
        f"{PREFIX}    self.go()",
        f"{PREFIX}KeyError: 'x'",
        "",
    ]
    assert last_words(log, 5) == ["KeyError: 'x'"]


def test_a_service_is_added_and_all_else_stays() -> None:
    old = '# mine\n[targets.gpu]\nhost = "a" # here\n\n[services.other]\nurl = "u"\n'
    new = with_service(old, "omni", {"dialect": "videos", "via": "gpu"})
    assert new.startswith('# mine\n[targets.gpu]\nhost = "a" # here\n')
    found = tomllib.loads(new)["services"]
    assert found == {"other": {"url": "u"}, "omni": {"dialect": "videos", "via": "gpu"}}
    again = with_service(new, "omni", {"via": "lab"})
    assert tomllib.loads(again)["services"]["omni"] == {"dialect": "videos", "via": "lab"}
    with pytest.raises(ConfigError, match="not valid TOML"):
        with_service("[a", "omni", {})


def test_images() -> None:
    assert server(Serving("x")).image == vllm_omni_server.IMAGE
