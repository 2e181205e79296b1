"""The tools of the shelf: each is called with ``hou``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import marks
from .call import Heard, call
from .commands import Prompt, Shot, make
from .executable import project
from .faults import CosmosFailed
from .rop import rendering

TITLE = "Cosmos"
SCRIPTS = {
    "prerender": "import hou; from cosmos_houdini import marks; marks.before(hou.pwd(), hou)",
    "postrender": "import hou; from cosmos_houdini import marks; marks.after(hou.pwd(), hou)",
}
LABELS = ("Name", "Description", "Prompt", "Negative prompt")


def mark(hou: Any) -> None:
    """The selected ROPs leave _cosmos_shot.json before and _cosmos_ready.json after a render."""
    with _told(hou):
        nodes = _selected(hou)
        words = _asked(hou, "What cosmos watch is told of the shot", LABELS, marks.kept(nodes[0]))
        if words is None:
            return
        for node in nodes:
            _hook(node)
            marks.keep(node, words)
        names = "\n".join(node.path() for node in nodes)
        hou.ui.displayMessage(f"These mark what they render:\n{names}", title=TITLE)


def prepare(hou: Any) -> None:
    """Videos of the frames that the selected ROP has rendered."""
    with _told(hou):
        shot = _shot(hou)
        with _working(hou, f"Preparing {shot.name}") as heard:
            made = make(shot, None, _project(hou, shot), heard=heard)
        _say_prepared(hou, made)


def prepare_and_run(hou: Any) -> None:
    """Prepare, then a run with a prompt; the run is left to itself once it has started."""
    with _told(hou):
        shot = _shot(hou)
        words = _asked(hou, f"Run {shot.name}", LABELS[2:], marks.kept(_selected(hou)[0]))
        if words is None:
            return
        if not words["prompt"]:
            raise CosmosFailed("a run needs a prompt", "say what is to be seen")
        prompt = Prompt(shot.name, words["prompt"], words["negative_prompt"])
        with _working(hou, f"Preparing and starting {shot.name}") as heard:
            made = make(shot, prompt, _project(hou, shot), heard=heard, detach=True)
        hou.ui.displayMessage(
            f"{made['run']} has started and goes on by itself.\n\ncosmos follow {made['run']}",
            title=TITLE,
        )


def status(hou: Any) -> None:
    """The newest runs of the project."""
    with _told(hou):
        folder = project(os.environ, hou.expandString("$HIP"), hou.expandString("$JOB"))
        with _working(hou, "Asking cosmos") as heard:
            rows = call(["list", "runs", "--json"], folder, heard=heard)
        lines = [f"{row.get('status', '')}  {row['id']}  {row.get('name', '')}" for row in rows]
        shown = "\n".join(lines[:20]) or "no run yet"
        hou.ui.displayMessage(f"{folder}\n\n{shown}", title=TITLE)


def _say_prepared(hou: Any, made: dict[str, Any]) -> None:
    facts = made["facts"]
    width, height = facts["resolution"]
    hou.ui.displayMessage(
        f"{facts['name']}: {facts['frame_count']} frames, {width}x{height}, {facts['fps']:g} fps, "
        f"{', '.join(facts['modalities'])}\n\n{made['prepared']}",
        title=TITLE,
    )


def _selected(hou: Any) -> list[Any]:
    nodes = list(hou.selectedNodes())
    if not nodes:
        raise CosmosFailed("no node is selected", "select the ROP that renders the shot")
    return nodes


def _shot(hou: Any) -> Shot:
    node = _selected(hou)[0]
    words = marks.kept(node)
    return rendering(node, hou).shot(words.get("name", ""), words.get("description", ""))


def _project(hou: Any, shot: Shot) -> str:
    return project(os.environ, hou.expandString("$HIP"), shot.folder, hou.expandString("$JOB"))


def _asked(
    hou: Any, question: str, labels: tuple[str, ...], known: dict[str, str]
) -> dict[str, str] | None:
    """What the artist writes for each label, by its key; None when the dialog is left."""
    keys = [label.lower().replace(" ", "_") for label in labels]
    button, values = hou.ui.readMultiInput(
        question, labels, buttons=("OK", "Cancel"), close_choice=1, title=TITLE,
        initial_contents=tuple(known.get(key, "") for key in keys),
    )  # fmt: skip
    if button:
        return None
    return {key: value.strip() for key, value in zip(keys, values)}  # noqa: B905


def _hook(node: Any) -> None:
    """Add our line to the scripts around the render; those that are there stay."""
    for name, line in SCRIPTS.items():
        script, language = node.parm(name), node.parm(f"l{name}")
        if script is None or language is None:
            raise CosmosFailed(f"{node.path()} has no {name} script", "select a ROP")
        present = script.unexpandedString()
        if line in present:
            continue
        if present.strip() and language.evalAsString() != "python":
            raise CosmosFailed(
                f"{node.path()} has a {name} script in hscript",
                f"set its language to Python, or add: {line}",
            )
        language.set("python")
        script.set(f"{present.rstrip()}\n{line}" if present.strip() else line)
        switch = node.parm(f"t{name}")
        if switch is not None:
            switch.set(1)


@contextmanager
def _told(hou: Any) -> Iterator[None]:
    """A dialog for what cosmos could not do; Escape ends in silence."""
    try:
        yield
    except CosmosFailed as fault:
        hou.ui.displayMessage(
            fault.message, help=fault.hint, severity=hou.severityType.Error, title=TITLE
        )
    except hou.OperationInterrupted:
        hou.ui.setStatusMessage("Cosmos: stopped")


@contextmanager
def _working(hou: Any, doing: str) -> Iterator[Heard]:
    """Houdini's progress window around the work; Escape in it stops cosmos."""
    operation = hou.InterruptableOperation(doing, doing, open_interrupt_dialog=True)
    with operation:

        def heard(one: dict[str, Any] | None) -> None:
            fraction = (one or {}).get("fraction")
            stage = str((one or {}).get("stage") or "")
            if stage or fraction is not None:
                operation.updateLongProgress(-1.0 if fraction is None else fraction, stage)
            else:
                operation.updateLongProgress()

        yield heard
