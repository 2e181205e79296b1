"""RunSpecs made from RunSpecs: found by any name, and converted for the engine they are for."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.convert import Change, Converted, convert
from cosmos_workflow.engines.engine import Engine
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.workflows import assemble
from cosmos_workflow.workflows.collect import find_run

_NAMED = re.compile(r".+_(?P<kind>ps|rs)_[0-9a-f]{8}\.json")


def find_source(settings: Settings, text: str) -> Path | RunSpec:
    """The file of the PromptSpec that ``text`` means, or the RunSpec that it means.

    A path, an id or the start of one, a name (prompts first), a run or its folder.
    Raises SpecError.
    """
    if RUN_ID.fullmatch(Path(text).name):
        return find_run(settings, text).spec()
    run_meant = text.lower().startswith("rs_") or (
        library.fits(settings, "run", text) and not library.fits(settings, "prompt", text)
    )
    return read_source(library.find(settings, "run" if run_meant else "prompt", text))


def read_source(path: Path) -> Path | RunSpec:
    """``path`` of a PromptSpec as it is; of a RunSpec what is in it."""
    return RunSpec.load(path) if _is_run(path) else path


def _is_run(path: Path) -> bool:
    """By the name that specs are saved under, or by what is in it."""
    if named := _NAMED.fullmatch(path.name):
        return named["kind"] == "rs"
    try:
        return "prompt_spec_id" in json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError):
        return False  # whoever reads it as a PromptSpec says what is wrong with it


def converted(
    settings: Settings,
    run: RunSpec,
    prompt: PromptSpec,
    engine: Engine,
    unasked: Mapping[str, Any],
) -> Converted:
    """``run`` for ``engine``, not settled yet.  Raises ConfigError where its own is not known."""
    source = assemble.engine(run.engine, settings)
    return convert(run, prompt, source, engine, unasked)


def not_overridden(changes: Collection[Change], said: Collection[str]) -> tuple[Change, ...]:
    """The changes that still hold after what was ``said``, by the names of changes."""
    return tuple(change for change in changes if change.what not in said)
