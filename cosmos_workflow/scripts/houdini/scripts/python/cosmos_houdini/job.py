"""What a work item of PDG runs: ``cosmos`` in its own environment, its results reported to PDG.

cosmos_job.py --project DIR cosmos WORD...          one command of cosmos
cosmos_job.py --project DIR shot --folder=DIR ...   prepare; with --prompt=TEXT run it as well

A word that begins with ``utf8:`` is base64.  Results are the prepared shot's metadata.json and the
videos that runs brought home.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from . import commands, executable
from .call import call
from .commands import Prompt, Shot
from .faults import CosmosFailed
from .items import decoded


def main(argv: list[str]) -> int:
    """Do it, and return cosmos' exit code."""
    for name in ("SIGTERM", "SIGBREAK"):  # PDG cancels: stop cosmos too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _cancelled)
    given = parser().parse_args([decoded(word) for word in argv])
    try:
        project = given.project or executable.project(os.environ, getattr(given, "folder", ""), ".")
        for path in _done(given, project):
            _report(path)
    except CosmosFailed as fault:
        print(fault.text(), file=sys.stderr, flush=True)
        return fault.exit_code
    return 0


def _done(given: argparse.Namespace, project: str) -> list[str]:
    """The files that came of it."""
    if given.what == "cosmos":
        said = call(given.words, project, heard=_heard)
        return commands.outputs(said)
    shot = Shot(given.folder, given.name, given.fps, given.frames, given.description)
    prompt = None
    if given.prompt:
        prompt = Prompt(
            given.prompt_name or given.name, given.prompt, given.negative, given.engine, given.seed
        )
    made = commands.make(shot, prompt, project, heard=_heard)
    return [str(Path(made["prepared"]) / "metadata.json"), *made.get("outputs", [])]


def _heard(one: dict[str, Any] | None) -> None:
    """The log of the work item; PDG reads progress from it."""
    if one is None or one.get("event") == "Log":
        return
    fraction = one.get("fraction")
    if fraction is not None:
        print(f"ALF_PROGRESS {round(100 * fraction)}%", flush=True)
        return
    words = ("event", "status", "name", "folder", "path", "video", "message", "warning")
    told = [f"{key}: {one[key]}" for key in words if one.get(key)]
    print("  ".join(told) or one, flush=True)


def _report(path: str) -> None:
    """Tell PDG of a result; outside of a cook it is only printed."""
    print(f"result: {path}", flush=True)
    scripts = os.environ.get("PDG_SCRIPTDIR", "")
    if not scripts or not os.environ.get("PDG_RESULT_SERVER"):
        return
    sys.path.append(scripts)
    pdgcmd = import_module("pdgcmd")  # PDG puts it there
    add = getattr(pdgcmd, "addOutputFile", None) or pdgcmd.reportResultData
    add(path, result_data_tag="file/video" if path.endswith(".mp4") else "file/json")


def _cancelled(*_: object) -> None:
    raise CosmosFailed("cancelled", exit_code=130)


def parser() -> argparse.ArgumentParser:
    """How it is called."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", default="", help="the folder of config.toml")
    kinds = parser.add_subparsers(dest="what", required=True)
    kinds.add_parser("cosmos").add_argument("words", nargs=argparse.REMAINDER)
    shot = kinds.add_parser("shot")
    shot.add_argument("--folder", required=True)
    shot.add_argument("--fps", type=float, default=24.0)
    shot.add_argument("--seed", type=int, default=None)
    for name in ("name", "frames", "description", "prompt-name", "prompt", "negative", "engine"):
        shot.add_argument(f"--{name}", default="")
    return parser
