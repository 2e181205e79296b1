"""One call of ``cosmos``, in its own environment, read line by line while it works."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from . import executable
from .environment import outside
from .faults import CosmosFailed


class Heard(Protocol):
    """Called with each object that cosmos says, and with None when it has been silent for a moment.

    What it raises ends the call: cosmos is stopped as by Ctrl-C.
    """

    def __call__(self, one: dict[str, Any] | None, /) -> None: ...


QUIET_S = 0.1
STOPPING_S = 20
NOTES = 20


def call(
    words: Sequence[str],
    project: str,
    environ: Mapping[str, str] | None = None,
    heard: Heard | None = None,
) -> list[dict[str, Any]]:
    """Run ``cosmos *words`` in the folder ``project``; every JSON object that it printed.

    ``words`` ask for JSON themselves.  ``environ``: Houdini's; cleaned here.
    Raises CosmosFailed with cosmos' own message and hint.
    """
    environ = os.environ if environ is None else environ
    argv = [executable.find(environ), *words]
    process = _start(argv, project, environ)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    said: list[dict[str, Any]] = []
    notes: list[str] = []
    try:
        for line in _until_silent(lines, heard):
            one = _object(line)
            if one is None:
                notes = [*notes, line.rstrip()][-NOTES:]
                continue
            said.append(one)
            if heard:
                heard(one)
        code = process.wait()
    except BaseException:
        _stop(process)
        raise
    if code:
        raise _fault(argv, code, said, notes)
    return said


def _start(argv: list[str], project: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            argv, cwd=project, env=outside(environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    except OSError as error:
        raise CosmosFailed(f"cannot start {argv[0]}: {error.strerror}") from error


def _read(stream: Any, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _until_silent(lines: queue.Queue[str | None], heard: Heard | None) -> Any:
    """Each line until the last, calling ``heard(None)`` in the pauses."""
    while True:
        try:
            line = lines.get(timeout=QUIET_S)
        except queue.Empty:
            if heard:
                heard(None)
            continue
        if line is None:
            return
        yield line


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _stop(process: subprocess.Popen[str]) -> None:
    """As Ctrl-C would: cosmos tidies up behind itself."""
    if sys.platform == "win32":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOPPING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _fault(
    argv: list[str], code: int, said: list[dict[str, Any]], notes: list[str]
) -> CosmosFailed:
    told = next((one for one in reversed(said) if "error" in one and "message" in one), None)
    if told:
        return CosmosFailed(str(told["message"]), str(told.get("hint", "")), code)
    tail = "\n".join(notes[-5:])
    hint = f"run it in a terminal: {argv[0]} {argv[1] if len(argv) > 1 else ''}".rstrip()
    return CosmosFailed(f"cosmos ended with {code}\n{tail}".rstrip(), hint, code)
