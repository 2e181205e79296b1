"""The field's own words for passes and presets."""

from __future__ import annotations

from enum import StrEnum


class Modality(StrEnum):
    """A render pass, or a control made from one."""

    COLOR = "color"
    DEPTH = "depth"
    SEGMENTATION = "segmentation"
    EDGE = "edge"
    VIS = "vis"
    KEYPOINT = "keypoint"
    LIDAR = "lidar"
    HDMAP = "hdmap"

    @classmethod
    def _missing_(cls, value: object) -> Modality | None:
        word = str(value).strip().lower()
        return _ALIASES.get(word) or next((one for one in cls if one.value == word), None)


_ALIASES = {
    "seg": Modality.SEGMENTATION,
    "blur": Modality.VIS,
    "edges": Modality.EDGE,
    "rgb": Modality.COLOR,
}

CONTROLS = tuple(modality for modality in Modality if modality is not Modality.COLOR)
"""Every modality that can steer a generation (all but ``color``, which is the input video)."""

WEIGHT_ORDER = (Modality.VIS, Modality.EDGE, Modality.DEPTH, Modality.SEGMENTATION)
"""The order of ``--weights V E D S``."""


class BlurStrength(StrEnum):
    """How far ``vis`` is blurred."""

    VERY_LOW = "very_low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class CannyThreshold(StrEnum):
    """How strong an edge must be to be drawn."""

    VERY_LOW = "very_low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


CANNY_PAIRS: dict[CannyThreshold, tuple[int, int]] = {
    CannyThreshold.VERY_LOW: (20, 50),
    CannyThreshold.LOW: (50, 100),
    CannyThreshold.MEDIUM: (100, 200),
    CannyThreshold.HIGH: (200, 300),
    CannyThreshold.VERY_HIGH: (300, 400),
}
"""The nominal (low, high) thresholds of each preset, on 8-bit frames (Cosmos Transfer 1, 2.5)."""
