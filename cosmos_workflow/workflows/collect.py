"""From what a person typed to specs, and from a finished run to its result or its error."""

from __future__ import annotations

from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import JobBlocked, JobCancelled, JobFailed, SpecError
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import RUN_ID
from cosmos_workflow.prompts import library
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.runs.run import Run
from cosmos_workflow.runs.store import RunFolder, Store
from cosmos_workflow.workflows.request import prompt_of


def specs(settings: Settings, text: str) -> tuple[RunSpec, PromptSpec]:
    """The RunSpec that ``text`` names (path, id, prefix, name), and its PromptSpec."""
    run = RunSpec.load(library.find(settings, "run", text))
    return run, prompt_of(settings, run)


def find_run(settings: Settings, text: str) -> RunFolder:
    """The run that ``text`` means: its id or the start of it, its folder, or the latest run of a
    RunSpec named by path or name.  Raises SpecError."""
    store = Store(settings.outputs_dir)
    folder = Path(text).expanduser()
    if RUN_ID.fullmatch(folder.name) and folder.absolute().parent == store.root.absolute():
        text = folder.name
    try:
        return store.find(text)
    except SpecError as error:
        try:
            spec = RunSpec.load(library.find(settings, "run", text))
        except SpecError:
            raise error from None
    attempts = store.attempts(spec.id)
    if not attempts:
        raise SpecError(f"{spec.id} was never run", hint=f"cosmos run {spec.id}")
    return attempts[-1]


def success(folder: RunFolder) -> Run:
    """The run, if it succeeded.  Raises JobBlocked, JobCancelled or JobFailed if it did not."""
    run = folder.run()
    if run.status is ExecutionStatus.SUCCESS:
        return run
    kind = {
        ExecutionStatus.BLOCKED: JobBlocked,
        ExecutionStatus.CANCELLED: JobCancelled,
    }.get(run.status, JobFailed)
    raise kind(f"{run.id} {run.status.lower()}: {run.message}", hint=run.hint)


def main_output(folder: RunFolder) -> Path | None:
    """The result's path, once the run succeeded."""
    run = folder.run()
    return folder.path / run.outputs[0].path if run.outputs else None


def main_video(folder: RunFolder) -> Path | None:
    """The result's path, once the run succeeded, if it is a video."""
    run = folder.run()
    return main_output(folder) if run.outputs and run.outputs[0].media == "video" else None
