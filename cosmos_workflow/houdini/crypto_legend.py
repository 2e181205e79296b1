"""Paints ids and keeps account of which were seen, how often and under which names."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cosmos_workflow.houdini.crypto_colours import moved, palette, places
from cosmos_workflow.houdini.crypto_ids import runs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Legend:
    """Colours of the ids of one shot; may be used from several threads.

    ``known``: ids that are known before the first frame is painted: no two of them share a colour.
    One that turns up later has the colour that its number gives.
    """

    def __init__(self, known: Iterable[int] = (), names: Mapping[int, str] | None = None) -> None:
        self._moved = moved(known)
        self._names = dict(names or {})
        self._pixels: Counter[int] = Counter()
        self._frames: Counter[int] = Counter()
        self._counted: set[int] = set()
        self._lock = threading.Lock()

    def paint(
        self,
        ids: NDArray[np.uint32],
        frame: int,
        names: Callable[[], Mapping[int, str]] = dict,
    ) -> NDArray[np.uint8]:
        """(H, W) ids -> (H, W, 3); id 0 is black.

        ``names`` is asked when the frame has ids whose names are not known yet.
        """
        import cv2
        import numpy as np

        values, lengths = runs(ids)
        present, which = np.unique(values, return_inverse=True)
        sums = np.bincount(which, weights=lengths).astype(np.int64)
        self._count(frame, dict(zip(present.tolist(), sums.tolist(), strict=True)), names)
        four = np.zeros((present.size, 4), np.uint8)
        four[:, :3] = self.colours(present)
        painted = np.repeat(four.view(np.uint32)[which, 0], lengths)
        picture = painted.view(np.uint8).reshape(*ids.shape, 4)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), np.uint8)

    def colours(self, ids: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """(n,) ids -> (n, 3)."""
        import numpy as np

        at = places(ids)
        for row, number in enumerate(ids.tolist()):
            if number in self._moved:
                at[row] = self._moved[number]
        return np.where(ids[:, None] == 0, np.uint8(0), palette()[at])

    def _count(
        self, frame: int, seen: dict[int, int], names: Callable[[], Mapping[int, str]]
    ) -> None:
        seen.pop(0, None)
        with self._lock:
            if frame in self._counted:
                return
            self._counted.add(frame)
            self._pixels.update(seen)
            self._frames.update(seen.keys())
            unnamed = seen.keys() - self._names.keys()
        if unnamed:
            found = names()
            with self._lock:
                self._names.update({one: found.get(one, "") for one in unnamed})

    def as_json(self) -> dict[str, Any]:
        """``{"colors": [{"name", "id", "color", "pixels", "frames"}]}``, by name."""
        import numpy as np

        with self._lock:
            rows = [(self._names.get(one, ""), one) for one in self._pixels]
            pixels, frames = Counter(self._pixels), Counter(self._frames)
        rows.sort()
        colours = self.colours(np.array([one for _, one in rows], np.uint32))
        return {
            "background": "#000000",
            "colors": [
                {
                    "name": name,
                    "id": f"{one:08x}",
                    "color": f"#{bytes(colour).hex()}",
                    "pixels": pixels[one],
                    "frames": frames[one],
                }
                for (name, one), colour in zip(rows, colours, strict=True)
            ],
        }
