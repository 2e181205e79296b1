"""The words of a sweep: from files of prompts, and from templates with ``{placeholders}``."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.workflows.sweep_axes import Value

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_OWN = ("prompt", "negative_prompt", "name")


@dataclass(frozen=True)
class Words:
    """One line of a file of prompts; what it does not say is the PromptSpec's.

    ``fills``: a value for each placeholder that the line names.
    """

    prompt: str = ""
    negative_prompt: str | None = None
    name: str = ""
    fills: Mapping[str, str] = field(default_factory=dict)


def read_words(path: Path) -> list[Words]:
    """A text file (a prompt a line), CSV with a head line, or JSONL.  Raises SpecError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read the prompts {path}: {error}") from error
    reader = {".csv": _csv, ".jsonl": _jsonl}.get(path.suffix.lower(), _lines)
    found = reader(path, text)
    if not found:
        raise SpecError(f"{path} has no prompts", hint="a prompt on each line, or CSV, or JSONL")
    return found


def _lines(path: Path, text: str) -> list[Words]:
    lines = (line.strip() for line in text.splitlines())
    return [Words(line) for line in lines if line and not line.startswith("#")]


def _csv(path: Path, text: str) -> list[Words]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        return [_row(path, number, row) for number, row in enumerate(rows, 2)]
    except csv.Error as error:
        raise SpecError(f"{path}, line {rows.line_num}: {error}") from error


def _jsonl(path: Path, text: str) -> list[Words]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise SpecError(f"{path}, line {number} is not JSON: {error}") from error
            found.append(_row(path, number, {"prompt": row} if isinstance(row, str) else row))
    return found


def _row(path: Path, number: int, row: Any) -> Words:
    texts = row.values() if isinstance(row, Mapping) else [None]
    if not all(isinstance(value, str | int | float) for value in texts) or None in row:
        raise SpecError(
            f"{path}, line {number}: a value is missing, or is no text",
            hint='each line has a value for every column; in JSONL like {"prompt": "..."}',
        )
    said = {str(key).strip(): str(value) for key, value in row.items()}
    fills = {key: value for key, value in said.items() if key not in _OWN}
    return Words(said.get("prompt", ""), said.get("negative_prompt"), said.get("name", ""), fills)


def placeholders(texts: Sequence[str]) -> list[str]:
    """The names in braces, each once."""
    found = (match[1] for text in texts for match in _HOLE.finditer(text) if match[1] is not None)
    return list(dict.fromkeys(name.strip() for name in found))


def filled(text: str, fills: Mapping[str, Value]) -> str:
    """A template with its placeholders filled; ``{{`` is a brace.  Raises SpecError, naming one
    that nobody fills."""

    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        name = match[1].strip()
        if name not in fills:
            raise SpecError(
                f"nobody fills {{{name}}} in {text[:60]!r}",
                hint=f"--vary {name}=ONE,ANOTHER fills it; {{{{ is a brace that is none",
            )
        return str(fills[name])

    return _HOLE.sub(put, text)


def with_words(source: PromptSpec, words: Words, fills: Mapping[str, Value]) -> PromptSpec:
    """The PromptSpec with other words, a child of ``source``; ``source`` where all is the same."""
    known = {**words.fills, **fills}
    prompt, negative = words.prompt or source.prompt, words.negative_prompt
    negative = source.negative_prompt if negative is None else negative
    if known:
        prompt, negative = filled(prompt, known), filled(negative, known)
    name = words.name or source.name
    if (prompt, negative, name) == (source.prompt, source.negative_prompt, source.name):
        return source
    values = source.model_dump(mode="json", exclude={"id"})
    said = {"prompt": prompt, "negative_prompt": negative, "name": name, "parent": source.id}
    return PromptSpec.made(**{**values, **said})
