"""What a person wants: prompts, controls and parameters, strict, frozen, as JSON on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold, Modality
    from cosmos_workflow.prompts.prompt_spec import PromptSpec
    from cosmos_workflow.prompts.run_spec import Parameters, RunSpec

__all__ = ["BlurStrength", "CannyThreshold", "Modality", "Parameters", "PromptSpec", "RunSpec"]

_WHERE = {
    "BlurStrength": "enums",
    "CannyThreshold": "enums",
    "Modality": "enums",
    "Parameters": "run_spec",
    "PromptSpec": "prompt_spec",
    "RunSpec": "run_spec",
}


def __getattr__(name: str) -> Any:
    """Public names, loaded when asked for: pydantic costs more than all of ``cosmos --help``."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
