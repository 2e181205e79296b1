"""The answer of a chat model as text: without its thinking and its wrapping; a refusal known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_THINKING = re.compile(r"\A\s*(?:<think(?:ing)?>)?.*?</think(?:ing)?>\s*", re.DOTALL)
_FENCE = re.compile(r"\A```[a-zA-Z]*[ \t]*\n(?P<inside>.*?)\n?```\Z", re.DOTALL)
_INNER_FENCE = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>\s*\{.*?\}\s*)\n?```", re.DOTALL)
_QUOTES = (('"', '"'), ("\u201c", "\u201d"), ("'", "'"))
_REFUSAL = re.compile(
    r"\A(?:i['\u2019]?m (?:very |really |so )?sorry|i am sorry|sorry[,.]|i apologi[sz]e"
    r"|(?:unfortunately, )?i (?:can(?:not|['\u2019]t)|am (?:unable|not able)|won['\u2019]t)"
    r"|i['\u2019]m (?:unable|not able)|as an ai\b)",
    re.IGNORECASE,
)


def spoken(text: str) -> str:
    """What is said: no thinking before it, no code fence or quotes around it."""
    text = _THINKING.sub("", text, count=1) if "</think" in text else text
    text = text.strip()
    fenced = _FENCE.match(text)
    text = fenced["inside"].strip() if fenced else text
    for before, after in _QUOTES:
        inside = text[1:-1]
        if len(text) > 2 and text[0] == before and text[-1] == after and before not in inside:
            return inside.strip()
    return text


def is_refusal(text: str) -> bool:
    """Whether it begins as refusals do: a prompt never speaks of itself."""
    return bool(_REFUSAL.match(spoken(text)))


def json_of(text: str) -> tuple[Any, str]:
    """The JSON in an answer, and why there is none; some words around it do no harm."""
    said = spoken(text)
    inner = _INNER_FENCE.search(said)
    candidates = [said, inner["inside"] if inner else "", _braced(said)]
    why = "it is empty"
    for candidate in candidates:
        if not candidate:
            continue
        try:
            return json.loads(candidate), ""
        except ValueError as error:
            why = f"it is no JSON: {error}"
        except RecursionError:
            why = "it is no JSON: it is nested too deep"
    return None, why


def _braced(text: str) -> str:
    """From the first brace to the last one."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else ""


def content(fields: Mapping[str, Any]) -> str:
    """The words of the first choice; empty where there are none."""
    value = message(fields).get("content")
    if isinstance(value, list):
        pieces = [part.get("text") for part in value if isinstance(part, Mapping)]
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return value if isinstance(value, str) else ""


def choice(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice, or nothing."""
    choices = fields.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}


def message(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message of the first choice, or nothing."""
    value = choice(fields).get("message")
    return value if isinstance(value, Mapping) else {}
