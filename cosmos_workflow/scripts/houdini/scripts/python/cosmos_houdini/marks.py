"""What a render leaves for ``cosmos watch``: which frames are to come, and that they are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .faults import CosmosFailed
from .rop import Rendering, rendering, shot_name

SHOT = "_cosmos_shot.json"
READY = "_cosmos_ready.json"
KEPT = "cosmos"
"""The node's user data that holds name, description, prompt and negative prompt as JSON."""
WORDS = ("name", "description", "prompt", "negative_prompt")


def before(node: Any, hou: Any) -> None:
    """Pre-render: say what is about to be rendered, and that an old shot is no longer ready."""
    made = rendering(node, hou)
    folder = Path(made.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / READY).unlink(missing_ok=True)
    _write(folder / SHOT, facts(node, made))


def after(node: Any, hou: Any) -> None:
    """Post-render: when every frame is there, say so.  Raises CosmosFailed naming those missing."""
    made = rendering(node, hou)
    missing = [
        number
        for number, file in zip(made.frames, made.files)  # noqa: B905  (3.9 has no strict)
        if not (Path(file).is_file() and Path(file).stat().st_size)
    ]
    if missing:
        some = ", ".join(map(str, missing[:6])) + (" ..." if len(missing) > 6 else "")
        raise CosmosFailed(
            f"{len(missing)} of {len(made.frames)} frames are not in {made.folder}: {some}",
            "the shot is not handed over; render them",
        )
    _write(Path(made.folder) / READY, facts(node, made))


def facts(node: Any, made: Rendering) -> dict[str, Any]:
    """The content of both files; words that are empty are left out."""
    words = kept(node)
    words["name"] = words.get("name") or shot_name(made.folder)
    fps = int(made.fps) if made.fps == int(made.fps) else made.fps
    told = {key: words[key] for key in WORDS if words.get(key)}
    return {"frames": made.range, "fps": fps, **told}


def kept(node: Any) -> dict[str, str]:
    """The words that the node was marked with."""
    text = node.userData(KEPT)
    return dict(json.loads(text)) if text else {}


def keep(node: Any, words: dict[str, str]) -> None:
    """Keep the words on the node, in the scene file."""
    node.setUserData(KEPT, json.dumps({key: value for key, value in words.items() if value}))


def _write(path: Path, value: dict[str, Any]) -> None:
    beside = path.with_name(f".{path.name}.new")
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
