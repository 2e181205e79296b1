"""What the Tab key offers: ids of specs and runs, engines, targets, controls.

A shell shows nothing but these words, so a broken config offers none instead of an error.
"""

from __future__ import annotations

from cosmos_workflow.errors import CosmosError

Offer = list[tuple[str, str]]
"""Words and what stands beside them."""


def prompts(incomplete: str) -> Offer:
    """Ids of PromptSpecs, newest first, with their names."""
    return _specs("prompt", incomplete)


def specs(incomplete: str) -> Offer:
    """Ids of PromptSpecs and RunSpecs."""
    return [*prompts(incomplete), *run_specs(incomplete)]


def shots(incomplete: str) -> Offer:
    """Folders of prepared shots, newest first."""
    from cosmos_workflow.config.load import load
    from cosmos_workflow.houdini.metadata import FILE_NAME

    try:
        found = [file.parent for file in load().videos_dir.glob(f"[!.]*/{FILE_NAME}")]
        found.sort(key=lambda one: one.stat().st_mtime, reverse=True)
    except (CosmosError, OSError):
        return []
    return [(one.name, "") for one in found if one.name.startswith(incomplete)]


def run_specs(incomplete: str) -> Offer:
    """Ids of RunSpecs, newest first, with their names."""
    return _specs("run", incomplete)


def runs(incomplete: str) -> Offer:
    """Ids of runs (attempts), newest first."""
    from cosmos_workflow.config.load import load
    from cosmos_workflow.ids import RUN_ID

    try:
        folder = load().outputs_dir
        found = [entry for entry in folder.iterdir() if RUN_ID.fullmatch(entry.name)]
        found.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    except (CosmosError, OSError):
        return []
    return [(entry.name, "") for entry in found if entry.name.startswith(incomplete)]


def ids(incomplete: str) -> Offer:
    """Ids of prompts, RunSpecs, sweeps and runs."""
    specs = (*run_specs(incomplete), *prompts(incomplete), *sweeps(incomplete))
    return [*runs(incomplete), *specs]


def sweeps(incomplete: str) -> Offer:
    """Ids of sweeps, newest first, with their names."""
    return _specs("sweep", incomplete)


def engines(incomplete: str) -> Offer:
    """Names of engines."""
    from cosmos_workflow.engines import ENGINES

    return [(name, "") for name in ENGINES.names() if name.startswith(incomplete)]


def targets(incomplete: str) -> Offer:
    """Names of targets."""
    from cosmos_workflow.config.load import load

    try:
        known = load().all_targets()
    except CosmosError:
        return []
    return [(name, target.where) for name, target in known.items() if name.startswith(incomplete)]


def statuses(incomplete: str) -> Offer:
    """What a run can be."""
    from cosmos_workflow.events import ExecutionStatus

    words = [status.lower() for status in ExecutionStatus]
    return [(word, "") for word in words if word.startswith(incomplete.lower())]


def controls(incomplete: str) -> Offer:
    """``depth:`` and the others; after the colon the shell completes nothing."""
    return _modalities(incomplete, ":")


def weights(incomplete: str) -> Offer:
    """``depth=`` and the others."""
    return _modalities(incomplete, "=")


def axes(incomplete: str) -> Offer:
    """``seed=``, ``depth=`` and the others of every engine; an engine's options it knows itself."""
    from cosmos_workflow.engines.rules import FLAGS
    from cosmos_workflow.prompts.enums import CONTROLS

    names = (*FLAGS, *CONTROLS, "prompt", "negative_prompt")
    return _words(tuple(f"{name}=" for name in names), incomplete)


def fits(incomplete: str) -> Offer:
    """Ways to come to an engine's size."""
    return _words(("crop", "pad", "resize"), incomplete)


def makeable(incomplete: str) -> Offer:
    """Controls that prepare can make."""
    return _words(("edge", "vis", "edge,vis"), incomplete)


def levels(incomplete: str) -> Offer:
    """The five presets of edges and of blur."""
    return _words(("very_low", "low", "medium", "high", "very_high"), incomplete)


def depth_modes(incomplete: str) -> Offer:
    """What the grey of depth is proportional to."""
    return _words(("inverse", "linear", "log"), incomplete)


def _words(known: tuple[str, ...], incomplete: str) -> Offer:
    return [(word, "") for word in known if word.startswith(incomplete)]


def _modalities(incomplete: str, mark: str) -> Offer:
    from cosmos_workflow.prompts.enums import CONTROLS

    return [(f"{name}{mark}", "") for name in CONTROLS if f"{name}{mark}".startswith(incomplete)]


def _specs(kind: str, incomplete: str) -> Offer:
    from cosmos_workflow.config.load import load
    from cosmos_workflow.prompts import library

    try:
        settings = load()
    except CosmosError:
        return []
    entries = {
        "prompt": library.all_prompts, "run": library.all_runs, "sweep": library.all_sweeps
    }[kind](settings)  # fmt: skip
    return [(entry.id, entry.name) for entry in entries if entry.id.startswith(incomplete)]
