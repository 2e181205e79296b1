"""The names that scripts import: there, complete, and loaded only when asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PUBLIC = {
    "cosmos_workflow.prompts": [
        "BlurStrength", "CannyThreshold", "Modality", "Parameters", "PromptSpec", "RunSpec",
    ],
    "cosmos_workflow.workflows": ["WorkflowOrchestrator"],
    "cosmos_workflow.execution": ["DIALECTS", "DockerCommandBuilder", "LAUNCHERS", "TARGETS"],
    "cosmos_workflow.engines": ["ENGINES"],
}  # fmt: skip


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names(module: str) -> None:
    room = importlib.import_module(module)
    for name in PUBLIC[module]:
        assert getattr(room, name) is not None
    assert set(getattr(room, "__all__", PUBLIC[module])) == set(PUBLIC[module])
    with pytest.raises(AttributeError, match="Orchestrater"):
        room.Orchestrater  # noqa: B018


@pytest.mark.parametrize("module", PUBLIC)
def test_a_room_is_imported_lightly(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "heavy = ('pydantic', 'paramiko', 'numpy', 'cv2', 'rich', 'typer', 'sqlite3')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_loaded_is_the_real_thing() -> None:
    from cosmos_workflow import execution, prompts, workflows
    from cosmos_workflow.execution.docker_command import DockerCommandBuilder
    from cosmos_workflow.prompts.prompt_spec import PromptSpec
    from cosmos_workflow.workflows.orchestrator import WorkflowOrchestrator

    assert prompts.PromptSpec is PromptSpec
    assert execution.DockerCommandBuilder is DockerCommandBuilder
    assert workflows.WorkflowOrchestrator is WorkflowOrchestrator
