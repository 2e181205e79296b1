"""What local models and plain measuring say about a shot; importing this loads no model code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosmos_workflow.local_ai.extractor import VideoMetadata, VideoMetadataExtractor
    from cosmos_workflow.local_ai.processor import VideoProcessor

__all__ = ["VideoMetadata", "VideoMetadataExtractor", "VideoProcessor"]

_WHERE = {
    "VideoMetadata": "extractor",
    "VideoMetadataExtractor": "extractor",
    "VideoProcessor": "processor",
}


def __getattr__(name: str) -> Any:
    """Public names, loaded when asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
