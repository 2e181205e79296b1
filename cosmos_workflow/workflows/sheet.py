"""A contact sheet of a run: its inputs beside its output."""

from __future__ import annotations

from pathlib import Path

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.spec import resolve
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.sheet import contact_sheet
from cosmos_workflow.workflows.collect import main_video


def run_sheet(settings: Settings, folder: RunFolder) -> Path:
    """Make ``contact_sheet.png`` in the run folder and return its path.

    Raises SpecError when the run has no output; inputs that are gone meanwhile are left out.
    """
    result = main_video(folder)
    if result is None:
        status = folder.run().status.lower()
        raise SpecError(
            f"{folder.id} ({status}) has no video to show", hint=f"cosmos show {folder.id}"
        )
    prompt = folder.prompt()
    stored = {str(key): path for key, path in prompt.control_inputs.items()}
    if prompt.input_video_path:
        stored = {"color": prompt.input_video_path, **stored}
    found = {key: resolve(path, settings) for key, path in stored.items()}
    videos = {key: path for key, path in found.items() if path.is_file()}
    picture = folder.path / "contact_sheet.png"
    contact_sheet({**videos, "output": result}, picture, title=f"{prompt.name}  {folder.id}")
    return picture
