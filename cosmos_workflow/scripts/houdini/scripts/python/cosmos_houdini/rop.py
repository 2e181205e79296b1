"""What a render node writes: its files, frames and rate.  ``hou`` is given, so that none is needed.

Of ``hou`` are used: Node.parm, Node.inputs, Node.path, Parm.eval, Parm.evalAsString,
Parm.evalAsStringAtFrame, hou.node, hou.fps, hou.frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .commands import Shot
from .faults import CosmosFailed

PICTURES = ("outputimage", "vm_picture", "picture", "copoutput")
"""Output parameters: USD Render, Mantra, Karma (ROP, LOP and Render Settings), COP image."""
WINDOWS = ("ip", "md", "mplay")
"""Outputs that are no file: MPlay and the monitor."""
VERSION = re.compile(r"v\d+", re.IGNORECASE)
CURRENT, FROM_STAGE = 0, 3
"""Valid Frame Range of a ROP: the current frame; the range of the USD stage."""


@dataclass(frozen=True)
class Rendering:
    """One render: the frames, a file of each, and frames a second."""

    frames: tuple[int, ...]
    files: tuple[str, ...]
    fps: float

    @property
    def folder(self) -> str:
        """Where the files lie."""
        return str(Path(self.files[0]).parent)

    @property
    def range(self) -> str:
        """``1001-1240``, ``1001-1240x2``, ``1001``."""
        first, last = self.frames[0], self.frames[-1]
        if first == last:
            return str(first)
        step = self.frames[1] - first
        return f"{first}-{last}" + (f"x{step}" if step > 1 else "")

    def shot(self, name: str = "", description: str = "") -> Shot:
        """The shot for cosmos; the name is the folder's, a version's the one above."""
        return Shot(self.folder, name or shot_name(self.folder), self.fps, self.range, description)


def shot_name(folder: str) -> str:
    """``renders/atrium/v003`` -> ``atrium``."""
    named = [part for part in Path(folder).parts if not VERSION.fullmatch(part)]
    return named[-1] if named else ""


def rendering(node: Any, hou: Any) -> Rendering:
    """What ``node`` renders with its parameters as they are.  Raises CosmosFailed."""
    parm = _picture(node, hou)
    numbers = _frames(node, hou)
    files = tuple(parm.evalAsStringAtFrame(number) for number in numbers)
    where = f"{node.path()}: the output {files[0]}"
    if files[0].lower() in WINDOWS:
        raise CosmosFailed(f"{where} is a window, no file", "set it to like $HIP/render/C.$F4.exr")
    if len(set(files)) < len(files):
        raise CosmosFailed(f"{where} is the same for every frame", "put $F4 into it")
    if len({Path(file).parent for file in files}) > 1:
        raise CosmosFailed(f"{where} has a folder for each frame", "put all frames into one")
    return Rendering(numbers, files, float(hou.fps()))


def _picture(node: Any, hou: Any) -> Any:
    """The output parameter that is set, of the node or of what it renders."""
    for one in _with_inputs(node, hou):
        for name in PICTURES:
            parm = one.parm(name)
            if parm is not None and parm.evalAsString().strip():
                return parm
    raise CosmosFailed(
        f"{node.path()} has no output picture",
        "select the ROP that renders, or set Output Picture on it",
    )


def _with_inputs(node: Any, hou: Any) -> Iterator[Any]:
    """The node, the LOP it renders, and what is above that; each once, nearest first."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop(0)
        if one is None or one.path() in seen:
            continue
        seen.add(one.path())
        yield one
        lop = one.parm("loppath")
        if lop is not None and lop.evalAsString():
            waiting.append(hou.node(lop.evalAsString()))
        if one is not node or lop is not None or one.parm("f1") is None:
            waiting.extend(one.inputs())


def _frames(node: Any, hou: Any) -> tuple[int, ...]:
    kind = node.parm("trange")
    chosen = kind.eval() if kind is not None else CURRENT
    if chosen == CURRENT:
        return (round(hou.frame()),)
    if chosen == FROM_STAGE:
        raise CosmosFailed(
            f"{node.path()} takes its frame range from the stage",
            "set Valid Frame Range to Render Frame Range",
        )
    first, last, step = (float(node.parm(name).eval()) for name in ("f1", "f2", "f3"))
    step = step or 1.0
    if any(one != int(one) for one in (first, last, step)) or step < 0 or last < first:
        raise CosmosFailed(
            f"{node.path()} renders frames {first:g} to {last:g} by {step:g}",
            "cosmos takes whole frames, ascending: like 1001 to 1240 by 1",
        )
    return tuple(range(int(first), int(last) + 1, int(step)))
