"""``python -m cosmos_workflow.rehearsal SPEC FOLDER``: renders one rehearsal on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cosmos_workflow.errors import INTERRUPTED, CosmosError

USAGE = "usage: python -m cosmos_workflow.rehearsal SPEC.json FOLDER"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code; faults are told on stderr in two lines, never as a traceback."""
    args = list(sys.argv[1:] if argv is None else argv)
    if len(args) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        _render(Path(args[0]), Path(args[1]))
    except CosmosError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return CosmosError.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _render(spec: Path, folder: Path) -> None:
    from cosmos_workflow.rehearsal.render import render
    from cosmos_workflow.rehearsal.request import read

    render(read(spec), folder, lambda line: print(line, flush=True))


if __name__ == "__main__":
    raise SystemExit(main())
