"""The command lines of ``cosmos`` for a shot, and the steps from its frames to a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .call import Heard, call


@dataclass(frozen=True)
class Shot:
    """A folder of rendered frames.  ``frames``: "1001-1240"; empty for all that are there."""

    folder: str
    name: str = ""
    fps: float = 24.0
    frames: str = ""
    description: str = ""


@dataclass(frozen=True)
class Prompt:
    """One variation: a name for files, the words, and what its run is made with."""

    name: str
    text: str
    negative: str = ""
    engine: str = ""
    seed: int | None = None


def prepare(shot: Shot) -> list[str]:
    """``cosmos prepare-inference`` for the shot.  Values never stand alone, so none is a flag."""
    flags = {
        "--name": shot.name,
        "--fps": f"{shot.fps:.12g}",
        "--frames": shot.frames,
        "--description": shot.description,
    }
    return _words("prepare-inference", flags, shot.folder)


def create_spec(prompt: Prompt, prepared: str) -> list[str]:
    """``cosmos create-spec`` for the prompt on the prepared shot in the folder ``prepared``."""
    flags = {"--from": prepared, "--negative-prompt": prompt.negative}
    return _words("create-spec", flags, prompt.name, prompt.text)


def create_run(prompt: Prompt, spec: str) -> list[str]:
    """``cosmos create-run`` for the PromptSpec ``spec``."""
    seed = "" if prompt.seed is None else str(prompt.seed)
    return _words("create-run", {"--engine": prompt.engine, "--seed": seed}, spec)


def run(spec: str, *, detach: bool = False) -> list[str]:
    """``cosmos run`` for the RunSpec ``spec``."""
    words = _words("run", {}, spec)
    return [words[0], "--detach", *words[1:]] if detach else words


def _words(command: str, flags: Mapping[str, str], *arguments: str) -> list[str]:
    given = [f"{flag}={value}" for flag, value in flags.items() if value]
    return [command, *given, "--json", "--", *arguments]


def make(
    shot: Shot,
    prompt: Prompt | None,
    project: str,
    environ: Mapping[str, str] | None = None,
    heard: Heard | None = None,
    *,
    detach: bool = False,
) -> dict[str, Any]:
    """Prepare ``shot`` and, with a prompt, run it.  Raises CosmosFailed.

    Returns ``{"prepared": folder, "run": id, "outputs": [paths]}``; the last two only of a run,
    and outputs only of one that was waited for.
    """
    facts = call(prepare(shot), project, environ, heard)[-1]
    made: dict[str, Any] = {"prepared": facts["folder"], "facts": facts}
    if prompt is None:
        return made
    spec = call(create_spec(prompt, facts["folder"]), project, environ, heard)[-1]
    run_spec = call(create_run(prompt, spec["path"]), project, environ, heard)[-1]
    said = call(run(run_spec["path"], detach=detach), project, environ, heard)
    made["run"] = next((one["run"] for one in said if one.get("run")), "")
    made["outputs"] = outputs(said)
    return made


def outputs(said: list[dict[str, Any]]) -> list[str]:
    """The videos that runs have brought home, out of what ``cosmos run`` said."""
    return [str(one["video"]) for one in said if one.get("video")]
