"""Words for a sweep: prompts out of a file, and templates with places like ``{weather}``.

``{weather}`` is filled in; ``{{weather}}`` stays, as ``{weather}``.  Other braces mean nothing, so
that a structured caption, which is JSON, can be a template too.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.prompt_spec import PromptSpec

LARGEST = 64 * 2**20
"""Bytes of a file of prompts that are read at most."""

_PLACE = re.compile(r"\{\{([^\W\d]\w*)\}\}|\{([^\W\d]\w*)\}")
_OWN = ("prompt", "negative_prompt", "name")


@dataclass(frozen=True)
class Row:
    """One line of a file of prompts; "" where it says nothing.  ``places``: its other columns."""

    prompt: str
    negative_prompt: str
    name: str
    places: Mapping[str, str]


def places(template: str) -> list[str]:
    """The names of the places of a template, in order, each once."""
    return list(dict.fromkeys(found[2] for found in _PLACE.finditer(template) if found[2]))


def places_of(prompt: PromptSpec) -> list[str]:
    """The names of the places in a prompt's words, each once."""
    return places(f"{prompt.prompt}\n{prompt.negative_prompt}")


def filled(template: str, values: Mapping[str, object], name: str) -> str:
    """The template with its places filled in, once: braces in a value mean nothing.

    Raises SpecError naming each place that nothing fills; ``name`` is whose words they are.
    """
    empty = [place for place in places(template) if place not in values]
    if empty:
        raise SpecError(
            f"nothing fills {', '.join(f'{{{place}}}' for place in empty)} in the words of {name}",
            hint=f"--vary {empty[0]}=one,two, or a column {empty[0]} of --prompts; "
            f"{{{{{empty[0]}}}}} stands for the braces themselves",
        )
    as_json = captions.is_caption(template)

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return f"{{{found[1]}}}"
        text = str(values[found[2]])
        return json.dumps(text, ensure_ascii=False)[1:-1] if as_json else text

    return _PLACE.sub(put, template)


def rows(path: Path, most: int) -> list[Row]:
    """The prompts of a .txt (one a line), .csv (columns) or .jsonl (an object a line).

    Raises SpecError naming the line; for more than ``most`` before they are in memory.
    """
    readers = {".txt": _from_text, ".csv": _from_csv, ".jsonl": _from_jsonl}
    if path.suffix.lower() not in readers:
        raise SpecError(
            f"--prompts {path}: what kind of file is that?", hint="a .txt, a .csv or a .jsonl"
        )
    found: list[Row] = []
    for row in readers[path.suffix.lower()](path, _text(path)):
        found.append(row)
        if len(found) > most:
            raise SpecError(
                f"--prompts {path} has more than {most:,} prompts", hint="split it into several"
            )
    if not found:
        raise SpecError(f"--prompts {path} has no prompts", hint="a prompt a line")
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise SpecError(
                f"--prompts {path} has more than {LARGEST // 2**20} MiB",
                hint="is it the right file?",
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpecError(
            f"cannot read --prompts {path}: {error.strerror}", hint="paths are as seen from here"
        ) from error
    except ValueError as error:  # not UTF-8, or a name with a NUL
        raise SpecError(
            f"--prompts {path} is not text in UTF-8", hint="save it as UTF-8"
        ) from error


def _from_text(path: Path, text: str) -> Iterator[Row]:
    for line in text.split("\n"):
        if line.strip():
            yield Row(line.strip(), "", "", {})


def _from_csv(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if not all(head) or len(set(head)) != len(head):
            raise SpecError(
                f"--prompts {path}: the first line does not name each column once",
                hint="like prompt,negative_prompt,weather",
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                raise SpecError(
                    f"--prompts {path}, line {reader.line_num}: {len(cells)} cells for "
                    f"{len(head)} columns",
                    hint="a cell with a comma stands in double quotes",
                )
            yield _row(dict(zip(head, (cell.strip() for cell in cells), strict=True)))
    except csv.Error as error:
        raise SpecError(
            f"--prompts {path}, line {reader.line_num}: {error}",
            hint="a cell with a comma or a quote stands in double quotes",
        ) from error


def _from_jsonl(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        plain = isinstance(value, dict) and all(
            isinstance(one, str | int | float) and not isinstance(one, bool)
            for one in value.values()
        )
        if not plain:
            raise SpecError(
                f"--prompts {path}, line {number} is not an object of words and numbers",
                hint='like {"prompt": "rain, neon", "weather": "wet"}',
            )
        yield _row({key: str(one) for key, one in value.items()})


def _row(cells: Mapping[str, str]) -> Row:
    own = [cells.get(key, "") for key in _OWN]
    return Row(own[0], own[1], own[2], {k: v for k, v in cells.items() if k not in _OWN})
