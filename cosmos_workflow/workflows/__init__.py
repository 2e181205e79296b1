"""What people do: prepare, run, follow, cancel, upscale, look after a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosmos_workflow.workflows.orchestrator import WorkflowOrchestrator

__all__ = ["WorkflowOrchestrator"]


def __getattr__(name: str) -> Any:
    """The public name, loaded when asked for."""
    if name != "WorkflowOrchestrator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cosmos_workflow.workflows.orchestrator import WorkflowOrchestrator

    return WorkflowOrchestrator
