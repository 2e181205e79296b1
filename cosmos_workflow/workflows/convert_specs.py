"""What a RunSpec is made from, found by any name, and what another engine makes of a RunSpec."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines.convert import Change
from cosmos_workflow.engines.engine import Engine, Fit
from cosmos_workflow.engines.usual import sized
from cosmos_workflow.errors import MediaError
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.prompts.spec import resolve
from cosmos_workflow.video.probe import probe
from cosmos_workflow.workflows.collect import find_run

_NAMED = re.compile(r".+_(?P<kind>ps|rs)_[0-9a-f]{8}\.json")


@dataclass(frozen=True)
class Wishes:
    """What another engine makes of a RunSpec.

    ``changes``: what it does not keep; ``fault`` and ``hint``: why it could not be a run for it at
    all, empty when it could.  ``shot``: what it makes of the run's own videos, None where they
    cannot be read.
    """

    run: RunSpec
    changes: tuple[Change, ...]
    shot: Fit | None = None
    fault: str = ""
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "for": self.run.id,
            "possible": not self.fault,
            "fault": self.fault,
            "changes": [vars(change) for change in self.changes],
            "shot": asdict(self.shot) if self.shot else None,
        }


def fit_of(settings: Settings, prompt: PromptSpec, engine: Engine) -> Fit | None:
    """What ``engine`` makes of the prompt's videos; None where there are none to be read, or
    where it is not the engine that says."""
    path = prompt.input_video_path or next(iter(prompt.control_inputs.values()), "")
    path = path if sized(engine) else ""
    try:
        return engine.fit(probe(resolve(path, settings))) if path else None
    except MediaError:
        return None


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


def not_overridden(changes: Collection[Change], said: Collection[str]) -> tuple[Change, ...]:
    """The changes that still hold after what was ``said``, by the names of changes."""
    return tuple(change for change in changes if change.what not in said)
