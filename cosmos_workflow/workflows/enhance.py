"""Enhancing is a run like any other whose result is a text: the prompt of a new PromptSpec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.chat_words import NEWEST
from cosmos_workflow.engines.enhance_result import whole_sentences
from cosmos_workflow.engines.request import answer
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import ConfigError, SpecError
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.prompts import captions, library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import portable
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.workflows import assemble, collect, match

ENGINES = ("enhance", "chat")
"""Those whose result is a prompt."""

UPSAMPLER = "Cosmos-UpsamplePrompt1-12B-Transfer"

CUT = 600
"""Characters: a shorter text that ends without a full stop was not cut off, it has none."""


@dataclass(frozen=True)
class Wishes:
    """What a person said of how; empty: it is for us to choose.  ``options`` are "key=value"."""

    engine: str = ""
    target: str = ""
    structured: bool = False
    seed: int | None = None
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Asked:
    """The run that enhances a prompt, and where it is run."""

    run: RunSpec
    prompt: PromptSpec
    target: str


@dataclass(frozen=True)
class Enhanced:
    """The new PromptSpec, its file, and what is worth saying of how it came out."""

    prompt: PromptSpec
    path: Path
    notes: tuple[str, ...] = ()


def enhance_specs(settings: Settings, text: str, wishes: Wishes, *, save: bool = True) -> Asked:
    """A settled run that enhances the PromptSpec that ``text`` names.

    The same prompt and wishes give the same RunSpec, so that its run is found again.
    Raises SpecError, ConfigError.
    """
    path = library.find(settings, "prompt", text)
    prompt = PromptSpec.load(path)
    name, target = _where(settings, wishes)
    if wishes.structured and name != "chat":
        raise SpecError(
            "--structured: only a chat model writes structured captions",
            hint="--engine chat, with a service of dialect chat in config.toml",
        )
    run = RunSpec.create(
        name=prompt.name,
        prompt_spec_id=prompt.id,
        prompt_spec_path=portable(path, settings),
        engine=name,
        parameters={} if wishes.seed is None else {"seed": wishes.seed},
        options=_options(name, wishes),
    )
    run = settle(assemble.engine(name, settings), run, prompt)
    if save:
        run.save(settings=settings)
    return Asked(run, prompt, target)


def enhanced(settings: Settings, folder: RunFolder) -> Enhanced:
    """The new PromptSpec of a run that succeeded, saved; the same run gives the same one."""
    spec, prompt = folder.spec(), folder.prompt()
    result = collect.main_output(folder)
    if result is None or folder.run().outputs[0].media != "text":
        raise SpecError(f"{folder.id} has no text", hint=f"cosmos show {folder.id}")
    words, notes = _words(folder, result.read_text(encoding="utf-8").strip())
    kind = "caption" if captions.is_caption(words) else "enhanced"
    if words == prompt.prompt.strip():
        notes = (*notes, "the words are as they were")
    name = prompt.name if prompt.name.endswith(f" {kind}") else f"{prompt.name} {kind}"
    made = PromptSpec.made(
        name=name,
        prompt=words,
        negative_prompt=prompt.negative_prompt,
        input_video_path=prompt.input_video_path,
        control_inputs={str(key): path for key, path in prompt.control_inputs.items()},
        metadata={**prompt.metadata, "enhanced": _how(folder, spec)},
        parent=prompt.id,
    )
    return Enhanced(made, made.save(settings=settings), notes)


def _words(folder: RunFolder, text: str) -> tuple[str, tuple[str, ...]]:
    """The words for the prompt: a caption as it is, prose as one paragraph of whole sentences."""
    if captions.is_caption(text):
        captions.check(text, folder.id)
        return text, ()
    words = " ".join(text.split())
    whole = whole_sentences(words)
    if whole and whole != words and len(words) > CUT:
        left = words[len(whole) :].strip()
        return whole, (f"the last sentence has no end and was left away: {left[:60]}",)
    return words, ()


def _how(folder: RunFolder, spec: RunSpec) -> dict[str, Any]:
    """What the new words were made with."""
    job, told = folder.job(), answer(folder.log_lines())
    asked = job.body.get("model") if isinstance(job, RequestJob) else UPSAMPLER
    how: Mapping[str, Any] = {
        "engine": spec.engine,
        "run": folder.id,
        "model": told.get("model") or asked,
        "seed": spec.parameters.seed,
    }
    return {key: value for key, value in how.items() if value is not None}


def _options(name: str, wishes: Wishes) -> dict[str, Any]:
    """With the version of our instructions, so that other ones make another run."""
    found: dict[str, Any] = {}
    for text in wishes.options:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise SpecError(f"--option {text!r} is not key=value", hint="like --option frames=0")
        found[key] = value
    if name != "chat":
        return found
    fixed = {"instructions": NEWEST[wishes.structured]}
    return {**fixed, **found, **({"structured": True} if wishes.structured else {})}


def _where(settings: Settings, wishes: Wishes) -> tuple[str, str]:
    """Engine and target: a chat service where there is one, else the upsampler."""
    chats = [name for name, one in settings.services.items() if one.dialect == "chat"]
    name = wishes.engine
    if not name and wishes.target in settings.services and wishes.target not in chats:
        match.check(settings, "chat", "chat", wishes.target)
    if not name and wishes.target:
        name = "chat" if wishes.target in chats else "enhance"
    name = name or ("chat" if chats or wishes.structured else "enhance")
    if name not in ENGINES:
        raise SpecError(
            f"--engine {name}: its result is no prompt", hint=f"one of {', '.join(ENGINES)}"
        )
    if name != "chat" or wishes.target:
        return name, wishes.target
    if len(chats) == 1:
        return name, chats[0]
    if chats:
        raise SpecError(
            f"there are {len(chats)} services of the dialect chat",
            hint=f"--target NAME, one of: {', '.join(chats)}",
        )
    raise ConfigError(
        "there is no service of the dialect chat",
        hint='add [services.words] with dialect = "chat" and url = "http://localhost:8000" to '
        "config.toml; or --engine enhance on a machine with Transfer1",
    )
