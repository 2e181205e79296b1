"""PDG: the work items of a hand-off as plain data, and the thin glue that gives them to PDG.

A work item runs ``pdg/cosmos_job.py`` with the Python of Houdini; that calls ``cosmos`` in its own
environment, so no scheduler has to be told about variables.

Of ``pdg`` are used: item_holder.addWorkItem, WorkItem.setCommand, WorkItem.setStringAttrib.
"""

from __future__ import annotations

import base64
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import commands
from .commands import Prompt, Shot
from .faults import CosmosFailed

PYTHON = "__PDG_PYTHON__"
"""PDG puts the Python of the machine that cooks here."""
JOB = Path(__file__).resolve().parents[3] / "pdg" / "cosmos_job.py"
ENCODED = "utf8:"
_PLAIN = re.compile(r"[A-Za-z0-9_=+:,./\\ -]+")


@dataclass(frozen=True)
class Item:
    """One work item.  ``argv``: the program and its words, none of them quoted."""

    name: str
    argv: tuple[str, ...]

    def command(self, windows: bool = sys.platform == "win32") -> str:
        """``argv`` as the one string that PDG takes, safe in the shell of either system."""
        program, *words = self.argv
        sent = [encoded(word) for word in words]
        if windows:
            return " ".join([_program(program, '"'), subprocess.list2cmdline(sent)])
        return " ".join([_program(program, "'"), shlex.join(sent)])


def _program(program: str, quote: str) -> str:
    return program if program == PYTHON or " " not in program else f"{quote}{program}{quote}"


def encoded(word: str) -> str:
    """``word``, or its base64 when a shell or PDG could read something else into it.

    Prompts hold quotes, ``%``, ``$``, backticks and line ends, and cmd.exe has no way to quote
    all of them.
    """
    if word == "" or (_PLAIN.fullmatch(word) and not word.startswith(ENCODED)):
        return word
    return ENCODED + base64.urlsafe_b64encode(word.encode()).decode().rstrip("=")


def decoded(word: str) -> str:
    """The word that ``encoded`` was given."""
    if not word.startswith(ENCODED):
        return word
    text = word[len(ENCODED) :]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def work_items(
    shots: Sequence[Shot] = (),
    prompts: Sequence[Prompt] = (),
    specs: Sequence[str] = (),
    project: str = "",
    python: str = PYTHON,
) -> list[Item]:
    """Without prompts: prepare each shot.  With prompts: each shot with each of them, run to the
    end.  ``specs``: RunSpecs that exist, run to the end.

    ``project``: the folder of config.toml, as the machine that cooks sees it.  Preparing the same
    frames again only finds what is there, so all items of a shot share its videos.
    Raises CosmosFailed when two items would have one name.
    """
    start = (python, "-E", "-s", str(JOB), "--project", project)
    items = []
    for shot in shots:
        words = ("shot", *_shot_words(shot))
        if not prompts:
            items.append(Item(f"prepare_{_safe(shot.name)}", (*start, *words)))
        for prompt in prompts:
            name = f"{_safe(shot.name)}_{_safe(prompt.name)}"
            items.append(Item(name, (*start, *words, *_prompt_words(prompt))))
    for spec in specs:
        items.append(Item(f"run_{_safe(Path(spec).stem)}", (*start, "cosmos", *commands.run(spec))))
    names = [item.name for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CosmosFailed(
            f"several work items would be named {', '.join(twice)}",
            "give each shot and each prompt a name of its own",
        )
    return items


def _shot_words(shot: Shot) -> list[str]:
    words = [f"--folder={shot.folder}", f"--name={shot.name}", f"--fps={shot.fps:.12g}"]
    words += [f"--frames={shot.frames}"] if shot.frames else []
    return words + ([f"--description={shot.description}"] if shot.description else [])


def _prompt_words(prompt: Prompt) -> list[str]:
    words = [f"--prompt-name={prompt.name}", f"--prompt={prompt.text}"]
    words += [f"--negative={prompt.negative}"] if prompt.negative else []
    words += [f"--engine={prompt.engine}"] if prompt.engine else []
    return words + ([f"--seed={prompt.seed}"] if prompt.seed is not None else [])


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "shot"


def generate(item_holder: Any, items: Sequence[Item]) -> None:
    """Give the items to PDG, in the Generate script of a Python Processor."""
    for index, item in enumerate(items):
        work_item = item_holder.addWorkItem(name=item.name, index=index)
        work_item.setCommand(item.command())
        work_item.setStringAttrib("cosmos_item", item.name)
