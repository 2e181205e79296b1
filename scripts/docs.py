"""Writes the parts of docs/ that the program itself knows; with --check, says which are stale.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PART = re.compile(
    r"(<!-- generated: (?P<name>[\w.-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL
)


def settings() -> str:
    """Every table of ``config.toml`` with its keys, from the models that check it."""
    from cosmos_workflow.config import settings as models

    tables = {
        "remote": models.Remote,
        "paths": models.Paths,
        "docker": models.Docker,
        "passes": models.Passes,
        "colour": models.Colour,
        "depth": models.Depth,
        "ai": models.LocalModels,
        "queue": models.QueueSettings,
        "defaults": models.Defaults,
        "targets.NAME": models.TargetSettings,
        "targets.NAME.slurm": models.SlurmSettings,
        "services.NAME": models.ServiceSettings,
        "models.NAME": models.ModelSettings,
    }
    return "\n".join(_table(name, model) for name, model in tables.items())


def _table(name: str, model: Any) -> str:
    about = _plain(model.__doc__).partition(": ")[2]
    lines = [f"### `[{name}]`", "", about[:1].upper() + about[1:], ""]
    lines += ["| key | default | what it is |", "|---|---|---|"]
    for key, field in model.model_fields.items():
        words = field.description
        if field.metadata:
            words += f" ({_range(field.metadata)})"
        lines.append(f"| `{key}` | {_default(field)} | {words.replace('|', '&#124;')} |")
    return "\n".join([*lines, ""])


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its own table"
    text = {"True": "true", "False": "false"}.get(str(value), str(value))
    text = f'"{value}"' if isinstance(value, str) else text
    if isinstance(value, tuple):
        text = json.dumps(value)
    choices = getattr(field.annotation, "__args__", ())
    named = [repr(choice).replace("'", '"') for choice in choices if isinstance(choice, str)]
    return f"`{text}`" + (f" (of {', '.join(f'`{one}`' for one in named)})" if named else "")


def _range(metadata: list[Any]) -> str:
    low = next((rule.ge for rule in metadata if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in metadata if hasattr(rule, "le")), None)
    return f"{low} to {high}" if high is not None else f"{low} or more"


def example() -> str:
    """The whole commented ``config.toml`` of ``cosmos init``."""
    from cosmos_workflow.config.template import TEXT

    return f"```toml\n{TEXT}```\n"


def errors() -> str:
    """The tree of errors as a table."""
    from cosmos_workflow.errors import INTERRUPTED, CosmosError

    lines = ["| error | exit code | transient | meaning |", "|---|---|---|---|"]
    for depth, kind in _tree(CosmosError, 0):
        indent = "&nbsp;&nbsp;&nbsp;" * depth
        transient = "yes" if kind.transient else ""
        meaning = _plain(kind.__doc__)
        lines.append(f"| {indent}`{kind.__name__}` | {kind.exit_code} | {transient} | {meaning} |")
    lines.append(f"| Ctrl-C | {INTERRUPTED} | | You stopped the command; a run goes on. |")
    return "\n".join([*lines, ""])


def _tree(kind: type, depth: int) -> Iterator[tuple[int, Any]]:
    yield depth, kind
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield from _tree(child, depth + 1)


def commands() -> str:
    """The help of every command, at 80 columns."""
    from cosmos_workflow.cli.commands import SECTIONS

    parts = [_help("cosmos", [])]
    for section, rows in SECTIONS.items():
        parts.append(f"## {section}\n")
        parts += [_help(name, name.split()) for name in rows]
    return "\n".join(parts)


def _help(name: str, argv: list[str]) -> str:
    from cosmos_workflow.cli.app import main

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            main([*argv, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    text = said.getvalue().rstrip()
    return f"### {name}\n\n```text\n{text}\n```\n" if argv else f"```text\n{text}\n```\n"


def mapping() -> str:
    """The tables of the one vocabulary, a group of models at a time."""
    from cosmos_workflow.engines import vocabulary

    controls = {str(ours): row for ours, row in vocabulary.CONTROLS.items()}
    tables = {
        "Controls": {"input video": vocabulary.INPUT, **controls},
        "Parameters": vocabulary.PARAMETERS,
        "All else": vocabulary.OTHERS,
    }
    parts = []
    for group, models in vocabulary.GROUPS.items():
        parts += [f"## {group}", ""]
        names = " | ".join(vocabulary.MODELS[model] for model in models)
        for title, table in tables.items():
            parts += [f"### {group}: {title.lower()}", ""]
            parts += [f"| ours | {names} |", "|---" * (len(models) + 1) + "|"]
            parts += [*_words(table, models), ""]
    return "\n".join(parts)


def _words(table: Any, models: Any) -> Iterator[str]:
    """A row for each of our words that one of the models has a word for."""
    for ours, row in table.items():
        if any(model in row for model in models):
            cells = [_word(ours, row.get(model)) for model in models]
            yield f"| {ours} | {' | '.join(cells)} |"


def _word(ours: str, word: Any) -> str:
    """A model's word, and in what way it is another thing than ours."""
    if word is None:
        return "-"
    whole = "whole" if word.kind is int and ours in ("guidance", "sigma_max") else ""
    text = "as text" if word.kind is str and ours == "sigma_max" else ""
    about = "; ".join(filter(None, (whole, text, word.about)))
    return f"`{word.key}`" + (f": {about}" if about else "")


