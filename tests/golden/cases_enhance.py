"""The cases of the engines whose result is a prompt, for the golden plans."""

from __future__ import annotations

from collections.abc import Callable

from cosmos_workflow.engines.chat import Chat
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.enhance import Enhance
from tests.engine_samples import prompt_spec, request, smaller

CHAT, ENHANCE = Chat(), Enhance()

CASES: dict[str, Callable[[], RunRequest]] = {
    "enhance": lambda: request(ENHANCE, prompt_spec()),
    "enhance_by_a_control": lambda: request(
        ENHANCE,
        prompt_spec('--prompt "$(x)"\n', video=False, controls=["depth", "seg"]),
        cuda_devices="1",
        options={"offload_prompt_upsampler": "true"},
        media={"segmentation": smaller(width=1080, height=1920, frames=1)},
    ),
    "chat_prose": lambda: request(CHAT, prompt_spec(), options={"model": "writer"}),
    "chat_words_alone": lambda: request(
        CHAT,
        prompt_spec(video=False),
        parameters={"seed": 7},
        options={"words": "60", "temperature": "1.2", "extras": '{"seed": null, "top_p": 0.9}'},
    ),
    "chat_structured": lambda: request(
        CHAT,
        prompt_spec(),
        options={"structured": "true", "frames": "3", "resolution": "480"},
        media={"color": smaller(width=1080, height=1920, fps=29.97, frames=93)},
    ),
}
