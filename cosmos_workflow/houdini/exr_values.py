"""What the numbers of a pass mean: light, distances, flat colours or ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cosmos_workflow.houdini.crypto_ids import strongest, whole_numbers
from cosmos_workflow.houdini.exr_frame import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def are_ids(sources: Sequence[Source]) -> bool:
    """Whether these channels number objects: a cryptomatte, or a single channel."""
    return bool(sources) and (sources[0].matte or len(sources[0].channels) == 1)


def joined(views: Sequence[NDArray[Any]]) -> NDArray[np.floating[Any]]:
    """Three channels, or one for all three, as one picture: (H, W, 3) half where all are half."""
    import numpy as np

    three = [*views] if len(views) == 3 else [views[0]] * 3
    half = all(view.dtype == np.float16 for view in three)
    picture = np.empty((*views[0].shape, 3), np.float16 if half else np.float32)
    for number, view in enumerate(three):
        picture[..., number] = view
    return picture


def distance(views: Sequence[NDArray[Any]]) -> NDArray[np.floating[Any]]:
    """The first channel as distances."""
    import numpy as np

    return views[0] if views[0].dtype.kind == "f" else views[0].astype(np.float32)


def flat(picture: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Values 0..1 as they are, without a view: (H, W, 3) uint8.  What is no number is 0."""
    import numpy as np

    scaled = np.nan_to_num(picture.astype(np.float32), posinf=1, neginf=0)
    return np.asarray(np.clip(scaled, 0, 1) * 255 + 0.5, np.uint8)


def ids_in(sources: Sequence[Source], views: Sequence[NDArray[Any]]) -> NDArray[np.uint32]:
    """The object of each pixel, from a cryptomatte's channels or from one of whole numbers."""
    if sources[0].matte:
        return strongest(list(zip(views[::2], views[1::2], strict=True)))
    return whole_numbers(views[0])
