"""What people do: prepare, run, follow, cancel, upscale, look after a host."""

from cosmos_workflow.workflows.orchestrator import WorkflowOrchestrator

__all__ = ["WorkflowOrchestrator"]
