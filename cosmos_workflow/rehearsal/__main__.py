"""``python -m cosmos_workflow.rehearsal SPEC FOLDER ...``: renders rehearsals on the CPU.

Of several, whose folders have the names of their runs, each line says which it is about:
``run 2/3: frame 12/48``.  One that fails costs only itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cosmos_workflow.errors import INTERRUPTED, CosmosError

USAGE = "usage: python -m cosmos_workflow.rehearsal SPEC.json FOLDER [SPEC.json FOLDER]..."

Say = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code; faults are told on stderr in two lines, never as a traceback."""
    args = [Path(arg) for arg in (sys.argv[1:] if argv is None else argv)]
    if not args or len(args) % 2:
        print(USAGE, file=sys.stderr)
        return 2
    pairs = list(zip(args[::2], args[1::2], strict=True))
    if len(pairs) > 1:
        for number, (_, folder) in enumerate(pairs, 1):
            print(f"run {number}/{len(pairs)} is {folder.name}", flush=True)
    codes = []
    for number, (spec, folder) in enumerate(pairs, 1):
        whose = f"run {number}/{len(pairs)}: " if len(pairs) > 1 else ""
        codes.append(_one(spec, folder, whose))
        if codes[-1] == INTERRUPTED:
            break
    return next((code for code in codes if code), 0)


def _one(spec: Path, folder: Path, whose: str) -> int:
    try:
        _render(spec, folder, lambda line: print(f"{whose}{line}", flush=True))
    except CosmosError as error:
        _complain(whose, error.message, error.hint)
        return error.exit_code
    except OSError as error:
        _complain(whose, f"{error.filename or ''}: {error.strerror}")
        return CosmosError.exit_code
    except KeyboardInterrupt:
        _complain(whose, "interrupted")
        return INTERRUPTED
    return 0


def _complain(whose: str, message: str, hint: str = "") -> None:
    print(f"{whose}error: {message}", file=sys.stderr)
    if hint:
        print(f"{whose}hint: {hint}", file=sys.stderr)


def _render(spec: Path, folder: Path, say: Say) -> None:
    from cosmos_workflow.rehearsal.render import render
    from cosmos_workflow.rehearsal.request import read

    video = render(read(spec), folder, say)
    say(f"whole: {folder.name}/{video.name}")


if __name__ == "__main__":
    raise SystemExit(main())