def engines() -> str:
    """The table of engines, with what each takes."""
    from cosmos_workflow.engines import ENGINES

    lines = ["| engine | what it is | controls | parameters |", "|---|---|---|---|"]
    for name in ENGINES.rows:
        engine = ENGINES.load(name)()
        takes = ", ".join(engine.modalities) or "none"
        knobs = ", ".join(f"`{knob}`" for knob in engine.limits)
        lines.append(f"| `{name}` | {engine.summary} | {takes} | {knobs} |")
    return "\n".join([*lines, ""])


def replicate_models() -> str:
    """The models of Replicate that are known without a config."""
    from cosmos_workflow.engines.replicate_models import MODELS

    head = "| model | on Replicate | first frame | frames | parameters |"
    lines = [head, "|---|---|---|---|---|"]
    for name, model in MODELS.items():
        first = "needed" if model.needs_image else "as you like" if model.image else "none"
        frames = f"{model.fixed.get(model.frames)}, in steps of {model.frame_step}n+1"
        knobs = ", ".join(f"`{ours}` as `{theirs}`" for ours, theirs in model.inputs.items())
        page = f"[{model.slug}](https://replicate.com/{model.slug})"
        lines.append(f"| `{name}` | {page} | {first} | {frames} | {knobs} |")
    return "\n".join([*lines, ""])


def statuses() -> str:
    """What an execution status may be."""
    from cosmos_workflow.events import ExecutionStatus

    return ", ".join(f"`{status}`" for status in ExecutionStatus) + "\n"


def _plain(text: str | None) -> str:
    """A docstring's first paragraph in one line of Markdown."""
    first = (text or "").strip().partition("\n\n")[0]
    return " ".join(first.replace("``", "`").split())


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "example": example,
    "errors": errors,
    "commands": commands,
    "engines": engines,
    "mapping": mapping,
    "replicate_models": replicate_models,
    "statuses": statuses,
}


def renew(text: str) -> str:
    """A page with its generated parts as the program has them now.  KeyError: no such part."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]().strip()}\n\n{part[4]}", text)


def main(argv: list[str]) -> int:
    """Write the pages, or with --check only name those that would change."""
    stale = 0
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        old = page.read_text(encoding="utf-8")
        new = renew(old)
        if new != old:
            stale += 1
            if "--check" in argv:
                print(f"{page.relative_to(ROOT)} is stale; run: make docs")
            else:
                page.write_text(new, encoding="utf-8")
                print(f"{page.relative_to(ROOT)} written")
    return 1 if stale and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
