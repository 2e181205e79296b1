"""What the guardrails of the Cosmos programs say when they refuse: which one, why, which word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmos_workflow.engines.crashes import EXCEPTION
from cosmos_workflow.engines.transfer1_log import LOG

VIDEO = "video content safety filter"

GUARDRAILS = {
    "BLOCKLIST": "Blocklist",
    "LLAMAGUARD3": "Llama Guard 3",
    "QWEN3GUARD": "Qwen3Guard",
    "VIDEOCONTENTSAFETYFILTER": VIDEO,
}
"""Their names in the log, and for people."""

_OURS = re.compile(r"^[a-z0-9-]+\.(?:py|sh): ")


def reason(lines: Sequence[str]) -> str | None:
    """The text after GUARDRAIL BLOCKED, which goes on over the lines of the prompt it quotes."""
    start = "GUARDRAIL BLOCKED: "
    said: list[str] = []
    for line in lines:
        logged = LOG.match(line)
        other = logged or EXCEPTION.match(line) or _OURS.match(line)
        if said and (other or line.startswith("Traceback ")):
            break
        if said:
            said.append(line)
        elif logged and logged["message"].startswith(start):
            said.append(logged["message"].removeprefix(start))
    return "\n".join(said) if said else None


def split(text: str) -> tuple[str, str]:
    """Which guardrail, by its name for people, and what it said."""
    name, _, said = text.partition(": ")
    return GUARDRAILS.get(name, name.strip().title() or "guardrail"), said


def other_words(said: str) -> str:
    """What to do about a word of the list; empty when the reason is another one."""
    match = re.search(r"(?:Exact|Partial) Match Word: (.*)\Z", said, re.DOTALL)
    word = match[1].strip() if match else ""
    if not word:
        return ""
    return f"say {word!r} in other words; the list matches single words, whatever they mean"


def without_prompt(said: str) -> str:
    """The reason alone: the guardrail quotes the whole prompt back."""
    quoted = r": Prompt: .*, ((?:Exact|Partial) Match Word: )"
    return re.sub(quoted, r": \1", said, flags=re.DOTALL).strip()[:600]
