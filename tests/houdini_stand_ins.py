"""Small objects with those methods of ``hou`` and ``pdg`` that our Houdini files call.

The real ones: https://www.sidefx.com/docs/houdini/hom/hou/ (Node, Parm, ui, InterruptableOperation)
and https://www.sidefx.com/docs/houdini/tops/pdg/ (WorkItem, WorkItemHolder).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cosmos_workflow.workflows.houdini_package import FILES

PYTHON_OF_HOUDINI = FILES / "scripts" / "python"
"""Houdini puts this folder of each entry of HOUDINI_PATH on its Python's path; so do the tests."""
if str(PYTHON_OF_HOUDINI) not in sys.path:
    sys.path.append(str(PYTHON_OF_HOUDINI))


class Parm:
    """hou.Parm: a value that may hold ``$F4``; strings are expanded when they are evaluated."""

    def __init__(self, value: Any = "") -> None:
        self.value = value

    def eval(self) -> Any:
        return self.value

    def evalAsString(self) -> str:
        return self.evalAsStringAtFrame(1)

    def evalAsStringAtFrame(self, frame: float) -> str:
        return re.sub(r"\$F(\d*)", lambda m: f"{int(frame):0{m[1] or 1}d}", str(self.value))

    def unexpandedString(self) -> str:
        return str(self.value)

    def set(self, value: Any) -> None:
        self.value = value


class Node:
    """hou.Node with parameters by name; ``parm`` gives None for one that it has not."""

    def __init__(self, path: str, parms: dict[str, Any], inputs: Sequence[Node] = ()) -> None:
        self._path = path
        self.parms = {name: Parm(value) for name, value in parms.items()}
        self._inputs = tuple(inputs)
        self.data: dict[str, str] = {}

    def path(self) -> str:
        return self._path

    def parm(self, name: str) -> Parm | None:
        return self.parms.get(name)

    def inputs(self) -> tuple[Node, ...]:
        return self._inputs

    def userData(self, name: str) -> str | None:
        return self.data.get(name)

    def setUserData(self, name: str, value: str) -> None:
        self.data[name] = value


def rop(path: str, parms: dict[str, Any], inputs: Sequence[Node] = ()) -> Node:
    """A render node: the parameters that every ROP has, and ``parms``."""
    usual = {
        "trange": 1, "f1": 1001.0, "f2": 1004.0, "f3": 1.0,
        "tprerender": 0, "prerender": "", "lprerender": "hscript",
        "tpostrender": 0, "postrender": "", "lpostrender": "hscript",
    }  # fmt: skip
    return Node(path, {**usual, **parms}, inputs)


class OperationInterrupted(Exception):
    """hou.OperationInterrupted: Escape was pressed."""


@dataclass
class Ui:
    """hou.ui: dialogs answer with ``answers``, and what was shown is kept."""

    answers: tuple[str, ...] | None = None
    shown: list[str] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def displayMessage(self, text: str, **more: Any) -> int:
        self.shown.append("\n".join(filter(None, [text, more.get("help", "")])))
        return 0

    def readMultiInput(
        self, message: str, labels: Sequence[str], **more: Any
    ) -> tuple[int, tuple[str, ...]]:
        self.asked.append(tuple(more["initial_contents"]))
        return (1, ()) if self.answers is None else (0, self.answers)

    def setStatusMessage(self, text: str) -> None:
        self.shown.append(text)


class Hou:
    """The module hou."""

    OperationInterrupted = OperationInterrupted

    class severityType:
        Error = "error"

    def __init__(
        self,
        nodes: Sequence[Node] = (),
        hip: str = "",
        ui: Ui | None = None,
        *,
        escape_after: int = -1,
    ) -> None:
        self.nodes = {node.path(): node for node in nodes}
        self.selected = list(nodes)[:1]
        self.ui = ui or Ui()
        self.hip = hip
        self.steps = 0
        self.escape_after = escape_after

    def selectedNodes(self) -> list[Node]:
        return self.selected

    def node(self, path: str) -> Node | None:
        return self.nodes.get(path)

    def fps(self) -> float:
        return 24.0

    def frame(self) -> float:
        return 1012.0

    def expandString(self, text: str) -> str:
        return self.hip if text == "$HIP" else ""

    def InterruptableOperation(self, *_: Any, **__: Any) -> Operation:
        return Operation(self)


class Operation:
    """hou.InterruptableOperation: updates raise when Escape was pressed."""

    def __init__(self, hou: Hou) -> None:
        self.hou = hou

    def __enter__(self) -> Operation:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def updateLongProgress(self, percentage: float = -1.0, status: str = "") -> None:
        self.hou.steps += 1
        if 0 <= self.hou.escape_after < self.hou.steps:
            raise OperationInterrupted


@dataclass
class WorkItem:
    """pdg.WorkItem."""

    name: str
    index: int
    command: str = ""
    attribs: dict[str, str] = field(default_factory=dict)

    def setCommand(self, command: str) -> None:
        self.command = command

    def setStringAttrib(self, name: str, value: str) -> None:
        self.attribs[name] = value


@dataclass
class ItemHolder:
    """pdg.WorkItemHolder."""

    items: list[WorkItem] = field(default_factory=list)

    def addWorkItem(self, name: str, index: int) -> WorkItem:
        self.items.append(WorkItem(name, index))
        return self.items[-1]
